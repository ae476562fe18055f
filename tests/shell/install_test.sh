#!/bin/sh
# The cases of scripts/install.sh: a router of each firmware, with the commands
# and files that its documentation names, behind an ssh that runs what it is given
# right here. Paths of the router become paths below the case's directory. Run by
# tests/shell/run.
set -eu
place=/ name=

install=$PWD/scripts/install.sh
port=$((PORTS + $$ % 3900))

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
    printf '#!/bin/sh\necho Filesystem\necho "/dev/x 99999 9 %s 9%% %s"\n' 50000 "$place" >"$root/bin/df"
    echo "/dev/x $place ${type:-ext4} rw 0 0" >"$root/proc/mounts"
    mkdir -p "$root$place"
    cat >"$dir/ssh" <<SCRIPT
#!/bin/sh
# Options, then the host, then what to run there.
map() { sed 's#\(^\|[^A-Za-z0-9_./*]\)/\(jffs\|home\|config\|media\|mnt\|opt\|www\|tmp\|var/run\|usr/bin\|proc/mounts\|etc/[a-z]\)#\1$root/\2#g'; }
while :; do
    case \$1 in
    -o) shift 2 ;;
    -*) exit 0 ;;
    *) break ;;
    esac
done
[ "\$1" = admin@192.168.1.1 ] || exit 255
shift
PATH=$root/bin:\$PATH HOME=$root/home
export PATH HOME
cd $root
what=\$(echo "\$*" | map)
status=0
case \$what in
*'sh -s') map >$dir/script && dash -c "\${what% -s} $dir/script" >$dir/said || status=\$? ;;
*init.d/*.new*) sed 's#/etc/rc.common#$root&#' >$dir/script && dash -c "\$what" <$dir/script ;;
*.sh.new*) map >$dir/script && dash -c "\$what" <$dir/script >$dir/said || status=\$? ;;
*) dash -c "\$what" >$dir/said || status=\$? ;;
esac
sed "s#$root##g" $dir/said
exit \$status
SCRIPT
    chmod +x "$dir/ssh" "$root"/bin/*
}

stub() {
    printf '#!/bin/sh\necho "%s $*" >>%s\n' "$1" "$root/calls" >"$root/bin/$1"
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
    rm -rf "$dir"
}

fail() {
    echo "$name: $*" >&2
    exit 1
}

run_install() {
    status=0
    $SHELL_UNDER_TEST "$install" --ssh "$dir/ssh" --binary "$STAND_IN" "$@" admin@192.168.1.1 \
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

# Without a stick, the flash partition holds a packed binary, or it does not.
case_padavan_without_a_stick() {
    place=/media/STICK type=tmpfs router padavan mtd_storage.sh crond
    nvram
    mkdir "$root/etc/storage"
    installs
    says 'there is no stick'
    once "BINARY=$root/etc/storage/router_exporter/router_exporter.gz" "$root/etc/storage/router_exporter/watchdog.conf"
    gzip -dc "$root/etc/storage/router_exporter/router_exporter.gz" | cmp -s - "$STAND_IN" || fail "not packed well"
    says answers
    gone
    printf '#!/bin/sh\necho "too large"; exit 1\n' >"$root/bin/mtd_storage.sh"
    run_install --options "--web.listen-address=127.0.0.1:$port"
    [ "$status" = 1 ]
    grep -q 'it runs, but not yet after a reboot' "$dir/err" || fail "$(cat "$dir/err")"
}

case_in_a_home_directory() {
    place=/opt router other crontab
    mkdir "$root/home"
    installs --dir /home/x
    says 'is in RAM'
    once COPY=no "$root/home/x/router_exporter/watchdog.conf"
    installs --dir /home/x
    run_install --uninstall --dir /home/x
    [ -z "$(ls "$root/home/x")" ] || fail "left: $(ls "$root/home/x")"
}

case_merlin() {
    operating_system=ASUSWRT-Merlin place=/jffs router merlin cru
    nvram
    mkdir "$root/jffs/scripts"
    printf '#!/bin/sh\necho mine\n' >"$root/jffs/scripts/services-start"
    whole_life /jffs/router_exporter /jffs/router_exporter/router_exporter
    start=$root/jffs/scripts/services-start
    once "cru a router_exporter \"* * * * * $root/jffs/router_exporter/watchdog.sh\"" "$start"
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
    place=/opt router ddwrt stopservice startservice
    nvram
    echo 'Netgear R7000' >"$root/nvram/DD_BOARD"
    whole_life /opt/router_exporter /opt/router_exporter/router_exporter
    once "* * * * * root $root/opt/router_exporter/watchdog.sh" "$root/nvram/cron_jobs"
    [ "$(cat "$root/nvram/cron_enable")" = 1 ]
    called 'startservice cron'
    gone
}

case_edgeos() {
    place=/config router edgeos
    change=$root/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
    mkdir -p "${change%/*}"
    printf '#!/bin/sh\necho "change $*" >>%s\n' "$root/calls" >"$change"
    # shellcheck disable=SC2016
    printf '#!/bin/sh\necho "sudo $*" >>%s\nexec "$@"\n' "$root/calls" >"$root/bin/sudo"
    chmod +x "$change" "$root/bin/sudo"
    export USER=ubnt
    whole_life /config/router_exporter /config/router_exporter/router_exporter
    called "change set system task-scheduler task router_exporter executable path $root/config/router_exporter/watchdog.sh"
    called 'change set system task-scheduler task router_exporter interval 1m'
    called 'change save'
    called 'sudo sh'
    gone
    called 'change delete system task-scheduler task router_exporter'
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
procd_close_instance() { \$command >/dev/null 2>&1 & echo \$! >$root/var/run/pid; }
procd_set_param() {
    echo "procd \$*" >>$root/calls
    [ "\$1" != command ] || { shift; command=$root\$*; }
}
. "\$1"
case \$2 in
enable | disable) echo "\$2" >>$root/calls ;;
restart | stop)
    [ ! -f $root/var/run/pid ] || kill "\$(cat $root/var/run/pid)"
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

    run_install --uninstall
    [ "$status" = 0 ]
    called disable
    [ -z "$(find "$root" -name '*router_exporter*')" ] || fail "left: $(find "$root" -name '*router_exporter*')"
}

case_unknown_firmware() {
    place=/opt router other
    cat >"$root/bin/crontab" <<SCRIPT
#!/bin/sh
case \$1 in
-l) cat $root/crontab 2>/dev/null ;;
-) cat >$root/crontab.new && mv $root/crontab.new $root/crontab ;;
esac
SCRIPT
    chmod +x "$root/bin/crontab"
    echo '5 4 * * * reboot' >"$root/crontab"
    whole_life /opt/router_exporter /opt/router_exporter/router_exporter
    once "* * * * * $root/opt/router_exporter/watchdog.sh" "$root/crontab"
    gone
    once '5 4 * * * reboot' "$root/crontab"
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
        CARGO_TARGET_DIR=$root/built $SHELL_UNDER_TEST "$install" --ssh "$dir/ssh" admin@192.168.1.1 \
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
    # shellcheck disable=SC2016
    for arguments in '--binry x' '--dir relative' '--dir /a;b' '--options $(x)' 'another'; do
        # shellcheck disable=SC2086
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
