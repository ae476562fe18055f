#!/bin/sh
# The cases of scripts/watchdog.sh. Run by tests/shell/run, which says under which
# shell. Time is a file that the cases write, so that none waits for a minute.
#
# Each case is a function whose name begins with case_. It has a directory of its
# own, with a small stick and RAM in it, and fails at the first false statement.
# shellcheck disable=SC2086 # births and pids have no blanks
set -eu
name=

watchdog=$PWD/scripts/watchdog.sh
# The shell by its whole path, and the busybox that has the applets.
shell=$(command -v "${SHELL_UNDER_TEST%% *}")
busybox=$(command -v busybox)
case $SHELL_UNDER_TEST in
*' ash') busybox=$shell shell="$shell ash" ;;
esac
port=$((PORTS + $$ % 2900))
# The exporter's own output has a bound; what the watchdog adds to it comes on top.
own_lines=200

setup() {
    dir=$(mktemp -d)
    mkdir "$dir/stick" "$dir/script"
    cp "$watchdog" "$dir/script/watchdog.sh"
    install_binary 2020-01-01
    port=$((port + 1))
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port --deaf=$dir/deaf"
    at 1000
    # What the script says that it needs, and no more. Only the shell of Debian's
    # busybox does not keep to that: it always has all of its applets.
    mkdir "$dir/applets"
    for applet in $(tr '\n' ' ' <"$watchdog" | sed 's/.*(busybox 1.24): \([^;]*\);.*/\1/; s/#//g') gunzip; do
        ln -s "$busybox" "$dir/applets/$applet"
    done
    # Where these are built in, they are not looked for.
    for applet in [ echo kill printf; do ln -s "$busybox" "$dir/applets/$applet"; done
    printf '#!/bin/sh\necho "$*" >>%s\n' "$dir/syslog" >"$dir/applets/logger"
    chmod 755 "$dir/applets/logger"
}

teardown() {
    for pid in $(ours) $(cat "$dir/hung" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
    sed -n "s#^[^ ]* \($dir/[^ ]*\) .*#\1#p" /proc/mounts | while read -r mount; do
        umount -l "$(printf '%s' "$mount" | sed 's/\\040/ /g')"
    done
    rm -rf "$dir"
}

# Mounts what never answers.
hang() {
    mkdir -p "$1"
    tests/shell/hung_mount "$1" "$dir" >"$dir/hung_mount" 2>&1 &
    echo "$!" >>"$dir/hung"
    tries=50
    until grep -q " $1 fuse " /proc/mounts && [ ! -e "$dir/hung_mount.$!" ] &&
        [ "$(readlink "/proc/$!/exe")" != "$(readlink /proc/$$/exe)" ]; do
        tries=$((tries - 1))
        [ "$tries" != 0 ] || fail "no hung mount: $(cat "$dir/hung_mount")"
        sleep 0.1
    done
}

ram() {
    mkdir -p "$1"
    mount -t tmpfs -o "mode=700,$2" ram "$1"
}

conf() {
    {
        echo "BINARY=$dir/stick/router_exporter"
        echo "RUN_DIR=$dir/ram"
        for line in "$@"; do echo "$line"; done
    } >"$dir/script/watchdog.conf"
}

install_binary() {
    { cat "$STAND_IN" && echo "$1"; } >"$dir/stick/next"
    chmod 755 "$dir/stick/next"
    touch -d "$1 00:00:00" "$dir/stick/next"
    mv "$dir/stick/next" "$dir/stick/router_exporter"
}

# What /proc/uptime says.
at() {
    echo "$1.37 99.00" >"$dir/uptime"
}

# The watchdog, as a person calls it.
watchdog() {
    status=0
    PATH=$dir/applets WATCHDOG_UPTIME=$dir/uptime WATCHDOG_BOUND=${BOUND:-15} \
        WATCHDOG_ELSEWHERE="$dir/nowhere $dir/else/router_exporter" \
        $shell "$dir/script/watchdog.sh" "$@" \
        >"$dir/out" 2>"$dir/err" </dev/null || status=$?
    quiet_err
}

quiet_err() {
    [ ! -s "$dir/err" ] || fail "standard error: $(cat "$dir/err")"
}

# The watchdog, as cron calls it: it says nothing at all.
cron() {
    watchdog
    [ "$status" = 0 ] || fail "exit status $status"
    [ ! -s "$dir/out" ] || fail "standard output: $(cat "$dir/out")"
}

# The pids of this case's exporters, whichever way they were started.
ours() {
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in
        "$dir"/*)
            exe=${exe%/exe}
            case $(tr '\0' ' ' <"$exe/cmdline" 2>/dev/null) in
            *--health* | *--version*) ;;
            # One that asks for it has closed its standard input.
            *) [ ! -L "$exe/fd/0" ] || echo "${exe#/proc/}" ;;
            esac
            ;;
        esac
    done
}

fail() {
    echo "$name: $*" >&2
    exit 1
}

# one: exactly one exporter runs, and answers. Sets $pid.
one() {
    tries=50
    pid=$(ours)
    # Until the shell that was forked for it has become it.
    while [ "$pid" = "" ] && [ "$tries" != 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
        pid=$(ours)
    done
    case $pid in
    '') fail "no exporter; log: $(cat "$dir/ram/log" 2>/dev/null)" ;;
    *[!0-9]*) fail "several exporters: $pid" ;;
    esac
    tries=50
    until "$STAND_IN" --health "http://127.0.0.1:$port/"; do
        tries=$((tries - 1))
        [ "$tries" != 0 ] || fail "does not answer on port $port"
        sleep 0.1
    done
}

# Waits until the process $pid has ended or stopped.
rests() {
    while mode=$(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat" 2>/dev/null); do
        case $mode in [TZX]) break ;; esac
        sleep 0.05
    done
}

# Sends the exporter $pid a signal that ends or stops it, and waits until it has.
signal() {
    kill "-$1" "$pid"
    rests
}

none() {
    [ -z "$(ours)" ] || fail "an exporter runs: $(ours)"
}

log_says() {
    grep -q "$1" "$dir/ram/log" || fail "the log does not say '$1': $(cat "$dir/ram/log")"
}

times_said() {
    grep -c "$1" "$dir/ram/log" || true
}

# All that is in RAM but what the exporter itself logs.
listing() {
    find "$dir/ram" ! -name log -printf '%p %i %s %T@\n' | sort
}

birth_of() {
    stat=$(cat "/proc/$1/stat")
    set -- ${stat##*) }
    echo "${20}"
}

boot() {
    cat /proc/sys/kernel/random/boot_id
}

case_starts_and_is_then_silent() {
    cron
    one
    first=$pid
    before=$(listing)
    at 1060
    cron
    at 1120
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    after=$(listing)
    [ "$before" = "$after" ] || fail "wrote: $after"
}

case_killed() {
    cron
    one
    signal KILL
    at 1060
    cron
    one
    log_says 'died after 60 s, crash 1 in a row'
}

case_terminated_by_another() {
    cron
    one
    signal TERM
    cron
    one
}

case_stopped_by_a_signal() {
    cron
    one
    first=$pid
    signal STOP
    at 1060
    cron
    one
    [ "$pid" != "$first" ] || fail "was not restarted"
    log_says "pid $first is stopped"
}

case_hung() {
    cron
    one
    first=$pid
    touch "$dir/deaf"
    at 1060
    cron
    rm "$dir/deaf"
    one
    [ "$pid" != "$first" ] || fail "was not restarted"
    log_says "pid $first is hung"
}

# One that stays deaf is not restarted every minute: it may serve all the same.
case_hung_for_good() {
    touch "$dir/deaf"
    for minute in 0 1 2 3 4 5 6 7 8; do
        at $((1000 + minute * 60))
        cron
    done
    [ "$(times_said 'is hung')" = 6 ] || fail "restarted $(times_said 'is hung') times"
    rm "$dir/deaf"
    one
}

case_many_at_once() {
    for _ in 1 2 3 4 5 6 7 8; do
        PATH=$dir/applets WATCHDOG_UPTIME=$dir/uptime $shell "$dir/script/watchdog.sh" \
            >>"$dir/out" 2>>"$dir/err" &
    done
    wait
    quiet_err
    one
    signal KILL
    for _ in 1 2 3 4 5 6 7 8; do
        PATH=$dir/applets WATCHDOG_UPTIME=$dir/uptime $shell "$dir/script/watchdog.sh" \
            >>"$dir/out" 2>>"$dir/err" &
    done
    wait
    quiet_err
    one
    [ "$(times_said started,)" = 2 ] || fail "started $(times_said started,) times"
    ! ls "$dir"/ram/lock.* 2>/dev/null || fail "a lock is left"
}

case_stale_locks() {
    mkdir "$dir/ram"
    sleep 60 &
    sleeper=$!
    ln -s "$(boot):4194305:17" "$dir/ram/lock.0"
    ln -s "$(boot):$sleeper:17" "$dir/ram/lock.1"
    ln -s "another-boot:$sleeper:$(birth_of $sleeper)" "$dir/ram/lock.2"
    ln -s nonsense "$dir/ram/lock.3"
    cron
    kill "$sleeper"
    one
    [ -L "$dir/ram/lock.3" ] || fail "a stale lock was removed"
    [ ! -L "$dir/ram/lock.4" ] || fail "the lock is left"
}

case_live_lock() {
    mkdir "$dir/ram"
    sleep 60 &
    sleeper=$!
    ln -s "$(boot):4194305:17" "$dir/ram/lock.0"
    ln -s "$(boot):$sleeper:$(birth_of $sleeper)" "$dir/ram/lock.1"
    cron
    none
    kill "$sleeper"
    wait "$sleeper" 2>/dev/null || true
    cron
    one
}

case_pid_of_another_program() {
    mkdir "$dir/ram"
    sleep 60 &
    sleeper=$!
    echo "$(boot) $sleeper 17 900 0 0" >"$dir/ram/state"
    cron
    one
    [ "$pid" != "$sleeper" ]
    kill "$sleeper" || fail "the other program was killed"
}

case_state_of_another_boot() {
    mkdir "$dir/ram"
    sleep 60 &
    sleeper=$!
    echo "another-boot $sleeper $(birth_of $sleeper) 90000 9 99999" >"$dir/ram/state"
    cron
    one
    kill "$sleeper" || fail "the other program was killed"
}

case_state_is_lost() {
    cron
    one
    first=$pid
    : >"$dir/ram/state"
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    rm -r "$dir/ram"
    at 1060
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
}

case_state_is_garbage() {
    cron
    one
    for state in x 'a b c d e f' '1 2 3 4 5 6 7' '- none none none none none'; do
        printf '%s' "$state" >"$dir/ram/state"
        cron
        one
    done
}

case_crash_loop() {
    conf "OPTIONS=--crash"
    starts=
    minute=0
    while [ "$minute" -lt 40 ]; do
        at $((1000 + minute * 60))
        before=$(times_said 'stand-in started' 2>/dev/null)
        cron
        wait_for_end
        [ "$(times_said 'stand-in started')" = "$before" ] || starts="$starts $minute"
        minute=$((minute + 1))
    done
    [ "$starts" = " 0 1 2 3 5 8 13 22 33" ] || fail "started in minutes$starts"
    log_says 'crash 6 in a row, next start in 230 s'
    # A new binary does not have to wait.
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port"
    cron
    none
    install_binary 2021-01-01
    cron
    one
}

# Of the process that was started, which may not have become the exporter yet.
wait_for_end() {
    read -r _ pid _ <"$dir/ram/state"
    rests
}

case_crash_after_a_long_run() {
    conf "OPTIONS=--crash"
    cron
    wait_for_end
    cron
    wait_for_end
    at 2000
    cron
    log_says 'died after 1000 s, crash 1 in a row, next start in 0 s'
}

case_new_binary() {
    cron
    one
    first=$pid
    # Older than the first, as the clock has jumped: it is another all the same.
    install_binary 2019-01-01
    at 1060
    cron
    one
    [ "$pid" != "$first" ] || fail "was not restarted"
    second=$pid
    at 1120
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted again"
}

# Its time has shifted, as that of a file on FAT does with the time zone.
case_same_binary_of_another_time() {
    cron
    one
    first=$pid
    touch -d '2020-01-01 01:00:00.5' "$dir/stick/router_exporter"
    at 1060
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    signal KILL
    at 1120
    cron
    one
}

case_half_written_binary() {
    cron
    one
    first=$pid
    head -c 20000 "$STAND_IN" >"$dir/stick/router_exporter"
    cron
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    [ "$(times_said 'does not run')" = 1 ] || fail "said $(times_said 'does not run') times"
    signal KILL
    cron
    one
    install_binary 2021-01-01
    second=$pid
    cron
    one
    [ "$pid" != "$second" ] || fail "the whole binary was not taken"
}

# What the kernel refuses, a shell would run as a script.
case_not_a_binary() {
    echo "touch $dir/executed; exit 0" >"$dir/stick/router_exporter"
    cron
    none
    head -c 300000 /dev/zero >"$dir/stick/router_exporter"
    cron
    none
    printf '\177ELF\n touch %s/executed\n >executed\n' "$dir" >"$dir/stick/router_exporter"
    cron
    none
    # Sound, but of another processor.
    printf '\177ELF\2\2\1\n touch %s/executed\n' "$dir" >"$dir/stick/router_exporter"
    cron
    none
    : >"$dir/stick/router_exporter"
    cron
    none
    [ ! -e "$dir/executed" ] || fail "was run as a script"
    install_binary 2021-01-01
    cron
    one
}

case_version_hangs() {
    export STAND_IN_HANGS=yes
    BOUND=1
    cron
    unset BOUND STAND_IN_HANGS
    none
    log_says 'does not run'
    # It is not tried again each minute, but it is after ten.
    at 1060
    cron
    none
    at 1600
    cron
    one
}

# A signal that comes before the timer listens must not make its command last as long as it may.
case_bounded_ends_with_its_command() {
    {
        echo "trap 'exit 1' TERM; bound=60 times=500"
        sed -n '/^bounded() {/,/^}/p' "$watchdog"
        # shellcheck disable=SC2016 # the loop's own
        echo 'while [ $times != 0 ]; do bounded true; times=$((times - 1)); done'
    } >"$dir/loop"
    began=$(date +%s)
    PATH=$dir/applets $shell "$dir/loop"
    [ $(($(date +%s) - began)) -lt 60 ] || fail "waited for the timer"
}

# The child that asks about a mount which hangs has the exporter's name, outlives it
# and cannot be killed.
case_child_that_hangs() {
    hang "$dir/mount"
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port --ask=$dir/mount"
    cron
    one
    first=$pid
    sleep 0.3
    [ "$(pidof router_exporter | wc -w)" -gt 1 ] || fail "no child"
    signal KILL
    at 1060
    cron
    one
    log_says 'died after 60 s, crash 1 in a row'
    # Without its record, it is found all the same, and the child is not.
    second=$pid
    : >"$dir/ram/state"
    at 1120
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted"
    watchdog restart
    [ "$status" = 0 ] || fail "$(cat "$dir/out")"
    one
    [ "$pid" != "$second" ] || fail "was not restarted"
    watchdog stop
    none
    watchdog status
    [ "$status" = 3 ]
    grep -q '^stopped' "$dir/out" || fail "$(cat "$dir/out")"
}

# The stick's own file system hangs, as that of an NTFS stick whose program has died.
case_stick_that_hangs() {
    BOUND=1
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" "LOG=$dir/stick/log"
    cron
    one
    first=$pid
    hang "$dir/stick"
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    # One process waits, and no more.
    cron
    cron
    askers=$(for asker in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$asker" && echo; done 2>/dev/null |
        grep -c "^ls $dir/stick") || true
    [ "$askers" = 1 ] || fail "$askers processes wait"
    signal KILL
    at 1060
    cron
    one
    grep -q 'does not answer: using the last good copy' "$dir/ram/log" || fail "$(cat "$dir/ram/log")"
    watchdog status
    grep -q 'router_exporter does not answer' "$dir/out" || fail "$(cat "$dir/out")"
    # It is back.
    kill "$(cat "$dir/hung")"
    sleep 0.2
    umount "$dir/stick"
    second=$pid
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted"
    install_binary 2021-01-01
    at 1120
    cron
    one
    [ "$pid" != "$second" ] || fail "the new binary was not taken"
}

runs_from() {
    [ "$(readlink "/proc/$pid/exe")" = "$1" ] || fail "runs from $(readlink "/proc/$pid/exe")"
}

# As on the RT-AC86U.
case_ram_without_exec() {
    ram "$dir/ram" noexec
    ram "$dir/else" size=9m
    cron
    one
    runs_from "$dir/else/router_exporter/router_exporter"
    log_says "ram is mounted without exec: it is run from $dir/else/router_exporter"
    before=$(listing)
    at 1060
    cron
    [ "$before" = "$(listing)" ] || fail "wrote: $(listing)"
    first=$pid
    rm -r "$dir"/ram/*
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    install_binary 2021-01-01
    at 1120
    cron
    one
    [ "$pid" != "$first" ] || fail "the new binary was not taken"
    runs_from "$dir/else/router_exporter/router_exporter"
    rm -r "$dir/stick"
    signal KILL
    cron
    one
    # RAM that can run it is preferred, and nothing is left where it was before.
    install_binary_again
    mount -o remount,exec "$dir/ram"
    watchdog restart
    one
    runs_from "$dir/ram/router_exporter"
    [ -z "$(ls "$dir/else/router_exporter")" ] || fail "left: $(ls "$dir/else/router_exporter")"
}

install_binary_again() {
    mkdir "$dir/stick"
    install_binary 2021-01-01
}

case_no_ram_with_exec() {
    ram "$dir/ram" noexec
    mkdir "$dir/else"
    cron
    one
    runs_from "$dir/stick/router_exporter"
    log_says "ram is mounted without exec: it is run from $dir/stick"
    first=$pid
    install_binary 2021-01-01
    at 1060
    cron
    one
    [ "$pid" != "$first" ] || fail "the new binary was not taken"
    watchdog stop
    rm -r "$dir/stick"
    ram "$dir/stick" noexec
    install_binary 2021-01-01
    watchdog start
    [ "$status" = 1 ]
    grep -q "cannot be run: $dir/ram is mounted without exec" "$dir/out" || fail "$(cat "$dir/out")"
    none
    mount -o remount,exec "$dir/ram"
    watchdog start
    one
}

case_too_little_ram() {
    # Its name has a blank in it, and what /proc/mounts makes of that is followed by a digit.
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" "RUN_DIR=$dir/ram 1"
    ln -s "ram 1" "$dir/ram"
    ram "$dir/ram 1" size=200k
    ram "$dir/else" size=9m
    cron
    one
    runs_from "$dir/else/router_exporter/router_exporter"
    log_says "there is no room in $dir/ram 1: it is run from $dir/else/router_exporter"
}

# Not a byte is left for what is known of it.
case_no_ram_at_all() {
    ram "$dir/ram" size=64k
    ram "$dir/else" size=9m
    dd if=/dev/zero of="$dir/ram/full" bs=1k 2>/dev/null || true
    cron
    one
    first=$pid
    at 1060
    cron
    at 1120
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    signal KILL
    at 1180
    cron
    one
}

# Not from a copy, if that is wanted, unless its place cannot run it.
case_in_place_without_exec() {
    rm -r "$dir/stick"
    ram "$dir/stick 1" noexec
    ln -s "stick 1" "$dir/stick"
    install_binary 2020-01-01
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" COPY=no "BINARY=$dir/stick 1/router_exporter"
    cron
    one
    runs_from "$dir/ram/router_exporter"
    log_says "stick 1 is mounted without exec: it is run from $dir/ram"
}

case_no_stick() {
    rm -r "$dir/stick"
    cron
    cron
    none
    [ "$(times_said 'is not there: waiting')" = 1 ] || fail "not said once"
    mkdir "$dir/stick"
    install_binary 2020-01-01
    cron
    one
}

case_pulled_stick() {
    cron
    one
    first=$pid
    rm -r "$dir/stick"
    at 1060
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    signal KILL
    at 1120
    cron
    one
    log_says 'using the last good copy'
    second=$pid
    mkdir "$dir/stick"
    install_binary 2020-01-01
    at 1180
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted for the same binary"
}

case_log_is_bounded() {
    cron
    one
    head -c 300000 /dev/zero | tr '\0' x >>"$dir/ram/log"
    at 1060
    cron
    [ "$(wc -c <"$dir/ram/log")" -lt 1000 ] || fail "the log was not turned"
    [ "$(wc -c <"$dir/ram/log.old")" = 65536 ] || fail "the old log has no bound"
    cron
    log_says asked
}

case_flooded_log() {
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port --flood"
    cron
    one
    size=$(wc -c <"$dir/ram/log")
    [ "$size" -gt 65536 ] || fail "no flood"
    [ "$size" -le $((131072 + own_lines)) ] || fail "the log has $size bytes"
}

case_log_elsewhere() {
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" "LOG=$dir/stick/log" LOG_KB=1
    cron
    one
    grep -q 'stand-in started' "$dir/stick/log"
    head -c 3000 /dev/zero | tr '\0' x >>"$dir/stick/log"
    cron
    [ "$(wc -c <"$dir/stick/log")" -lt 1000 ] || fail "the log was not turned"
    [ "$(wc -c <"$dir/stick/log.old")" = 1024 ] || fail "the old log has no bound"
}

case_log_cannot_be_written() {
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" "LOG=$dir/nowhere/log"
    cron
    one
    log_says 'stand-in started'
}

# Once in the system log too, where there is a logger and it is not refused.
case_system_log() {
    cron
    one
    cron
    [ "$(cat "$dir/syslog")" = "-t router_exporter started, pid $pid" ] || fail "$(cat "$dir/syslog")"
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" SYSLOG=no
    signal KILL
    cron
    one
    [ "$(wc -l <"$dir/syslog")" = 1 ] || fail "SYSLOG=no: $(cat "$dir/syslog")"
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port"
    rm "$dir/applets/logger"
    signal KILL
    cron
    one
}

case_settings() {
    printf 'garbage (\n=\nBINARY="%s/stick/router_exporter"\r\nSYSLOG=no\r\nLOG_KB=1e9\r\n' "$dir" \
        >"$dir/script/watchdog.conf"
    printf "RUN_DIR='%s/ram'\r\nOPTIONS=--web.listen-address=127.0.0.1:%s --flood" "$dir" "$port" \
        >>"$dir/script/watchdog.conf"
    cron
    one
    [ "$(wc -c <"$dir/ram/log")" -le $((131072 + own_lines)) ] || fail "LOG_KB was taken"
}

case_health_address() {
    conf "OPTIONS=--deaf=x --web.listen-address=127.0.0.1:$port" "HEALTH=http://127.0.0.1:1/"
    watchdog start
    [ "$status" = 1 ] || fail "exit status $status"
    grep -q '^does not answer' "$dir/out" || fail "$(cat "$dir/out")"
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port"
    watchdog status
    grep -q '^answers' "$dir/out" || fail "$(cat "$dir/out")"
}

# The binary is in RAM already, as in a home directory.
case_without_a_copy() {
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" COPY=no
    cron
    one
    [ "$(readlink "/proc/$pid/exe")" = "$dir/stick/router_exporter" ] || fail "was copied"
    first=$pid
    at 1060
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    install_binary 2020-01-01
    at 1120
    cron
    one
    [ "$pid" != "$first" ] || fail "the new binary was not taken"
    second=$pid
    head -c 20000 "$STAND_IN" >"$dir/stick/half"
    mv "$dir/stick/half" "$dir/stick/router_exporter"
    at 1180
    cron
    at 1240
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted"
    # Another place: what lies in the old one is its owner's.
    install_binary 2020-01-01
    mkdir "$dir/disk"
    cp -p "$dir/stick/router_exporter" "$dir/disk/"
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port" COPY=no "BINARY=$dir/disk/router_exporter"
    watchdog restart
    one
    runs_from "$dir/disk/router_exporter"
    [ -f "$dir/stick/router_exporter" ] || fail "the old binary is gone"
}

case_packed_binary() {
    pack() {
        echo "$1" >>"$dir/stick/router_exporter"
        gzip -c "$dir/stick/router_exporter" >"$dir/stick/next"
        touch -d "$1" "$dir/stick/next"
        mv "$dir/stick/next" "$dir/stick/packed.gz"
    }
    pack 2020-01-01
    conf "BINARY=$dir/stick/packed.gz" "OPTIONS=--web.listen-address=127.0.0.1:$port" COPY=no
    cron
    one
    first=$pid
    at 1060
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    pack 2019-01-01
    at 1120
    cron
    one
    [ "$pid" != "$first" ] || fail "the new binary was not taken"
    second=$pid
    head -c 90000 "$dir/stick/packed.gz" >"$dir/stick/half"
    mv "$dir/stick/half" "$dir/stick/packed.gz"
    at 1180
    cron
    signal KILL
    at 1240
    cron
    one
    [ "$(times_said 'does not run')" = 1 ] || fail "said $(times_said 'does not run') times"
}

# Padavan gives all files in its storage the same time when it saves them to flash.
case_packed_binary_of_the_same_time() {
    pack() {
        echo "$1" >>"$dir/stick/router_exporter"
        gzip -c "$dir/stick/router_exporter" >"$dir/stick/next"
        mv "$dir/stick/next" "$dir/stick/packed.gz"
    }
    pack 1
    conf "BINARY=$dir/stick/packed.gz" "OPTIONS=--web.listen-address=127.0.0.1:$port"
    cron
    one
    first=$pid
    touch -d 2010-01-01 "$dir/stick/packed.gz"
    cron
    one
    [ "$pid" = "$first" ] || fail "was restarted"
    # Read once, not at each look.
    [ "$(stat -c %Y "$dir/ram/packed")" = "$(stat -c %Y "$dir/stick/packed.gz")" ] || fail "still differ"
    pack 2
    touch -d 2010-01-01 "$dir/stick/packed.gz"
    at 1060
    cron
    one
    [ "$pid" != "$first" ] || fail "the new binary was not taken"
    second=$pid
    # The same again, as after a second installation.
    cp -p "$dir/stick/packed.gz" "$dir/stick/next"
    mv "$dir/stick/next" "$dir/stick/packed.gz"
    cron
    before=$(listing)
    cron
    one
    [ "$pid" = "$second" ] || fail "was restarted"
    [ "$before" = "$(listing)" ] || fail "wrote: $(listing)"
}

case_a_person() {
    watchdog status
    [ "$status" = 3 ] || fail "exit status $status"
    grep -q 'does not run' "$dir/out"
    watchdog start
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out")"
    grep -q '^answers' "$dir/out"
    one
    first=$pid
    watchdog start
    [ "$status" = 0 ]
    grep -q "runs already, pid $first" "$dir/out"
    watchdog status
    [ "$status" = 0 ]
    grep -q "runs, pid $first" "$dir/out"
    watchdog restart
    [ "$status" = 0 ]
    one
    [ "$pid" != "$first" ] || fail "was not restarted"
    watchdog log
    grep -q 'stand-in started' "$dir/out"
    watchdog stop
    [ "$status" = 0 ]
    none
    at 1060
    cron
    none
    watchdog status
    [ "$status" = 3 ]
    grep -q 'stopped, until' "$dir/out"
    watchdog stop
    [ "$status" = 0 ]
    watchdog start
    [ "$status" = 0 ]
    one
}

case_start_ends_the_wait() {
    conf "OPTIONS=--crash"
    for minute in 0 1 2 3 4; do
        at $((1000 + minute * 60))
        cron
        wait_for_end
    done
    watchdog status
    grep -q 'crashed 4 times in a row' "$dir/out" || fail "$(cat "$dir/out")"
    watchdog start
    [ "$status" = 1 ]
    conf "OPTIONS=--web.listen-address=127.0.0.1:$port"
    watchdog start
    [ "$status" = 0 ]
    one
}

case_wrong_usage() {
    status=0
    $shell "$dir/script/watchdog.sh" resart >"$dir/out" 2>"$dir/err" || status=$?
    [ "$status" = 2 ] || fail "exit status $status"
    grep -q '^usage: watchdog.sh ' "$dir/err"
}

case_by_a_relative_path() {
    cd "$dir/script"
    cp "$STAND_IN" router_exporter
    printf 'OPTIONS=--web.listen-address=127.0.0.1:%s\nRUN_DIR=%s\nSYSLOG=no' "$port" "$dir/ram" >watchdog.conf
    PATH=$dir/applets WATCHDOG_UPTIME=$dir/uptime $shell watchdog.sh 2>"$dir/err"
    quiet_err
    one
}

# shellcheck disable=SC1091
. "$(dirname "$0")/cases.sh"
