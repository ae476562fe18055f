#!/bin/sh
# Puts router_exporter on a router, from a PC, over ssh. Safe to run again: that
# is also how a new version is installed.
#
#     scripts/install.sh admin@192.168.1.1
#
# It asks the router what it is, picks the binary, copies it with the watchdog to
# where they survive a reboot, and has cron (on OpenWrt: procd) keep it running.
# It takes no sftp, scp or rsync on the router, only a shell and a few applets.
set -eu

usage() {
    cat <<'TEXT'
usage: scripts/install.sh [OPTION]... [USER@]HOST

  --dry-run         show what would be done, and change nothing
  --uninstall       remove all that an installation has brought
  --binary FILE     install this one instead of that of the router's processor
  --dir DIR         put it here instead of the best place found
  --options 'LIST'  start the exporter with these, as in
                    --options '--web.listen-address=192.168.1.1:9100'
  --ssh COMMAND     instead of ssh, as in --ssh 'ssh -p 2222'
TEXT
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

scripts=$(cd "$(dirname "$0")" && pwd)
dry_run=no uninstall=no binary='' dir='' options='' options_given=no ssh=ssh host=''
while [ $# != 0 ]; do
    case $1 in
    --binary | --dir | --options | --ssh) [ $# -gt 1 ] || fail "$1 takes a value" ;;
    esac
    case $1 in
    --dry-run) dry_run=yes ;;
    --uninstall) uninstall=yes ;;
    --binary) binary=$2 && shift ;;
    --dir) dir=$2 && shift ;;
    --options) options=$2 options_given=yes && shift ;;
    --ssh) ssh=$2 && shift ;;
    -h | --help)
        usage
        exit
        ;;
    -*) fail "unknown option $1; see --help" ;;
    *)
        [ -z "$host" ] || fail "one router at a time"
        host=$1
        ;;
    esac
    shift
done
[ -n "$host" ] || {
    usage >&2
    exit 2
}
case $dir in
*[!A-Za-z0-9/._-]*) fail "--dir: letters, digits and / . _ - only" ;;
'' | /*) dir=${dir%/} ;;
*) fail "--dir: a whole path, from /" ;;
esac
case $options in
*[\'\"\\\`\$]*) fail "--options: no quotes, backslashes, dollars or backquotes" ;;
esac

# One connection, so that a password is asked for once.
private=$(mktemp -d)
# shellcheck disable=SC2086,SC2329
hang_up() {
    $ssh -o ControlPath="$private/ssh" -O exit "$host" >/dev/null 2>&1 || true
    rm -rf "$private"
}
trap hang_up EXIT
trap 'exit 1' HUP INT TERM

on_router() {
    # shellcheck disable=SC2086
    $ssh -o ControlMaster=auto -o ControlPath="$private/ssh" -o ControlPersist=60 "$host" "$@"
}

# Runs the script on standard input on the router, through $1 (sudo) if given.
remote() {
    if [ "$dry_run" = yes ]; then
        echo "on the router${1:+, with $1}:"
        sed 's/^/    /'
    else
        on_router "${1:+$1 }sh -s"
    fi
}

# upload FILE PATH
upload() {
    if [ "$dry_run" = yes ]; then
        echo "copy ${1#"$scripts/"} to $2"
    else
        on_router "${root:+$root }sh -c 'cat >$2'" <"$1"
    fi
}

# ---- What the router is: lines of name=value ---------------------------------

probe() {
    on_router "sh -s" <<'SCRIPT'
echo "machine=$(uname -m)"
echo "kernel=$(uname -r)"
echo "user=${USER:-$(id -un 2>/dev/null)}"
# Width and byte order are those of the router's own programs: "mips" tells
# neither, and a 64-bit ARM kernel often has 32-bit programs.
echo "width=$(dd if=/bin/sh bs=1 skip=4 count=1 2>/dev/null | tr '\1\2' '36')"
echo "order=$(dd if=/bin/sh bs=1 skip=5 count=1 2>/dev/null | tr '\1\2' 'lb')"
grep -q 'Features.*vfp' /proc/cpuinfo && echo fpu=yes
has() { command -v "$1" >/dev/null 2>&1; }
if [ -f /etc/openwrt_release ]; then firmware=openwrt
elif [ "$(uname -o 2>/dev/null)" = ASUSWRT-Merlin ]; then firmware=merlin
elif [ -x /opt/vyatta/sbin/vyatta-cfg-cmd-wrapper ]; then firmware=edgeos
elif [ -d /etc/storage ] && has mtd_storage.sh; then firmware=padavan
elif [ -f /www/tomato.js ] || grep -qi tomato /etc/motd 2>/dev/null; then firmware=freshtomato
elif has nvram && [ -n "$(nvram get DD_BOARD)" ]; then firmware=ddwrt
else firmware=other
fi
echo "firmware=$firmware"
# Places that survive a reboot: free KB and path of what can be written to.
place() {
    [ -d "$1" ] || return
    line=$(df -k "$1" 2>/dev/null | tail -n 1)
    set -- "$1" $line
    [ $# -gt 5 ] || return
    path=$1
    while [ $# -gt 3 ]; do shift; done
    while read -r _ point type flags _; do
        [ "$point" = "$3" ] && found=$type,$flags
    done </proc/mounts
    case $found in
    tmpfs,* | ramfs,* | rootfs,* | squashfs,* | *,ro | *,ro,*) return ;;
    esac
    echo "place=$1 $path"
}
case $firmware in
openwrt) places=/usr/bin ;;
merlin | freshtomato | ddwrt) places="/jffs $(echo /tmp/mnt/* /mnt/* /opt)" ;;
edgeos) places=/config ;;
padavan) places=$(echo /media/* /opt) ;;
*) places="$HOME /opt" ;;
esac
for place in $places; do place "$place"; done
echo "home=$HOME"
SCRIPT
}

said() {
    printf '%s\n' "$facts" | sed -n "s/^$1=//p" | head -n 1
}

facts=$(probe) || fail "cannot run a shell on $host over ssh"
firmware=$(said firmware)
machine=$(said machine)
[ -n "$firmware" ] || fail "$host does not answer like a router: $facts"
root=
if [ "$firmware" = edgeos ] && [ "$(said user)" != root ]; then root=sudo; fi

# What scripts/build calls it, and where it leaves it.
case $machine-$(said width)$(said order)-$(said fpu) in
mips*-3l-*) build=mipsel target=mipsel-unknown-linux-musl ;;
mips*-3b-*) build=mips target=mips-unknown-linux-musl ;;
aarch64-6l-*) build=aarch64 target=aarch64-unknown-linux-musl ;;
armv7*-3l-yes | armv8*-3l-* | aarch64-3l-*) build=armv7 target=armv7-unknown-linux-musleabihf ;;
armv7*-3l-*) build=armv7sf target=armv7-unknown-linux-musleabi ;;
x86_64-6l-*) build=x86_64 target=x86_64-unknown-linux-musl ;;
*) build='' target='' ;;
esac
echo "$host: $firmware, $machine, Linux $(said kernel)"

if [ "$uninstall" = no ]; then
    if [ -z "$binary" ]; then
        [ -n "$target" ] || fail "there is no build for this processor, $machine; see --binary"
        binary=${CARGO_TARGET_DIR:-$scripts/../target}/$target/release/router_exporter
        [ -f "$binary" ] || fail "first build it: scripts/build $build"
    fi
    [ -f "$binary" ] || fail "$binary is not there"
    size=$(wc -c <"$binary")
fi

# ---- Where it goes -----------------------------------------------------------

# The binary's whole path; .gz if it is kept packed.
copy=yes file=
if [ "$uninstall" = no ]; then
    if [ -z "$dir" ]; then
        # The first place with room for the new binary beside the old one.
        room=$((size / 1024 + 256))
        dir=$(printf '%s\n' "$facts" | sed -n 's/^place=//p' | while read -r free path; do
            if [ "$free" -ge "$room" ]; then
                echo "$path"
                break
            fi
        done)
        if [ -z "$dir" ]; then
            [ "$firmware" = padavan ] ||
                fail "no place with $room KB free that survives a reboot: plug in a stick, or see --dir"
            echo "there is no stick: the binary goes to the flash partition of /etc/storage, packed"
            file=/etc/storage/router_exporter/router_exporter.gz
        fi
    fi
    case $dir in
    /tmp/mnt/*) ;;
    /home/* | /tmp/* | /var/* | /etc/*)
        echo "$dir is in RAM: it is empty after a reboot"
        copy=no
        ;;
    esac
    case $firmware in
    openwrt) file=$dir/router_exporter ;;
    *) file=${file:-$dir/router_exporter/router_exporter} ;;
    esac
    dir=${file%/*}
fi
case $firmware in
padavan) home=/etc/storage/router_exporter ;; # small, and there before any stick
*) home=$dir ;;
esac

# ---- Cron, in each firmware's way; $line runs the watchdog -------------------

cron_on() {
    line="* * * * * $home/watchdog.sh"
    case $firmware in
    padavan)
        cat <<SCRIPT
crontabs=/etc/storage/cron/crontabs
user=\$(nvram get http_username)
user=\${user:-admin}
mkdir -p "\$crontabs"
touch "\$crontabs/\$user"
grep -v router_exporter/watchdog.sh "\$crontabs/\$user" >"\$crontabs/\$user.new"
echo '$line' >>"\$crontabs/\$user.new"
mv "\$crontabs/\$user.new" "\$crontabs/\$user"
echo "\$user" >"\$crontabs/cron.update"
[ "\$(nvram get crond_enable)" = 1 ] || { nvram set crond_enable=1; nvram commit; }
pidof crond >/dev/null || crond -c "\$crontabs"
mtd_storage.sh save
SCRIPT
        ;;
    merlin)
        cat <<SCRIPT
script=/jffs/scripts/services-start
[ "\$(nvram get jffs2_scripts)" = 1 ] || { nvram set jffs2_scripts=1; nvram commit; }
mkdir -p /jffs/scripts
[ -f "\$script" ] || echo '#!/bin/sh' >"\$script"
grep -v router_exporter "\$script" >"\$script.new"
echo 'cru a router_exporter "$line"' >>"\$script.new"
chmod 755 "\$script.new"
mv "\$script.new" "\$script"
cru a router_exporter "$line"
SCRIPT
        ;;
    freshtomato)
        cat <<SCRIPT
nvram set script_init="\$(nvram get script_init | grep -v router_exporter)
cru a router_exporter '$line'"
nvram commit
cru a router_exporter '$line'
SCRIPT
        ;;
    ddwrt)
        cat <<SCRIPT
nvram set cron_jobs="\$(nvram get cron_jobs | grep -v router_exporter)
* * * * * root $home/watchdog.sh"
nvram set cron_enable=1
nvram commit
stopservice cron
startservice cron
SCRIPT
        ;;
    edgeos)
        cat <<SCRIPT
change=/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
\$change begin
\$change set system task-scheduler task router_exporter executable path $home/watchdog.sh
\$change set system task-scheduler task router_exporter interval 1m
\$change commit
\$change save
\$change end
SCRIPT
        ;;
    *)
        cat <<SCRIPT
{ crontab -l 2>/dev/null | grep -v router_exporter/watchdog.sh; echo '$line'; } | crontab -
SCRIPT
        ;;
    esac
}

cron_off() {
    case $firmware in
    padavan)
        cat <<'SCRIPT'
for crontab in /etc/storage/cron/crontabs/*; do
    # Cron may take its note of the last change away at any time.
    grep -q router_exporter/watchdog.sh "$crontab" 2>/dev/null || continue
    grep -v router_exporter/watchdog.sh "$crontab" >/tmp/crontab.new
    cat /tmp/crontab.new >"$crontab"
    rm /tmp/crontab.new
    echo "${crontab##*/}" >"${crontab%/*}/cron.update"
done
SCRIPT
        ;;
    merlin)
        cat <<'SCRIPT'
cru d router_exporter
script=/jffs/scripts/services-start
if [ -f "$script" ]; then
    grep -v router_exporter "$script" >"$script.new"
    chmod 755 "$script.new"
    mv "$script.new" "$script"
fi
SCRIPT
        ;;
    freshtomato)
        cat <<'SCRIPT'
cru d router_exporter
nvram set script_init="$(nvram get script_init | grep -v router_exporter)"
nvram commit
SCRIPT
        ;;
    ddwrt)
        cat <<'SCRIPT'
nvram set cron_jobs="$(nvram get cron_jobs | grep -v router_exporter)"
nvram commit
stopservice cron
startservice cron
SCRIPT
        ;;
    edgeos)
        cat <<'SCRIPT'
change=/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
$change begin
$change delete system task-scheduler task router_exporter
$change commit
$change save
$change end
SCRIPT
        ;;
    *)
        cat <<'SCRIPT'
crontab -l 2>/dev/null | grep -v router_exporter/watchdog.sh | crontab -
SCRIPT
        ;;
    esac
}

# ---- Uninstall ---------------------------------------------------------------

uninstall() {
    if [ "$firmware" = openwrt ]; then
        remote <<'SCRIPT'
[ ! -x /etc/init.d/router_exporter ] || {
    /etc/init.d/router_exporter stop
    /etc/init.d/router_exporter disable
}
rm -f /usr/bin/router_exporter /etc/init.d/router_exporter /etc/config/router_exporter
SCRIPT
        return
    fi
    cron_off | remote ""
    # Wherever an installation may have put them, or where the settings say.
    remote "$root" <<SCRIPT || fail "some of it could not be removed"
left=0
for home in ${dir:-/etc/storage}/router_exporter /etc/storage/router_exporter /config/router_exporter \\
    /jffs/router_exporter /opt/router_exporter /tmp/mnt/*/router_exporter /mnt/*/router_exporter \\
    /media/*/router_exporter "\$HOME/router_exporter"; do
    if [ -f "\$home/watchdog.sh" ]; then
        "\$home/watchdog.sh" stop
        binary=\$(sed -n 's/^BINARY=//p' "\$home/watchdog.conf")
        rm -f "\$binary" "\$binary.old" || left=1
        rm -f "\$home/watchdog.sh" "\$home/watchdog.conf" || left=1
        rmdir "\${binary%/*}" "\$home" 2>/dev/null
    fi
done
rm -rf /var/run/router_exporter
[ ! -d /etc/storage ] || mtd_storage.sh save
exit \$left
SCRIPT
}

if [ "$uninstall" = yes ]; then
    uninstall
    [ "$dry_run" = yes ] || echo "router_exporter is gone from $host"
    exit
fi

# ---- Install -----------------------------------------------------------------

echo "install $binary, $size bytes, as $file"

# Into RAM first: there it is shown to run, whatever the stick's mount allows.
trial=/tmp/router_exporter.trial
upload "$binary" $trial
remote "$root" <<SCRIPT || fail "nothing was changed on the router"
chmod 755 $trial
fault=
[ "\$(wc -c <$trial)" -eq $size ] || fault="the copy is not whole"
[ -n "\$fault" ] || PATH=/nonexistent $trial --version || fault="it does not run on this router"
[ -z "\$fault" ] || { echo "\$fault"; rm -f $trial; exit 1; }
mkdir -p $dir
SCRIPT

# Beside the old one, whole, and only then in its place.
case $file in
*.gz)
    gzip -9c "$binary" >"$private/packed"
    size=$(wc -c <"$private/packed")
    upload "$private/packed" "$file.new"
    ;;
*) echo "cp $trial $file.new" | remote "$root" || true ;;
esac
remote "$root" <<SCRIPT || fail "nothing was changed on the router"
chmod 755 $file.new
sync
[ "\$(wc -c <$file.new)" -eq $size ] || {
    echo "there is no room for it"
    rm -f $file.new $trial
    exit 1
}
[ ! -f $file ] || mv $file $file.old
mv $file.new $file
SCRIPT

if [ "$firmware" = openwrt ]; then
    upload "$scripts/openwrt/router_exporter.init" /etc/init.d/router_exporter.new
    upload "$scripts/openwrt/router_exporter.config" /tmp/router_exporter.config
    remote <<SCRIPT
set -e
[ -f /etc/config/router_exporter ] || cp /tmp/router_exporter.config /etc/config/router_exporter
rm /tmp/router_exporter.config
if [ $options_given = yes ]; then
    uci set router_exporter.main.options='$options'
    uci commit router_exporter
fi
chmod 755 /etc/init.d/router_exporter.new
mv /etc/init.d/router_exporter.new /etc/init.d/router_exporter
/etc/init.d/router_exporter enable
SCRIPT
    start="/etc/init.d/router_exporter restart; sleep 2; $file \$(uci get router_exporter.main.options) --health"
else
    ours="-e ^BINARY= -e ^COPY="
    [ "$options_given" = no ] || ours="$ours -e ^OPTIONS="
    remote "$root" <<SCRIPT
mkdir -p $home
SCRIPT
    upload "$scripts/watchdog.sh" "$home/watchdog.sh.new"
    remote "$root" <<SCRIPT
set -e
cd $home
# The owner's settings stay; where the binary is, is ours to say.
{
    [ ! -f watchdog.conf ] || grep -v $ours watchdog.conf || true
    echo BINARY=$file
    echo COPY=$copy
    [ $options_given = no ] || echo "OPTIONS=$options"
} >watchdog.conf.new
mv watchdog.conf.new watchdog.conf
chmod 755 watchdog.sh.new
mv watchdog.sh.new watchdog.sh
SCRIPT
    start="$home/watchdog.sh restart"
fi

# A binary that runs but does not serve makes room for the one that did.
remote "$root" <<SCRIPT || fail "the exporter did not start"
if $start; then
    rm -f $file.old
    exit 0
fi
if [ -f $file.old ]; then
    echo "it does not serve: the old binary again"
    mv $file.old $file
    $start
fi
rm -f $trial
exit 1
SCRIPT

if [ "$firmware" != openwrt ]; then
    # Without sudo: EdgeOS' configuration is its administrators' to change.
    cron_on | remote "" || fail "it runs, but not yet after a reboot"
fi

# ---- What there is to see ----------------------------------------------------

address=${host#*@}
case " $options" in
*' --web.listen-address'[=\ ]*)
    port=${options#*--web.listen-address?}
    port=${port%% *}
    port=${port##*:}
    ;;
*) port=9100 ;;
esac
echo "its page:"
remote "$root" <<SCRIPT
$trial $options --once | sed -n '1,6s/^/    /p'
rm -f $trial
SCRIPT
cat <<TEXT
for prometheus.yml:

    scrape_configs:
      - job_name: node-exporter
        static_configs:
          - targets: ["$address:$port"]
TEXT
