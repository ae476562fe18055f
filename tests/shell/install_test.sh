#!/bin/sh
# The cases of scripts/install.sh: a router of each firmware, with the commands
# and files that its documentation names, behind an ssh that runs what it is given
# right here. Paths of the router become paths below the case's directory. Run by
# tests/shell/run.
set -eu
place=/ name=

install=$PWD/scripts/install.sh
port=$((PORTS + $$ % 2900))
# The shell of the PC and of the router, and the router's busybox if that is not the PC's.
here=$SHELL_UNDER_TEST there=$SHELL_UNDER_TEST busybox='' interpreter=$(command -v "${SHELL_UNDER_TEST%% *}")
case $SHELL_UNDER_TEST in
/*/busybox' ash') here=dash busybox=${SHELL_UNDER_TEST% ash} ;;
esac
case $SHELL_UNDER_TEST in
*' ash') interpreter="$interpreter ash" ;;
esac

# router FIRMWARE COMMAND...: the router is this, and has these commands, which
# note how they were called.
router() {
    root=$dir/root
    mkdir -p "$root/tmp/mnt" "$root/bin" "$root/proc" "$root/etc" "$root/var/run" "$root/media" "$root/mnt"
    : >"$root/calls"
    stub uname
    cat >>"$root/bin/uname" <<SCRIPT
case \$1 in -m) echo mips ;; -r) echo 3.4.112 ;; -o) echo ${operating_system:-GNU/Linux} ;; esac
SCRIPT
    shift
    for name_of in "$@"; do stub "$name_of"; done
    printf '#!/bin/sh\necho Filesystem\necho "/dev/x 99999 9 50000 9%% /x"\n' >"$root/bin/df"
    {
        echo "rootfs / rootfs rw 0 0"
        echo "/dev/root $root squashfs ro 0 0"
        printf '/dev/x %s %s rw 0 0\n' "$(printf %s "$root$place" | sed 's/ /\\040/g')" "${type:-ext4}"
    } >"$root/proc/mounts"
    mkdir -p "$root$place" "$root/dev/shm" "$root/run"
    # All of the router's programs, and none of the PC's.
    path=$root/bin:$PATH
    [ -z "$busybox" ] || {
        path=$root/bin:$dir/applets
        mkdir -p "$dir/applets"
        for applet in $("$busybox" --list); do
            ln -sf "$busybox" "$dir/applets/$applet"
        done
    }
    cat >"$dir/ssh" <<SCRIPT
#!/bin/sh
# Options, then the host, then what to run there.
map() { sed 's#\(^\|[^A-Za-z0-9_./*]\)/\(jffs\|home\|config\|data\|media\|mnt\|opt\|www\|tmp\|run\|dev/shm\|lib/upgrade\|var/run\|var/spool\|usr/bin\|proc/mounts\|proc/mtd\|etc/[a-z]\)#\1$root/\2#g'; }
while :; do
    case \$1 in
    -o) shift 2 ;;
    -*) exit 0 ;;
    *) break ;;
    esac
done
[ "\$1" = admin@192.168.1.1 ] || exit 255
shift
what=\$(echo "\$*" | map)
status=0
case \$what in
*'sh -s'*)
    map >$dir/script
    what=\$(echo "\$what" | sed 's#sh -s#$there $dir/script#')
    input=/dev/null
    ;;
*init.d/*.new*)
    input=$dir/script
    sed 's#/etc/rc.common#$root&#; s#^PROG=/#PROG=$root/#' | sed "s#'/#'$root/#" >\$input
    ;;
*.sh.new*)
    input=$dir/script
    map | sed '1s:.*:#!$interpreter:; s#$root/proc/mounts#/proc/mounts#' >\$input
    ;;
*S99* | *.service*)
    input=$dir/script
    map >\$input
    ;;
*) input= ;;
esac
PATH=$path HOME=$root/home
export PATH HOME
cd $root
if [ -n "\$input" ]; then $there -c "\$what" <\$input >$dir/said || status=\$?
else $there -c "\$what" >$dir/said || status=\$?; fi
PATH=/bin:/usr/bin
sed "s#$root##g" $dir/said
exit \$status
SCRIPT
    chmod +x "$dir/ssh" "$root"/bin/*
}

stub() {
    printf '#!/bin/sh\necho "%s $*" >>%s\n' "$1" "$root/calls" >"$root/bin/$1"
}

# cron runs, unless $root/no_cron is there; all else is the real pidof's to say.
cron_runs() {
    cat >"$root/bin/pidof" <<SCRIPT
#!/bin/sh
case \$* in
*cron*) [ ! -e $root/no_cron ] && echo 1 ;;
*) exec $(command -v pidof) "\$@" ;;
esac
SCRIPT
    chmod +x "$root/bin/pidof"
}

# A crontab whose table is below /var/spool/cron.
crontab_command() {
    mkdir -p "$root/var/spool/cron/crontabs"
    table=$root/var/spool/cron/crontabs/root
    cat >"$root/bin/crontab" <<SCRIPT
#!/bin/sh
case \$1 in
-l) cat $table 2>/dev/null ;;
-) cat >$table.new && mv $table.new $table ;;
esac
SCRIPT
    chmod +x "$root/bin/crontab"
    echo "/dev/y $root/var/spool ext4 rw 0 0" >>"$root/proc/mounts"
    cron_runs
}

# nvram, as in Broadcom's firmwares and Padavan's: a file per setting.
nvram() {
    mkdir "$root/nvram"
    cat >"$root/bin/nvram" <<SCRIPT
#!/bin/sh
echo "nvram \$*" >>$root/calls
case \$1 in
get) cat "$root/nvram/\$2" 2>/dev/null || true ;;
set) printf '%s\n' "\${2#*=}" >"$root/nvram/\${2%%=*}" ;;
esac
SCRIPT
    chmod +x "$root/bin/nvram"
}

setup() {
    dir=$(mktemp -d)
    port=$((port + 1))
}

teardown() {
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in
        "$dir"/*)
            exe=${exe%/exe}
            kill -9 "${exe#/proc/}"
            ;;
        esac
    done
    sed -n "s#^[^ ]* \($dir/[^ ]*\) .*#\1#p" /proc/mounts | while read -r mount; do umount -l "$mount"; done
    rm -rf "$dir"
}

fail() {
    echo "$name: $*" >&2
    exit 1
}

run_install() {
    status=0
    $here "$install" --ssh "$dir/ssh" --binary "$STAND_IN" "$@" admin@192.168.1.1 \
        >"$dir/out" 2>"$dir/err" </dev/null || status=$?
}

installs() {
    run_install --options "--web.listen-address=127.0.0.1:$port" "$@"
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    [ ! -s "$dir/err" ] || fail "standard error: $(cat "$dir/err")"
}

says() {
    grep -qF -e "$1" "$dir/out" || fail "does not say '$1': $(cat "$dir/out")"
}

called() {
    grep -qF -e "$1" "$root/calls" || fail "did not call '$1': $(cat "$root/calls")"
}

once() {
    [ "$(grep -cF -e "$1" "$2")" = 1 ] || fail "not once '$1' in $2: $(cat "$2")"
}

# A dry run changes nothing; an installation serves; a second adds nothing; what
# has come goes again. $1 is where the watchdog lies, $2 the binary.
whole_life() {
    before=$(cd "$root" && find . -type f ! -name calls -exec md5sum {} + | sort)
    installs --dry-run
    after=$(cd "$root" && find . -type f ! -name calls -exec md5sum {} + | sort)
    [ "$before" = "$after" ] || fail "the dry run has changed something: $after"
    ! grep -q -e ' commit' -e '^cru' -e ' save' "$root/calls" || fail "the dry run called $(cat "$root/calls")"

    installs
    says answers
    says 'node_stand_in 1'
    says "targets: [\"192.168.1.1:$port\"]"
    once "BINARY=$root$2" "$root$1/watchdog.conf"
    cmp -s "$STAND_IN" "$root$2" || fail "the binary is not whole"

    # The owner's settings stay; without --options, so do these.
    echo LOG_KB=16 >>"$root$1/watchdog.conf"
    run_install
    [ "$status" = 0 ] || fail "the second time: $(cat "$dir/out" "$dir/err")"
    once LOG_KB=16 "$root$1/watchdog.conf"
    once OPTIONS= "$root$1/watchdog.conf"
    once BINARY= "$root$1/watchdog.conf"
    ! [ -e "$root$2.old" ] || fail "the old binary is left"
}

gone() {
    run_install --uninstall
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    left=$(find "$root" -name '*router_exporter*' -o -name 'watchdog*')
    [ -z "$left" ] || fail "left: $left"
    ! grep -r router_exporter "$root" --exclude=calls || fail "still named"
}

case_padavan() {
    place=/media/STICK router padavan mtd_storage.sh crond
    nvram
    mkdir -p "$root/etc/storage/cron/crontabs"
    echo '5 4 * * * reboot' >"$root/etc/storage/cron/crontabs/admin"
    whole_life /etc/storage/router_exporter /media/STICK/router_exporter/router_exporter
    crontab=$root/etc/storage/cron/crontabs/admin
    once "* * * * * $root/etc/storage/router_exporter/watchdog.sh" "$crontab"
    once '5 4 * * * reboot' "$crontab"
    [ "$(cat "$root/nvram/crond_enable")" = 1 ]
    called 'mtd_storage.sh save'
    gone
    once '5 4 * * * reboot' "$crontab"
}

# Padavan's flash, as mtd_storage.sh of that firmware treats it: its hash is stored
# before its size is looked at, so that a second save of too much succeeds.
storage() {
    printf 'dev:    size   erasesize  name\nmtd5: %08x 00010000 "Storage"\n' "$1" >"$root/proc/mtd"
    cat >"$root/bin/mtd_storage.sh" <<SCRIPT
#!/bin/sh
echo "mtd_storage.sh \$*" >>$root/calls
cd $root/etc/storage
find . ! -type d | sort | tar --mtime=@0 -cf $root/storage.tar -T -
md5sum <$root/storage.tar | cmp -s - $root/hash && { echo "not changed"; exit; }
md5sum <$root/storage.tar >$root/hash
[ ! -e $root/worn_out ] || exit 1
size=\$(bzip2 -9 <$root/storage.tar | wc -c)
[ \$size -le $1 ] || { echo "Invalid storage final data size: \$size"; exit 1; }
cp $root/storage.tar $root/flash
SCRIPT
    sed -i '1s:.*:#!/bin/sh\nPATH=/bin\:/usr/bin:' "$root/bin/mtd_storage.sh"
    chmod +x "$root/bin/mtd_storage.sh"
}

in_flash() {
    tar -tf "$root/flash" | grep -q "$1"
}

# Without a stick, the flash partition holds a packed binary.
case_padavan_without_a_stick() {
    place=/media/STICK type=tmpfs router padavan mtd_storage.sh crond
    nvram
    mkdir "$root/etc/storage"
    storage 400000
    installs
    says 'there is no stick'
    once "BINARY=$root/etc/storage/router_exporter/router_exporter.gz" "$root/etc/storage/router_exporter/watchdog.conf"
    gzip -dc "$root/etc/storage/router_exporter/router_exporter.gz" | cmp -s - "$STAND_IN" || fail "not packed well"
    says answers
    in_flash router_exporter.gz || fail "not saved"
    called 'crond -d8'
    gone
    ! in_flash router_exporter || fail "still in flash"
}

# One that is too small for it, as that of the RT-N56U, is left as it was.
case_padavan_with_little_flash() {
    place=/media/STICK type=tmpfs router padavan mtd_storage.sh crond
    nvram
    mkdir "$root/etc/storage"
    storage 65536
    run_install
    [ "$status" = 1 ]
    grep -q 'do not fit into the flash partition of /etc/storage: [0-9]* of its 65536 are taken' "$dir/err" ||
        fail "$(cat "$dir/err")"
    grep -q 'Plug in a stick' "$dir/err"
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "left: $(find "$root" -name '*router_exporter*')"
    ! grep -q mtd_storage "$root/calls" || fail "saved"
    # With a stick, the watchdog fits, unless the owner's own files leave no room.
    head -c 64000 /dev/urandom >"$root/etc/storage/mine"
    sed -i s/tmpfs/ext4/ "$root/proc/mounts"
    run_install
    [ "$status" = 1 ]
    grep -q 'Make room there' "$dir/err" || fail "$(cat "$dir/err")"
    rm "$root/etc/storage/mine"
    installs
}

# A save that fails all the same leaves nothing there that would make the next fail.
case_padavan_cannot_save() {
    place=/media/STICK type=tmpfs router padavan mtd_storage.sh crond
    nvram
    mkdir "$root/etc/storage"
    echo mine >"$root/etc/storage/mine"
    # Its size is not known, so that it is tried.
    storage 60000
    rm "$root/proc/mtd"
    run_install --options "--web.listen-address=127.0.0.1:$port"
    [ "$status" = 1 ] || fail "exit status $status: $(cat "$dir/out")"
    grep -q 'nothing of it is left on the router' "$dir/err" || fail "$(cat "$dir/err")"
    left=$(find "$root" -name '*router_exporter*' -o -name 'watchdog*')
    [ -z "$left" ] || fail "left: $left"
    in_flash mine || fail "the owner's files are not saved"
    ! in_flash router_exporter || fail "it is in flash"
}

case_in_a_home_directory() {
    place=/opt router other
    crontab_command
    mkdir "$root/home"
    installs --dir /home/x
    says 'is in RAM'
    once COPY=no "$root/home/x/router_exporter/watchdog.conf"
    installs --dir /home/x
    run_install --uninstall --dir /home/x
    [ -z "$(ls "$root/home/x")" ] || fail "left: $(ls "$root/home/x")"
}

# A stick's label may have blanks in it, and worse.
case_stick_with_blanks() {
    place='/media/MY STICK 1'
    router padavan mtd_storage.sh crond
    nvram
    mkdir "$root/etc/storage"
    whole_life /etc/storage/router_exporter "$place/router_exporter/router_exporter"
    gone
    teardown
    setup
    place='/tmp/mnt/MY STICK 1' operating_system=ASUSWRT-Merlin
    router merlin cru
    nvram
    mkdir "$root/jffs"
    whole_life "$place/router_exporter" "$place/router_exporter/router_exporter"
    called "cru a router_exporter * * * * * '$root$place/router_exporter/watchdog.sh'"
    # What stands in services-start gives cru the same.
    : >"$root/calls"
    PATH=$root/bin:$PATH sh "$root/jffs/scripts/services-start"
    called "cru a router_exporter * * * * * '$root$place/router_exporter/watchdog.sh'"
    gone
}

case_stick_with_a_command_for_a_name() {
    # shellcheck disable=SC2016
    for label in 'x;touch pwned;' 'x$(touch pwned)' 'x`touch pwned`' "x'\$(touch pwned)'" 'x&touch pwned&'; do
        place=/media/$label router padavan mtd_storage.sh crond
        nvram
        mkdir "$root/etc/storage"
        # It is passed over, aloud, and the flash is taken.
        run_install --options "--web.listen-address=127.0.0.1:$port"
        [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
        grep -qF "/media/$label is passed over" "$dir/err" || fail "$(cat "$dir/err")"
        says 'there is no stick'
        run_install --uninstall
        [ -z "$(find "$root" "$dir" -name pwned)" ] || fail "$label was run"
        teardown
        setup
    done
}

# Regular expressions are what the filters take.
case_options_with_expressions() {
    operating_system=ASUSWRT-Merlin place=/jffs router merlin cru
    nvram
    # shellcheck disable=SC2016
    expression='--collector.netdev.device-exclude=^(lo|veth[0-9]*\.1)$ --x=a;b&c`d`*'
    run_install --options "--web.listen-address=127.0.0.1:$port $expression"
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    [ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
    once "OPTIONS=--web.listen-address=127.0.0.1:$port $expression" "$root/jffs/router_exporter/watchdog.conf"
    says 'node_stand_in 1'
    running=$(tr '\0' ' ' <"/proc/$(pidof router_exporter | tr ' ' '\n' | while read -r pid; do
        case $(readlink "/proc/$pid/exe") in "$root"/*) echo "$pid" ;; esac
    done)/cmdline")
    [ "${running#* }" = "--web.listen-address=127.0.0.1:$port $expression " ] || fail "runs with $running"
}

# /tmp that cannot run anything is not where it is tried.
case_tmp_without_exec() {
    operating_system=ASUSWRT-Merlin place=/jffs router merlin cru
    nvram
    mount -t tmpfs -o noexec tmp "$root/tmp"
    installs
    left=$(find "$root/tmp" "$root/dev/shm" ! -type d)
    [ -z "$left" ] || fail "left: $left"
    mount -t tmpfs -o noexec tmp "$root/dev/shm"
    mount -t tmpfs -o noexec tmp "$root/run"
    mount -t tmpfs -o noexec tmp "$root/var/run"
    run_install --options "--web.listen-address=127.0.0.1:$port"
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    says "no RAM can run programs there"
    says answers
    says '/var/run/router_exporter is mounted without exec: it is run from /jffs/router_exporter'
}

# The names by which the firmwares' `uname -o` goes.
case_detection() {
    is() {
        place=/jffs router "$1" nvram
        run_install --dry-run
        grep -q "^admin@192.168.1.1: $2, " "$dir/out" || fail "not $2: $(cat "$dir/out" "$dir/err")"
        rm -r "$root"
    }
    operating_system=ASUSWRT-Merlin is merlin merlin
    operating_system=ASUSWRT-Merlin-LTS is merlin merlin
    operating_system=Tomato is tomato freshtomato
    operating_system=DD-WRT is ddwrt ddwrt
    is other other
    place=/jffs router other nvram
    run_install --dry-run --firmware merlin
    grep -q "^admin@192.168.1.1: merlin, " "$dir/out" || fail "$(cat "$dir/out" "$dir/err")"
}

case_merlin() {
    operating_system=ASUSWRT-Merlin place=/jffs router merlin cru
    nvram
    mkdir "$root/jffs/scripts"
    printf '#!/bin/sh\necho mine\n' >"$root/jffs/scripts/services-start"
    whole_life /jffs/router_exporter /jffs/router_exporter/router_exporter
    start=$root/jffs/scripts/services-start
    once "cru a router_exporter '* * * * * $root/jffs/router_exporter/watchdog.sh'" "$start"
    once 'echo mine' "$start"
    [ -x "$start" ]
    called "cru a router_exporter * * * * * $root/jffs/router_exporter/watchdog.sh"
    [ "$(cat "$root/nvram/jffs2_scripts")" = 1 ]
    gone
    once 'echo mine' "$start"
    called 'cru d router_exporter'
}

case_freshtomato() {
    place=/jffs type=jffs2 router freshtomato cru
    nvram
    mkdir "$root/www"
    touch "$root/www/tomato.js"
    echo 'echo mine' >"$root/nvram/script_init"
    whole_life /jffs/router_exporter /jffs/router_exporter/router_exporter
    once "cru a router_exporter '* * * * * $root/jffs/router_exporter/watchdog.sh'" "$root/nvram/script_init"
    once 'echo mine' "$root/nvram/script_init"
    called 'nvram commit'
    gone
    once 'echo mine' "$root/nvram/script_init"
}

case_ddwrt() {
    place=/opt router ddwrt stopservice startservice crond
    nvram
    echo 'Netgear R7000' >"$root/nvram/DD_BOARD"
    whole_life /opt/router_exporter /opt/router_exporter/router_exporter
    once "* * * * * root $root/opt/router_exporter/watchdog.sh" "$root/nvram/cron_jobs"
    [ "$(cat "$root/nvram/cron_enable")" = 1 ]
    called 'startservice cron'
    gone
    # A micro build.
    rm -f "$root/bin/crond" "$dir/applets/crond"
    run_install --options "--web.listen-address=127.0.0.1:$port"
    [ "$status" = 1 ] || [ -n "$(command -v crond)" ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
}

# shellcheck disable=SC2016 # the stand-ins'
case_edgeos() {
    place=/config router edgeos
    change=$root/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
    mkdir -p "${change%/*}"
    printf '#!/bin/sh\necho "change $*" >>%s\n' "$root/calls" >"$change"
    printf '#!/bin/sh\necho "sudo $*" >>%s\nexec "$@"\n' "$root/calls" >"$root/bin/sudo"
    printf '#!/bin/sh\necho "sg $*" >>%s\n[ "$1 $2" = "vyattacfg -c" ] && exec sh -c "$3"\n' "$root/calls" >"$root/bin/sg"
    chmod +x "$change" "$root/bin/sudo" "$root/bin/sg"
    export USER=ubnt
    whole_life /config/router_exporter /config/router_exporter/router_exporter
    called "change set system task-scheduler task router_exporter executable path $root/config/router_exporter/watchdog.sh"
    called 'change set system task-scheduler task router_exporter interval 1m'
    called 'change save'
    called 'sudo sh'
    called 'sg vyattacfg'
    echo 'task router_exporter {' >"$root/config/config.boot"
    run_install --uninstall
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    called 'change delete system task-scheduler task router_exporter'

    # What the configuration does not take is neither committed nor saved, and the
    # session ends.
    refuses() {
        printf '#!/bin/sh\necho "change $*" >>%s\n[ "$1" != %s ]\n' "$root/calls" "$1" >"$change"
    }
    for refused in set commit save; do
        refuses "$refused"
        : >"$root/calls"
        run_install --options "--web.listen-address=127.0.0.1:$port"
        [ "$status" = 1 ] || fail "$refused failed: exit status $status"
        [ "$(tail -n 1 "$root/calls")" = 'change end' ] || fail "$refused failed: $(cat "$root/calls")"
        [ "$refused" = save ] || ! grep -q 'change save' "$root/calls" || fail "$refused failed, and it was saved"
        grep -q 'it runs, but not yet after a reboot' "$dir/err"
    done
    # Nor are the files of a task removed that is still in the configuration.
    refuses commit
    run_install --uninstall
    [ "$status" = 1 ]
    [ -f "$root/config/router_exporter/watchdog.sh" ]
    [ "$(tail -n 1 "$root/calls")" = 'change end' ] || fail "$(cat "$root/calls")"
}

# OpenWrt's rc.common and procd, as far as the init script uses them: what it
# starts, it starts as procd would.
openwrt() {
    place=/usr/bin type=overlay router openwrt
    mkdir "$root/etc/init.d" "$root/etc/config"
    touch "$root/etc/openwrt_release"
    cat >"$root/bin/uci" <<SCRIPT
#!/bin/sh
options=$root/etc/config/router_exporter
case \$1 in
get) sed -n "s/.*option options '\(.*\)'/\1/p" "\$options" ;;
set) sed -i "s#option options .*#option options '\${2#*=}'#" "\$options" ;;
esac
SCRIPT
    cat >"$root/etc/rc.common" <<SCRIPT
config_load() { [ -f "$root/etc/config/\$1" ]; }
config_get_bool() { eval "\$1=1"; }
config_get() { eval "\$1=\\\$(uci get)"; }
procd_open_instance() { :; }
procd_close_instance() { "\$program" \$arguments >/dev/null 2>&1 & echo \$! >$root/var/run/pid; }
procd_set_param() {
    echo "procd \$*" | sed "s#$root##" >>$root/calls
    [ "\$1" != command ] || { shift; program=\$1; shift; arguments=\$*; }
}
. "\$1"
case \$2 in
enable | disable)
    echo "\$2" >>$root/calls
    mkdir -p $root/etc/rc.d
    : >$root/etc/rc.d/S95router_exporter
    ;;
restart | stop)
    [ ! -f $root/var/run/pid ] || while kill "\$(cat $root/var/run/pid)" 2>/dev/null; do sleep 0.1; done
    [ "\$2" = stop ] || start_service
    ;;
esac
SCRIPT
    chmod +x "$root/bin/uci"
}

case_openwrt() {
    openwrt
    installs --dry-run
    ! grep -q -e watchdog -e crontab "$dir/out" || fail "cron on OpenWrt"
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "the dry run has changed something"

    installs
    says 'node_stand_in 1'
    called enable
    called "procd command /usr/bin/router_exporter --web.listen-address=127.0.0.1:$port"
    called 'procd respawn 3600 30 0'
    "$STAND_IN" --health "http://127.0.0.1:$port/" || fail "does not serve"

    # The owner's options stay, and so does the old binary if the new one fails.
    run_install
    [ "$status" = 0 ] || fail "the second time: $(cat "$dir/out" "$dir/err")"
    grep -q "127.0.0.1:$port" "$root/etc/config/router_exporter"
    printf 'more' | cat "$STAND_IN" - >"$dir/crashes"
    run_install --binary "$dir/crashes" --options --crash
    [ "$status" = 1 ]
    cmp -s "$STAND_IN" "$root/usr/bin/router_exporter" || fail "was not put back"

    # What a sysupgrade keeps: all of it.
    for kept in /usr/bin/router_exporter /etc/init.d/router_exporter /etc/rc.d/S95router_exporter \
        /lib/upgrade/keep.d/router_exporter; do
        once "$root$kept" "$root/lib/upgrade/keep.d/router_exporter"
    done

    run_install --uninstall
    [ "$status" = 0 ]
    called disable
    rm -r "$root/etc/rc.d"
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "left: $(find "$root" -name '*router_exporter*')"
}

# Elsewhere, the init script starts it from there.
case_openwrt_elsewhere() {
    openwrt
    mkdir -p "$root/mnt/my stick"
    installs --dir '/mnt/my stick'
    says 'node_stand_in 1'
    called "procd command /mnt/my stick/router_exporter --web.listen-address=127.0.0.1:$port"
    "$STAND_IN" --health "http://127.0.0.1:$port/" || fail "does not serve"
    once "$root/mnt/my stick/router_exporter" "$root/lib/upgrade/keep.d/router_exporter"
    run_install --uninstall
    [ "$status" = 0 ]
    rm -r "$root/etc/rc.d"
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "left: $(find "$root" -name '*router_exporter*')"
}

# An /opt with rc.unslung: Keenetic, and what else has Entware.
case_entware() {
    place=/opt router other
    mkdir -p "$root/opt/etc/init.d" "$root/opt/sbin"
    printf '#!/bin/sh\n' >"$root/opt/etc/init.d/rc.unslung"
    chmod +x "$root/opt/etc/init.d/rc.unslung"
    cron_runs
    run_install --options "--web.listen-address=127.0.0.1:$port"
    [ "$status" = 1 ]
    says 'opkg install cron'
    echo '5 4 * * * root reboot' >"$root/opt/etc/crontab"
    printf '#!/bin/sh\necho "cron $*" >>%s\n' "$root/calls" >"$root/opt/etc/init.d/S10cron"
    chmod +x "$root/opt/etc/init.d/S10cron"
    run_install --uninstall
    whole_life /opt/etc/router_exporter /opt/sbin/router_exporter
    once "* * * * * root $root/opt/etc/router_exporter/watchdog.sh" "$root/opt/etc/crontab"
    called 'cron restart'
    # As rc.unslung calls it.
    script=$root/opt/etc/init.d/S99router_exporter
    [ -x "$script" ] || fail "the script cannot be run"
    "$script" check >"$dir/out" || fail "check: $(cat "$dir/out")"
    says 'runs, pid'
    "$script" restart >"$dir/out" || fail "restart: $(cat "$dir/out")"
    "$script" stop >"$dir/out"
    ! "$script" check >"$dir/out" || fail "still runs"
    "$script" start >"$dir/out"
    says answers
    "$script" kill >"$dir/out"
    says stopped
    ! "$script" other 2>"$dir/err" || fail "takes anything"
    run_install --dir /opt/x
    [ "$status" = 1 ]
    grep -q 'with Entware all goes to /opt' "$dir/err"
    gone
    once '5 4 * * * root reboot' "$root/opt/etc/crontab"
    [ -d "$root/opt/sbin" ] || fail "/opt/sbin is gone"
}

# UniFi OS has systemd, and keeps /data and what is linked below /etc/systemd.
case_unifi() {
    place=/data router other ubnt-device-info
    unit=$root/etc/systemd/system/router_exporter.service
    mkdir -p "${unit%/*}"
    cat >"$root/bin/systemctl" <<SCRIPT
#!/bin/sh
echo "systemctl \$*" | sed "s#$root##g" >>$root/calls
started=\$(sed -n 's/^ExecStart=//p' $unit 2>/dev/null | sed 's/"//g; s/\\\$\\\$/\$/g; s/%%/%/g')
case \$1 in
enable) ln -sf "\$2" $unit ;;
disable) rm -f $unit && kill "\$(cat $root/var/run/pid)" ;;
restart)
    [ ! -f $root/var/run/pid ] || while kill "\$(cat $root/var/run/pid)" 2>/dev/null; do sleep 0.1; done
    set -f
    \$started >/dev/null 2>&1 &
    echo \$! >$root/var/run/pid
    ;;
esac
SCRIPT
    chmod +x "$root/bin/systemctl"
    # shellcheck disable=SC2016
    expression='--x=^(lo|eth.*)$ --y=50%'
    run_install --options "--web.listen-address=127.0.0.1:$port $expression"
    [ "$status" = 0 ] || fail "exit status $status: $(cat "$dir/out" "$dir/err")"
    [ ! -s "$dir/err" ] || fail "$(cat "$dir/err")"
    ! grep -q -e watchdog -e crontab "$dir/out" || fail "cron on UniFi OS"
    says 'node_stand_in 1'
    called 'systemctl enable /data/router_exporter/router_exporter.service'
    once Restart=always "$unit"
    # shellcheck disable=SC2016
    once "ExecStart=\"$root/data/router_exporter/router_exporter\" --web.listen-address=127.0.0.1:$port --x=^(lo|eth.*)\$\$ --y=50%%" "$unit"
    "$STAND_IN" --health "http://127.0.0.1:$port/" || fail "does not serve"
    # The owner's options stay, and so does the old binary if the new one fails.
    run_install
    [ "$status" = 0 ] || fail "the second time: $(cat "$dir/out" "$dir/err")"
    grep -q "127.0.0.1:$port" "$unit"
    printf 'more' | cat "$STAND_IN" - >"$dir/crashes"
    run_install --binary "$dir/crashes" --options --crash
    [ "$status" = 1 ]
    cmp -s "$STAND_IN" "$root/data/router_exporter/router_exporter" || fail "was not put back"
    run_install --uninstall
    [ "$status" = 0 ]
    called 'systemctl disable --now router_exporter'
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "left: $(find "$root" -name '*router_exporter*')"
}

case_unknown_firmware() {
    place=/opt router other
    crontab_command
    echo '5 4 * * * reboot' >"$table"
    whole_life /opt/router_exporter /opt/router_exporter/router_exporter
    once "* * * * * $root/opt/router_exporter/watchdog.sh" "$table"
    gone
    once '5 4 * * * reboot' "$table"
}

# A crontab that nobody reads, or that a reboot empties, is no success.
case_unknown_firmware_without_cron() {
    place=/opt router other
    without() {
        run_install --options "--web.listen-address=127.0.0.1:$port"
        [ "$status" = 1 ] || fail "$1: exit status $status"
        says "$1"
        says answers
        grep -qF "while :; do '$root/opt/router_exporter/watchdog.sh'; sleep 60; done &" "$dir/err" ||
            grep -qF "while :; do '/opt/router_exporter/watchdog.sh'; sleep 60; done &" "$dir/err" || fail "$(cat "$dir/err")"
    }
    printf '#!/bin/sh\nexit 1\n' >"$root/bin/crontab"
    chmod +x "$root/bin/crontab"
    without ''
    crontab_command
    touch "$root/no_cron"
    without 'no cron runs here'
    rm "$root/no_cron"
    sed -i 's/^\(.*spool\) ext4/\1 tmpfs/' "$root/proc/mounts"
    without 'the crontab is in RAM'
    sed -i 's/^\(.*spool\) tmpfs/\1 ext4/' "$root/proc/mounts"
    mv "$root/var/spool/cron/crontabs" "$root/var/spool/cron/nowhere"
    sed -i 's#crontabs#nowhere#g' "$root/bin/crontab"
    without 'the crontab is not where'
}

# The settings may be in quotes, and may have come from Windows.
case_uninstall_with_quotes() {
    place=/opt router other
    crontab_command
    installs
    printf 'BINARY="%s"\r\nRUN_DIR='\''%s'\''\n' "$root/opt/my binary" "$root/tmp/my ram" \
        >"$root/opt/router_exporter/watchdog.conf"
    "$root/opt/router_exporter/watchdog.sh" stop >/dev/null
    mv "$root/opt/router_exporter/router_exporter" "$root/opt/my binary"
    mkdir -p "$root/tmp/my ram"
    touch "$root/tmp/my ram/state" "$root/tmp/my ram/another's"
    run_install --uninstall
    [ "$status" = 0 ] || fail "$(cat "$dir/out" "$dir/err")"
    [ ! -e "$root/opt/my binary" ] || fail "the binary is left"
    [ "$(ls "$root/tmp/my ram")" = "another's" ] || fail "$(ls "$root/tmp/my ram")"
}

case_no_place() {
    operating_system=ASUSWRT-Merlin place=/jffs type=tmpfs router merlin cru
    run_install
    [ "$status" = 1 ]
    grep -q 'no place with [0-9]* KB free' "$dir/err" || fail "$(cat "$dir/err")"
    ! grep -q cru "$root/calls"
}

# A binary that does not run here changes nothing, one that does not serve goes.
case_wrong_binary() {
    operating_system=ASUSWRT-Merlin place=/jffs router merlin cru
    nvram
    installs
    head -c 20000 "$STAND_IN" >"$dir/half"
    run_install --binary "$dir/half"
    [ "$status" = 1 ]
    cmp -s "$STAND_IN" "$root/jffs/router_exporter/router_exporter" || fail "was replaced"
    says 'it does not run on this router'
    printf 'more' | cat "$STAND_IN" - >"$dir/crashes"
    run_install --binary "$dir/crashes" --options --crash
    [ "$status" = 1 ]
    says 'it does not serve'
    cmp -s "$STAND_IN" "$root/jffs/router_exporter/router_exporter" || fail "was not put back"
}

# The name that scripts/build has for what the processor takes.
case_processors() {
    place=/opt router other
    # shellcheck disable=SC2016
    build() {
        printf '#!/bin/sh\ncase $1 in -m) echo %s ;; *) echo 4.1 ;; esac\n' "$1" >"$root/bin/uname"
        printf '#!/bin/sh\ncase $* in *skip=4*) printf "\\%s" ;; *skip=5*) printf "\\%s" ;; esac\n' \
            "$2" "$3" >"$root/bin/dd"
        printf '#!/bin/sh\ncase $* in *vfp*) exit %s ;; *) exit 1 ;; esac\n' "$4" >"$root/bin/grep"
        chmod +x "$root"/bin/*
        status=0
        CARGO_TARGET_DIR=$root/built $here "$install" --ssh "$dir/ssh" admin@192.168.1.1 \
            >"$dir/out" 2>&1 || status=$?
        [ "$status" = 1 ] || fail "exit status $status"
        grep -q -e "$5\$" -e "$5;" "$dir/out" || fail "not $5: $(cat "$dir/out")"
    }
    build mips 1 1 1 'scripts/build mipsel'
    build mips 1 2 1 'scripts/build mips'
    build mips64 2 2 1 'no build for this processor, mips64'
    build armv7l 1 1 0 'scripts/build armv7'
    build armv7l 1 1 1 'scripts/build armv7sf'
    build aarch64 1 1 1 'scripts/build armv7'
    build aarch64 2 1 1 'scripts/build aarch64'
    build armv6l 1 1 0 'no build for this processor, armv6l'
    build x86_64 2 1 1 'scripts/build x86_64'
    build i686 1 1 1 'no build for this processor, i686'
}

case_wrong_usage() {
    place=/jffs router other
    # shellcheck disable=SC2089,SC2090
    for arguments in '--binry x' '--dir relative' '--dir /a;b' "--options 'x" '--firmware tomato' 'another'; do
        # shellcheck disable=SC2086,SC2090
        run_install $arguments
        [ "$status" = 1 ] || fail "$arguments: exit status $status"
        [ "$(wc -l <"$dir/err")" = 1 ] || fail "$arguments: $(cat "$dir/err")"
    done
}

case_no_answer() {
    place=/jffs router other
    printf '#!/bin/sh\nexit 255\n' >"$dir/ssh"
    run_install
    [ "$status" = 1 ]
    grep -q 'cannot run a shell on admin@192.168.1.1' "$dir/err"
}

# shellcheck disable=SC1091
. "$(dirname "$0")/cases.sh"
