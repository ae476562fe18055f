#!/bin/sh
# Keeps router_exporter running. For cron, once a minute:
#
#     * * * * * /path/to/watchdog.sh
#
# and for a person: watchdog.sh start|stop|restart|status|log
#
# When all is well it prints nothing, writes nothing and forks four times (where
# the shell has [ and echo as programs, as Asuswrt-Merlin's, those besides). It
# needs the applets of a stock firmware only (busybox 1.24): cat chmod cp dd ln ls
# md5sum mkdir mv pidof rm sleep tail touch tr wc; gunzip for a packed binary;
# logger if there is one. `command` is missing on Padavan, Merlin and Tomato.
#
# The exporter runs from a copy in RAM: a stick that is pulled, hangs or is
# unmounted takes nothing from under it. A binary becomes that copy only after
# its `--version` has run, so a half-written one never replaces a good one.
set -uf
umask 077

# The settings; watchdog.conf beside this script may replace each.
case $0 in
/*) here=${0%/*} ;;
*/*) here=$PWD/${0%/*} ;;
*) here=$PWD ;;
esac
BINARY=$here/router_exporter
OPTIONS=
HEALTH=
RUN_DIR=/var/run/router_exporter
LOG=
LOG_KB=64
COPY=yes
SYSLOG=yes

conf=${WATCHDOG_CONF:-$here/watchdog.conf}
uptime_file=${WATCHDOG_UPTIME:-/proc/uptime} # the wall clock jumps, this does not
verb=${1:-}
bound=${WATCHDOG_BOUND:-15} # seconds for --health and --version, which take far less
steady=300                  # seconds after which a crash is the first again
# Where it is run from if RUN_DIR is too small, or mounted without exec.
elsewhere=${WATCHDOG_ELSEWHERE:-/tmp/router_exporter /dev/shm/router_exporter /run/router_exporter}

# The settings are read, not sourced: a mistake costs its line, not the watchdog.
read_settings() {
    if [ -r "$conf" ]; then
        while read -r line || [ -n "$line" ]; do
            line=${line%[[:cntrl:]]} # a file edited on Windows
            value=${line#*=}
            case $value in
            \"*\" | \'*\') value=${value#?} value=${value%?} ;;
            esac
            case $line in
            BINARY=*) BINARY=$value ;;
            OPTIONS=*) OPTIONS=$value ;;
            HEALTH=*) HEALTH=$value ;;
            RUN_DIR=*) RUN_DIR=$value ;;
            LOG=*) LOG=$value ;;
            LOG_KB=*) LOG_KB=$value ;;
            COPY=*) COPY=$value ;;
            SYSLOG=*) SYSLOG=$value ;;
            esac
        done <"$conf"
    fi
    case $LOG_KB in
    '' | *[!0-9]* | ??????*) LOG_KB=64 ;;
    esac
    packed=no
    case $BINARY in
    *.gz) packed=yes ;;
    esac
    exe=
    { read -r exe <"$RUN_DIR/exe"; } 2>/dev/null
    run_from "${exe:-$RUN_DIR/router_exporter}"
}

# What is run, and what of the binary on disk is kept to be compared with it.
run_from() {
    exe=$1 kept=$1
    [ "$packed" = no ] || kept=$RUN_DIR/packed
}

now() {
    read -r uptime _ <"$uptime_file"
    uptime=${uptime%%.*}
}

# Where a symbolic link points; not every firmware has readlink.
link_target() {
    link=$(ls -l "$1" 2>/dev/null) || return 1
    echo "${link##* -> }"
}

# The state and the birth (in ticks since boot) of process $1. Together with
# the boot's id, pid and birth name a process for good: a pid alone comes back.
look_at() {
    mode='' birth=''
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in parentheses may hold anything; what follows it does not.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ $# -ge 20 ] || return 1
    mode=$1 birth=${20}
    case $mode in
    Z | X) return 1 ;;
    esac
}

# What is known of the exporter is one line in RAM:
# boot pid birth since crashes retry_at
# pid is "none" between a crash and the next start, "stopped" after `stop`.
load() {
    record=
    { read -r record <"$RUN_DIR/state"; } 2>/dev/null
    # shellcheck disable=SC2086
    set -- $record
    if [ $# -eq 6 ] && [ "$1" = "$boot" ]; then
        pid=$2 born=$3 since=$4 crashes=$5 retry_at=$6
    else
        pid=none born=0 since=0 crashes=0 retry_at=0
    fi
}

save() {
    { echo "$boot $pid $born $since $crashes $retry_at" >"$RUN_DIR/state"; } 2>/dev/null
}

alive() {
    case $pid in
    none | stopped) return 1 ;;
    esac
    look_at "$pid" && [ "$birth" = "$born" ]
}

# One watchdog acts at a time. A lock is a symbolic link, made at once with its
# owner's name in it, and costs a full tmpfs nothing. A dead owner's lock is
# stepped over and never removed: two that find it cannot remove each other's.
lock() {
    look_at $$
    me=$boot:$$:$birth
    number=0
    while [ -L "$RUN_DIR/lock.$number" ]; do
        owner=$(link_target "$RUN_DIR/lock.$number") || return 1
        owner_pid=${owner#*:}
        if [ "${owner%%:*}" = "$boot" ] && look_at "${owner_pid%:*}" &&
            [ "$birth" = "${owner##*:}" ]; then
            return 1
        fi
        number=$((number + 1))
    done
    ln -s "$me" "$RUN_DIR/lock.$number" 2>/dev/null || return 1
    trap 'rm -f "$RUN_DIR/lock.$number"' EXIT
    trap 'exit 1' HUP INT TERM
}

# A person does not come again in a minute.
lock_patiently() {
    tries=30
    until lock; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ]; then
            echo "another watchdog has been at work for 30 seconds" >&2
            exit 1
        fi
        sleep 1
    done
}

# Says in both logs what has happened, and to a person; the same thing only once.
say() {
    [ -z "$verb" ] || echo "$*"
    said=
    { read -r said <"$RUN_DIR/said"; } 2>/dev/null
    [ "$said" != "$*" ] || return 0
    choose_log
    now
    {
        echo "$*" >"$RUN_DIR/said"
        echo "uptime=$uptime source=watchdog msg=\"$*\"" >>"$log"
    } 2>/dev/null
    [ "$SYSLOG" != yes ] || logger -t router_exporter "$*" 2>/dev/null || true
}

# The log is where it was asked to be, or in RAM while that is not writable.
choose_log() {
    log=${LOG:-$RUN_DIR/log}
    [ "$disk" != hangs ] && { true >>"$log"; } 2>/dev/null && return
    log=$RUN_DIR/log
    { true >>"$log"; } 2>/dev/null || log=/dev/null
}

# The log that the running exporter has open.
find_log() {
    log=${LOG:-$RUN_DIR/log}
    [ "$disk" != hangs ] && [ "/proc/$pid/fd/2" -ef "$log" ] || log=$RUN_DIR/log
}

log_is_full() {
    [ -f "$log" ] && [ -s "$log" ] || return 1
    size=$(wc -c <"$log" 2>/dev/null) || return 1
    [ "$size" -gt $((LOG_KB * 1024)) ]
}

# The exporter keeps the file open for appending, so it is emptied, not moved.
turn_log() {
    tail -c $((LOG_KB * 1024)) "$log" >"$log.old"
    true >"$log"
} 2>/dev/null

# Runs a command, for $bound seconds at most. One that hangs in the kernel outlives
# even its killing, and is not waited for any longer.
bounded() {
    "$@" </dev/null >/dev/null 2>&1 &
    job=$!
    (
        nap=
        trap 'kill $nap; exit' TERM
        kill -0 "$job" || exit # a signal from before the trap may be lost
        sleep "$bound" &
        nap=$!
        wait "$nap"
        kill -9 "$job"
        sleep 1 &
        nap=$!
        wait "$nap"
        kill -ALRM $$
    ) >/dev/null 2>&1 &
    timer=$!
    {
        wait "$job"
        answer=$?
        kill "$timer"
        wait "$timer"
    } 2>/dev/null
    return "$answer"
}

# Looks at what may be on a stick or elsewhere: whether the binary is there, is
# missing, or its file system hangs. One that may hang is asked by a child, and not
# again while that still waits: each look would leave another process behind.
look_at_disk() {
    disk=missing
    if may_hang; then
        if { read -r asker asker_birth <"$RUN_DIR/asker"; } 2>/dev/null &&
            look_at "$asker" && [ "$birth" = "$asker_birth" ]; then
            disk=hangs
            return
        fi
        bounded ls "$BINARY" "${LOG:-$BINARY}"
        if look_at "$job"; then
            { echo "$job $birth" >"$RUN_DIR/asker"; } 2>/dev/null
            disk=hangs
            return
        fi
    fi
    [ ! -f "$BINARY" ] || disk=there
}
may_hang() {
    while read -r _ _ type _; do
        case $type in
        fusectl | nfsd) ;;
        fuse* | nfs* | cifs | smb* | 9p | ceph | afs) return 0 ;;
        esac
    done </proc/mounts
    return 1
}
why_missing() {
    if [ "$disk" = hangs ]; then echo "does not answer"; else echo "is not there"; fi
}

# Through /proc it is the program that runs that is asked, whatever lies on disk
# by now; from its options it knows where it listens.
healthy() {
    # shellcheck disable=SC2086
    bounded "/proc/$pid/exe" $OPTIONS --health $HEALTH
}

# Width, byte order and processor of an ELF file.
kind_of() {
    {
        dd if="$1" bs=1 count=6
        dd if="$1" bs=1 skip=18 count=2
    } 2>/dev/null | tr -d '\0'
}

# A shell runs what the kernel refuses as a script. Hence the look at the kind,
# which is the shell's own or that of a 32-bit program on a 64-bit ARM, and no
# PATH and no directory of anyone's for what passes that.
runs() {
    kind=$(kind_of "$1") own=$(kind_of "/proc/$$/exe")
    [ "$kind" = "$own" ] ||
        [ "$kind on $own" = "$(printf '\177ELF\1\1( on \177ELF\2\1\267')" ] ||
        return 1
    bounded version_runs "$1"
}
version_runs() {
    cd "$RUN_DIR" && PATH=/nonexistent exec "$1" --version
}

# The type and the flags of the file system of directory $1.
mount_of() {
    directory=$(cd "$1" 2>/dev/null && pwd -P) best='' flags='' type=
    while read -r _ point a_type some_flags _; do
        while :; do # a blank is \040
            case $point in
            *\\040*) point="${point%%\\040*} ${point#*\\040}" ;;
            *) break ;;
            esac
        done
        point=${point%/}
        case $directory/ in
        "$point"/*) [ ${#point} -lt ${#best} ] || best=$point type=$a_type flags=$some_flags ;;
        esac
    done </proc/mounts
}

same_content() {
    sum=$(md5sum <"$1") && [ "$sum" = "$(md5sum <"$2")" ]
} 2>/dev/null

# Whether the binary on disk is another than the one in use. Both have the time
# of the file on disk: what the clock says now is of no account. Where times are
# not kept to the nanosecond, or shift with the time zone, content decides, once.
differ() {
    [ "$1" -nt "$2" ] || [ "$1" -ot "$2" ] || return 1
    same_content "$1" "$2" || return 0
    touch -r "$1" "$2" 2>/dev/null
    return 1
}

# A packed one lies where Padavan gives all files the same time when it saves them to
# flash. There it is the file's number that tells.
replaced() {
    [ "$packed" = yes ] || return 1
    line=
    { read -r line <"$RUN_DIR/packed.file"; } 2>/dev/null
    file_line
    [ "$line" != "$file" ] || return 1
    same_content "$BINARY" "$kept" || return 0
    { echo "$file" >"$RUN_DIR/packed.file"; } 2>/dev/null
    return 1
}
file_line() {
    # shellcheck disable=SC2012,SC2046
    set -- $(ls -liL "$BINARY" 2>/dev/null)
    file=$*
}

changed() {
    [ "$disk" = there ] || return 1
    if [ "$exe" = "$BINARY" ]; then
        alive && ! [ "/proc/$pid/exe" -ef "$BINARY" ]
    else
        ! [ -f "$exe" ] || differ "$BINARY" "$kept" || replaced
    fi && ! refused
}

# A binary that would not run is tried again when it changes, or in ten minutes.
refused() {
    [ -f "$RUN_DIR/refused" ] || return 1
    { read -r until which <"$RUN_DIR/refused"; } 2>/dev/null || return 1
    now
    file_line
    [ "$uptime" -lt "$until" ] && [ "$which" = "$file" ]
}

refuse() {
    now
    file_line
    { echo "$((uptime + 590)) $file" >"$RUN_DIR/refused"; } 2>/dev/null
    say "$BINARY $*"
    return 1
}

# Brings the binary on disk to where it can be run, if it can be trusted: into RAM as
# $new beside $exe, or it is left in place.
fetch() {
    was=$exe obstacle='' why=''
    set -- "$RUN_DIR/router_exporter"
    for place in $elsewhere; do set -- "$@" "$place/router_exporter"; done
    if [ "$packed" = no ]; then
        if [ "$COPY" = no ]; then set -- "$BINARY" "$@"; else set -- "$@" "$BINARY"; fi
    fi
    for place; do
        if holds "${place%/*}"; then
            run_from "$place"
            if bring; then
                [ -z "$obstacle" ] || say "$obstacle: it is run from ${exe%/*}"
                return 0
            fi
            run_from "$was"
            [ -z "$why" ] || break
        fi
        obstacle=${obstacle:-$fault}
    done
    refuse "${why:-cannot be run: $obstacle}"
}

# Whether a program can be run from this directory.
holds() {
    if [ "$1" != "$RUN_DIR" ] && [ "$1" != "${BINARY%/*}" ]; then
        fault="$1 is not in RAM"
        mount_of "${1%/*}"
        case $type in
        tmpfs | ramfs) ;;
        *) return 1 ;;
        esac
        fault="$1 belongs to somebody else"
        [ -d "$1" ] || mkdir "$1" 2>/dev/null || return 1
        [ -O "$1" ] && ! [ -L "$1" ] || return 1
    fi
    fault="$1 is mounted without exec"
    mount_of "$1"
    case ,$flags, in
    *,noexec,*) return 1 ;;
    esac
}

# Sets $why if the binary is to blame, $fault if the place is.
bring() {
    copy=$RUN_DIR/copy new=${exe%/*}/new
    if [ "$exe" = "$BINARY" ]; then
        runs "$BINARY" || why="does not run: half-written, or for another processor"
    else
        [ "$packed" = yes ] || copy=$new
        if ! cp -p "$BINARY" "$copy" 2>/dev/null; then
            fault="there is no room in ${copy%/*}"
        elif ! unpack && gunzip -c <"$copy" >/dev/null 2>&1; then
            fault="there is no room in ${new%/*}"
        elif ! chmod 700 "$new" 2>/dev/null || ! runs "$new"; then
            why="does not run: half-written, or for another processor"
        elif [ "$(wc -c <"$BINARY")" != "$(wc -c <"$copy")" ] || differ "$BINARY" "$copy"; then
            why="is still being written"
        else
            return 0
        fi
        rm -f "$copy" "$new"
        return 1
    fi
    [ -z "$why" ]
}

unpack() {
    [ "$copy" = "$new" ] || gunzip -c <"$copy" >"$new"
} 2>/dev/null

settle() {
    rm -f "$RUN_DIR/refused"
    # Nothing is left in RAM where it was before; a binary on disk is its owner's.
    case " $RUN_DIR $elsewhere " in
    *" ${was%/router_exporter} "*) [ "$was" = "$exe" ] || [ "$was" = "$BINARY" ] || rm -f "$was" ;;
    esac
    { echo "$exe" >"$RUN_DIR/exe"; } 2>/dev/null
    [ "$exe" != "$BINARY" ] || return 0
    mv -f "$new" "$exe"
    [ "$packed" = yes ] || return 0
    mv -f "$copy" "$kept"
    file_line
    { echo "$file" >"$RUN_DIR/packed.file"; } 2>/dev/null
}

# Starts the exporter from the best binary there is.
begin() {
    # A person may have changed the settings. What is run in place is looked at anew.
    if [ -n "$verb" ] || [ "$exe" = "$BINARY" ] || changed; then
        # A binary that is refused leaves the last good copy.
        if [ "$disk" = there ] && ! refused && fetch; then settle; fi
    fi
    if [ "$exe" != "$BINARY" ] && [ -f "$exe" ]; then
        [ "$disk" = there ] || say "$BINARY $(why_missing): using the last good copy"
    elif [ "$disk" != there ]; then
        say "$BINARY $(why_missing): waiting for it"
        return 1
    elif [ "$exe" != "$BINARY" ] || refused; then
        return 1
    fi
    choose_log
    ! log_is_full || turn_log
    (
        trap '' HUP
        # A bound of the kernel's, for what is written between two looks.
        trap '' XFSZ 2>/dev/null && ulimit -f $((LOG_KB * 4)) 2>/dev/null
        # shellcheck disable=SC2086
        exec "$exe" $OPTIONS </dev/null >/dev/null 2>>"$log"
    ) &
    pid=$!
    look_at "$pid"
    born=${birth:-0}
    now
    since=$uptime
    save
    say "started, pid $pid"
}

# Ends the exporter; fails if it is still there, as in a read that hangs.
end() {
    seconds=0
    alive && kill "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
    while alive; do
        [ "$seconds" != 5 ] || kill -9 "$pid" 2>/dev/null
        if [ "$seconds" = 8 ]; then
            say "pid $pid cannot be killed"
            return 1
        fi
        sleep 1
        seconds=$((seconds + 1))
    done
}

# One more crash in a row, and how long to wait because of it: three may happen,
# more are a loop. Ten seconds less than whole minutes, so that the wait does not
# miss its minute of cron by one.
count_crash() {
    now
    [ $((uptime - since)) -lt "$steady" ] || crashes=0
    crashes=$((crashes + 1))
    case $crashes in
    1 | 2 | 3) wait=0 ;;
    4) wait=50 ;;
    5) wait=110 ;;
    6) wait=230 ;;
    7) wait=470 ;;
    *) wait=590 ;;
    esac
    retry_at=$((uptime + wait))
}

# The record may be lost (/tmp emptied, or full): then the process is looked for. A
# child of an exporter's that asks a mount which hangs bears its name, outlives it and
# cannot be killed; but it has closed its standard input, as the exporter never does.
adopt() {
    for found in $(pidof router_exporter); do
        target=$(link_target "/proc/$found/exe") || continue
        target=${target% (deleted)}
        in_place=
        [ "$COPY" != no ] || in_place=$BINARY
        case " $exe $RUN_DIR/router_exporter $in_place $elsewhere " in
        *" $target "* | *" ${target%/router_exporter} "*) ;;
        *) continue ;;
        esac
        [ -L "/proc/$found/fd/0" ] || continue
        case " $(tr '\0' ' ' <"/proc/$found/cmdline" 2>/dev/null)" in
        *' --health '* | *' --version '*) continue ;;
        esac
        look_at "$found" || continue
        now
        pid=$found born=$birth since=$uptime
        save
        [ "$target" = "$exe" ] || {
            run_from "$target"
            { echo "$exe" >"$RUN_DIR/exe"; } 2>/dev/null
        }
        return 0
    done
    return 1
}

find_problem() {
    problem=
    if ! alive; then
        problem=dead
    elif [ "$mode" = T ]; then
        problem=stopped
    elif changed; then
        problem=changed
    elif ! healthy; then
        now
        # Busy is not hung, and one that would not get well by a restart is not
        # restarted every minute.
        [ "$uptime" -ge "$retry_at" ] && sleep 2 && ! healthy && problem=hung
    else
        find_log
        ! log_is_full || problem=full
    fi
    [ -n "$problem" ]
}

repair() {
    case $problem in
    dead)
        ! adopt || return 0
        if [ "$pid" != none ]; then
            count_crash
            pid=none
            save
            say "died after $((uptime - since)) s, crash $crashes in a row, next start in $wait s"
        fi
        now
        if [ "$crashes" != 0 ] && changed; then crashes=0 retry_at=0; fi
        [ "$uptime" -lt "$retry_at" ] || begin
        ;;
    stopped | hung)
        count_crash
        save
        say "pid $pid is $problem: restarting it"
        end && begin
        ;;
    changed)
        fetch || return 0
        say "$BINARY has changed: restarting"
        end && settle && crashes=0 retry_at=0 && begin
        ;;
    full)
        turn_log
        ;;
    esac
}

check() {
    load
    [ "$pid" != stopped ] || return 0
    look_at_disk
    find_problem || return 0
    lock || return 0
    seen=$record
    load
    # Somebody has acted between the look and the lock.
    [ "$record" = "$seen" ] || return 0
    repair
    return 0
}

start() {
    if alive || adopt; then
        echo "runs already, pid $pid"
        return 0
    fi
    crashes=0 retry_at=0
    rm -f "$RUN_DIR/refused"
    begin || return 1
    seconds=0
    until healthy; do
        if [ "$seconds" = 10 ] || ! alive; then
            echo "does not answer; the end of its log:"
            tail -n 5 "$log"
            return 1
        fi
        sleep 1
        seconds=$((seconds + 1))
    done
    echo "answers"
}

stop() {
    if alive || adopt; then
        end || return 1
        say "stopped"
    else
        echo "does not run"
    fi
    pid=stopped
    save
}

status() {
    now
    if alive; then
        echo "runs, pid $pid, for $((uptime - since)) s"
        if healthy; then echo "answers"; else echo "does not answer"; fi
    elif [ "$pid" = stopped ]; then
        echo "stopped, until the next start or boot"
    elif [ "$retry_at" -gt "$uptime" ]; then
        echo "crashed $crashes times in a row, next start in $((retry_at - uptime)) s"
    else
        echo "does not run"
    fi
    [ "$disk" = there ] || echo "$BINARY $(why_missing)"
    ! refused || echo "$BINARY was refused, a copy in RAM is used"
    alive
}

read_settings
disk=unknown
trap : ALRM # bounded's
boot=-
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
[ -d "$RUN_DIR" ] || mkdir -p "$RUN_DIR" || exit 1
[ -O "$RUN_DIR" ] || {
    echo "$RUN_DIR belongs to somebody else" >&2
    exit 1
}
case $verb in
'') check ;;
start | stop)
    lock_patiently
    load
    look_at_disk
    "$verb"
    ;;
restart)
    lock_patiently
    load
    look_at_disk
    stop && start
    ;;
status)
    load
    look_at_disk
    status || exit 3
    ;;
log)
    for file in "${LOG:-$RUN_DIR/log}" "$RUN_DIR/log"; do
        [ -f "$file" ] || continue
        [ ! -f "$file.old" ] || cat "$file.old"
        cat "$file"
        break
    done
    ;;
*)
    echo "usage: ${0##*/} [start|stop|restart|status|log]" >&2
    exit 2
    ;;
esac
