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
  --firmware NAME   take the router for padavan, openwrt, merlin, freshtomato,
                    ddwrt, edgeos, unifi, entware or other
  --ssh COMMAND     instead of ssh, as in --ssh 'ssh -p 2222'
TEXT
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# A path that a crontab, a shell and nvram take, if it is quoted.
sound() {
    case $1 in
    *[\'\"\\%\$\`\;\|\&\<\>\*\?[:cntrl:]]*) return 1 ;;
    esac
}

scripts=$(cd "$(dirname "$0")" && pwd)
dry_run=no uninstall=no binary='' dir='' options='' options_given=no firmware='' ssh=ssh host=''
file='' home='' trial='' size='' copy='' line=''
while [ $# != 0 ]; do
    case $1 in
    --binary | --dir | --options | --firmware | --ssh) [ $# -gt 1 ] || fail "$1 takes a value" ;;
    esac
    case $1 in
    --dry-run) dry_run=yes ;;
    --uninstall) uninstall=yes ;;
    --binary) binary=$2 && shift ;;
    --dir) dir=$2 && shift ;;
    --options) options=$2 options_given=yes && shift ;;
    --firmware) firmware=$2 && shift ;;
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
sound "$dir" || fail "--dir: no quotes, and nothing else that a shell or a crontab reads"
case $dir in
'' | /*) dir=${dir%/} ;;
*) fail "--dir: a whole path, from /" ;;
esac
case $options in
*[\'\"[:cntrl:]]*) fail "--options: no quotes, and one line: blanks alone separate them" ;;
esac
case $firmware in
'' | padavan | openwrt | merlin | freshtomato | ddwrt | edgeos | unifi | entware | other) ;;
*) fail "--firmware: $firmware is not known; see --help" ;;
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

# One word for a shell, whatever is in it.
quote() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# What scripts on the router begin with: what is known here ...
settings() {
    for known in "dir=$dir" "file=$file" "home=$home" "trial=$trial" "size=$size" "copy=$copy" \
        "options=$options" "options_given=$options_given" "line=$line"; do
        echo "${known%%=*}=$(quote "${known#*=}")"
    done
}
# ... and how to look there.
prelude() {
    settings
    cat <<'SCRIPT'
has() { type "$1" >/dev/null 2>&1; } # Padavan, Merlin and Tomato have no `command`
mount_of() {
    best= type= flags=
    while read -r _ point a_type some_flags _; do
        while :; do # a blank is \040
            case $point in *\\040*) point="${point%%\\040*} ${point#*\\040}" ;; *) break ;; esac
        done
        point=${point%/}
        case $1/ in "$point"/*)
            [ ${#point} -lt ${#best} ] || best=$point type=$a_type flags=$some_flags ;;
        esac
    done </proc/mounts
}
survives() { # a reboot, and can be written to
    mount_of "$1"
    case $type,$flags, in tmpfs,* | ramfs,* | rootfs,* | squashfs,* | *,ro,*) return 1 ;; esac
}
SCRIPT
}

# remote COMMAND: runs the script on standard input on the router, by `sh -s` or what
# else is given.
remote() {
    if [ "$dry_run" = yes ]; then
        echo "on the router, $1:"
        sed 's/^/    /'
    else
        { prelude && cat; } | on_router "$1"
    fi
}

# upload FILE PATH
upload() {
    if [ "$dry_run" = yes ]; then
        echo "copy ${1#"$scripts/"} to $2"
    else
        on_router "${sudo}sh -c $(quote "cat >$(quote "$2")")" <"$1"
    fi
}

# ---- What the router is: lines of name=value ---------------------------------

probe() {
    {
        prelude
        cat <<'SCRIPT'
echo "machine=$(uname -m)"
echo "kernel=$(uname -r)"
echo "user=${USER:-$(id -un 2>/dev/null)}"
echo "home=$HOME"
# Width and byte order are those of the router's own programs: "mips" tells
# neither, and a 64-bit ARM kernel often has 32-bit programs.
echo "width=$(dd if=/bin/sh bs=1 skip=4 count=1 2>/dev/null | tr '\1\2' '36')"
echo "order=$(dd if=/bin/sh bs=1 skip=5 count=1 2>/dev/null | tr '\1\2' 'lb')"
grep -q 'Features.*vfp' /proc/cpuinfo && echo fpu=yes
system=$(uname -o 2>/dev/null)
if [ -f /etc/openwrt_release ]; then firmware=openwrt
elif [ -x /opt/vyatta/sbin/vyatta-cfg-cmd-wrapper ]; then firmware=edgeos
elif has ubnt-device-info && [ -d /data ] && has systemctl; then firmware=unifi
elif [ -d /etc/storage ] && has mtd_storage.sh; then firmware=padavan
else
    case $system in
    ASUSWRT-Merlin*) firmware=merlin ;;
    Tomato*) firmware=freshtomato ;;
    DD-WRT*) firmware=ddwrt ;;
    *)
        if [ -f /www/tomato.js ] || grep -qi tomato /etc/motd 2>/dev/null; then firmware=freshtomato
        elif has nvram && [ -n "$(nvram get DD_BOARD)" ]; then firmware=ddwrt
        elif [ -x /opt/etc/init.d/rc.unslung ]; then firmware=entware
        else firmware=other
        fi
        ;;
    esac
fi
echo "firmware=$firmware"
free_kb() { df -k "$1" 2>/dev/null | sed -n '$s/.*[^0-9]\([0-9][0-9]*\)  *[0-9-]*%.*/\1/p'; }
# What runs programs before it is known where the exporter is to lie.
for place in /tmp /dev/shm /run /var/run; do
    echo 'exit 0' 2>/dev/null >"$place/router_exporter.sh" && chmod 755 "$place/router_exporter.sh" &&
        "$place/router_exporter.sh" 2>/dev/null && echo "ram=$(free_kb "$place") $place"
    rm -f "$place/router_exporter.sh"
done
# Where it survives a reboot: free KB and path.
for place in /jffs /tmp/mnt/* /mnt/* /media/* /config /data /usr/bin /opt "$HOME"; do
    case $firmware:$place in
    openwrt:/usr/bin | edgeos:/config | unifi:/data | entware:/opt) ;;
    merlin:/jffs | freshtomato:/jffs | ddwrt:/jffs) ;;
    merlin:/*mnt/* | freshtomato:/*mnt/* | ddwrt:/*mnt/*) ;;
    merlin:/opt | freshtomato:/opt | ddwrt:/opt) ;;
    padavan:/media/* | padavan:/opt | other:/opt | other:"$HOME") ;;
    *) continue ;;
    esac
    [ -d "$place" ] && survives "$place" && echo "place=$(free_kb "$place") $place"
done
# Padavan's flash: its size, and what the owner's files take of it, packed.
[ "$firmware" != padavan ] || {
    size=$(sed -n 's/^mtd[^ ]* \([0-9a-f]*\) .*"Storage"/\1/p' /proc/mtd 2>/dev/null)
    echo "flash=${size:+$((0x$size))}"
    cd /etc/storage && echo "taken=$(find . ! -type d | grep -v '^./router_exporter/' |
        tar -cf - -T - 2>/dev/null | bzip2 -9 | wc -c)"
}
SCRIPT
    } | on_router "sh -s"
}

said() {
    printf '%s\n' "$facts" | sed -n "s/^$1=//p" | head -n 1
}

# The first place of this kind with so many KB free.
first() {
    printf '%s\n' "$facts" | sed -n "s/^$1=//p" | while read -r free path; do
        case $free in '' | *[!0-9]*) continue ;; esac # its df says nothing
        if ! sound "$path"; then
            echo "$path is passed over: its name has what a shell or a crontab reads" >&2
        elif [ "$free" -ge "$2" ]; then
            echo "$path"
            break
        fi
    done
}

facts=$(probe) || fail "cannot run a shell on $host over ssh"
[ -n "$(said firmware)" ] || fail "$host does not answer like a router: $facts"
firmware=${firmware:-$(said firmware)}
machine=$(said machine)
sudo='' by_admin="sh -s"
if [ "$firmware" = edgeos ]; then
    [ "$(said user)" = root ] || sudo="sudo "
    # Else the files of its configuration get an owner that its web page cannot change.
    by_admin="sg vyattacfg -c 'sh -s'"
fi
by_root="${sudo}sh -s"

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
        binary=$scripts/bin/$build/router_exporter # of a release
        [ -d "$scripts/bin" ] || binary=${CARGO_TARGET_DIR:-$scripts/../target}/$target/release/router_exporter
        [ -f "$binary" ] || fail "the program for it is not here; from a clone: scripts/build $build"
    fi
    [ -f "$binary" ] || fail "$binary is not there"
    size=$(wc -c <"$binary")
fi

# ---- Where it goes -----------------------------------------------------------

# The binary's whole path; .gz if it is kept packed.
copy=yes
if [ "$uninstall" = no ]; then
    # Room for the new binary beside the old one.
    room=$((size / 1024 + 256))
    [ -n "$dir" ] || dir=$(first place "$room")
    if [ -z "$dir" ]; then
        [ "$firmware" = padavan ] ||
            fail "no place with $room KB free that survives a reboot: plug in a stick, or see --dir"
        echo "there is no stick: the binary goes to the flash partition of /etc/storage, packed"
        file=/etc/storage/router_exporter/router_exporter.gz
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
    entware)
        [ "$dir" = /opt ] || fail "--dir: with Entware all goes to /opt"
        file=/opt/sbin/router_exporter home=/opt/etc/router_exporter
        ;;
    *) file=${file:-$dir/router_exporter/router_exporter} ;;
    esac
    dir=${file%/*}
    ram=$(first ram "$((size / 1024 + 64))")
    trial=${ram:-$dir}/router_exporter.trial
fi
home=${home:-$dir}
[ "$firmware" != padavan ] || home=/etc/storage/router_exporter # small, and there before any stick

# What goes to Padavan's flash, packed, beside what is there already.
if [ "$firmware" = padavan ] && [ "$uninstall" = no ] && [ -n "$(said flash)" ]; then
    brings=$(($(gzip -9c "$scripts/watchdog.sh" | wc -c) + 1024)) # and names, settings, the crontab
    case $file in
    *.gz) brings=$((brings + $(gzip -9c "$binary" | wc -c) * 101 / 100)) ;; # in bzip2, again
    esac
    [ $(($(said taken) + brings)) -le "$(said flash)" ] ||
        fail "$brings bytes do not fit into the flash partition of /etc/storage: $(said taken) of its $(said flash) are taken.
Nothing was changed on the router. $(case $file in *.gz) echo 'Plug in a stick.' ;; *) echo 'Make room there.' ;; esac)"
fi

# ---- What starts it: cron in each firmware's way, or what the firmware has ----

case $firmware:$home in
openwrt:* | unifi:*) ;;
*:*[!A-Za-z0-9/._-]*) line="* * * * * $(quote "$home/watchdog.sh")" ;;
*) line="* * * * * $home/watchdog.sh" ;;
esac

cron_on() {
    case $firmware in
    padavan)
        cat <<'SCRIPT'
crontabs=/etc/storage/cron/crontabs
user=$(nvram get http_username)
user=${user:-admin}
mkdir -p "$crontabs"
touch "$crontabs/$user"
grep -v router_exporter/watchdog.sh "$crontabs/$user" >"$crontabs/$user.new"
echo "$line" >>"$crontabs/$user.new"
mv "$crontabs/$user.new" "$crontabs/$user"
echo "$user" >"$crontabs/cron.update"
[ "$(nvram get crond_enable)" = 1 ] || { nvram set crond_enable=1; nvram commit; }
# As the firmware starts it, without a line in the system log for each run.
quiet=-d8
[ "$(nvram get crond_log)" != 1 ] || quiet=
pidof crond >/dev/null || crond $quiet
mtd_storage.sh save
SCRIPT
        ;;
    merlin)
        cat <<SCRIPT
start=$(quote "cru a router_exporter $(quote "$line")")
SCRIPT
        cat <<'SCRIPT'
script=/jffs/scripts/services-start
[ "$(nvram get jffs2_scripts)" = 1 ] || { nvram set jffs2_scripts=1; nvram commit; }
mkdir -p /jffs/scripts
[ -f "$script" ] || echo '#!/bin/sh' >"$script"
grep -v router_exporter "$script" >"$script.new"
echo "$start" >>"$script.new"
chmod 755 "$script.new"
mv "$script.new" "$script"
cru a router_exporter "$line"
SCRIPT
        ;;
    freshtomato)
        cat <<SCRIPT
start=$(quote "cru a router_exporter $(quote "$line")")
SCRIPT
        cat <<'SCRIPT'
nvram set script_init="$(nvram get script_init | grep -v router_exporter)
$start"
nvram commit
cru a router_exporter "$line"
SCRIPT
        ;;
    ddwrt)
        cat <<'SCRIPT'
has crond || has cron || { echo "this DD-WRT has no cron, as its micro builds"; exit 1; }
command=${line#"* * * * * "}
nvram set cron_jobs="$(nvram get cron_jobs | grep -v router_exporter)
* * * * * root $command"
nvram set cron_enable=1
nvram commit
stopservice cron
startservice cron
SCRIPT
        ;;
    edgeos)
        cat <<'SCRIPT'
change=/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
task="system task-scheduler task router_exporter"
$change begin
$change set $task executable path "$home/watchdog.sh" &&
    $change set $task interval 1m &&
    $change commit &&
    $change save
status=$?
$change end
exit $status
SCRIPT
        ;;
    entware)
        cat <<'SCRIPT'
table=/opt/etc/crontab
[ -f "$table" ] || { echo "there is no $table: opkg install cron"; exit 1; }
grep -v router_exporter/watchdog.sh "$table" >"$table.new"
command=${line#"* * * * * "}
echo "* * * * * root $command" >>"$table.new"
cat "$table.new" >"$table" && rm "$table.new"
[ ! -x /opt/etc/init.d/S10cron ] || /opt/etc/init.d/S10cron restart >/dev/null
pidof cron crond >/dev/null || { echo "no cron runs: /opt/etc/init.d/S10cron start"; exit 1; }
SCRIPT
        ;;
    *)
        cat <<'SCRIPT'
has crontab || { echo "there is no crontab here"; exit 1; }
{ crontab -l 2>/dev/null | grep -v router_exporter/watchdog.sh; echo "$line"; } | crontab - || exit 1
pidof cron crond >/dev/null || { echo "no cron runs here"; exit 1; }
for table in /var/spool/cron/crontabs/* /var/spool/cron/* /var/cron/tabs/* /etc/crontabs/*; do
    grep -qF "$line" "$table" 2>/dev/null || continue
    survives "$(cd "${table%/*}" && pwd -P)" && exit 0
    echo "the crontab is in RAM: $table"
    exit 1
done
echo "the crontab is not where one is known to survive a reboot"
exit 1
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
grep -q 'task router_exporter' /config/config.boot 2>/dev/null || exit 0
change=/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper
$change begin
$change delete system task-scheduler task router_exporter && $change commit && $change save
status=$?
$change end
exit $status
SCRIPT
        ;;
    entware)
        cat <<'SCRIPT'
table=/opt/etc/crontab
[ ! -f "$table" ] || {
    grep -v router_exporter/watchdog.sh "$table" >"$table.new"
    cat "$table.new" >"$table" && rm "$table.new"
}
rm -f /opt/etc/init.d/S99router_exporter
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
    case $firmware in
    openwrt)
        remote "$by_root" <<'SCRIPT'
script=/etc/init.d/router_exporter
file=$(sed -n "s/^PROG='*\([^']*\)'*$/\1/p" "$script" 2>/dev/null)
[ ! -x "$script" ] || {
    "$script" stop
    "$script" disable
}
rm -f "${file:-/usr/bin/router_exporter}" "$script" /etc/config/router_exporter \
    /lib/upgrade/keep.d/router_exporter
SCRIPT
        return
        ;;
    unifi)
        remote "$by_root" <<'SCRIPT'
systemctl disable --now router_exporter
rm -rf "${dir:-/data}/router_exporter" /etc/systemd/system/router_exporter.service
systemctl daemon-reload
SCRIPT
        return
        ;;
    esac
    cron_off | remote "$by_admin" || [ "$firmware" != edgeos ] ||
        fail "the router's configuration could not be changed: nothing was removed"
    # Wherever an installation may have put them, or where the settings say.
    remote "$by_root" <<'SCRIPT' || fail "some of it could not be removed"
setting() { # its value, as watchdog.sh reads it
    sed -n "s/[[:cntrl:]]*$//; s/^$1=//p" "$home/watchdog.conf" 2>/dev/null |
        sed "s/^\"\(.*\)\"$/\1/; s/^'\(.*\)'$/\1/" | tail -n 1
}
left=0
for home in "${dir:-/etc/storage}/router_exporter" /etc/storage/router_exporter /config/router_exporter \
    /jffs/router_exporter /opt/router_exporter /opt/etc/router_exporter /tmp/mnt/*/router_exporter \
    /mnt/*/router_exporter /media/*/router_exporter "$HOME/router_exporter"; do
    [ -f "$home/watchdog.sh" ] || continue
    "$home/watchdog.sh" stop
    binary=$(setting BINARY)
    binary=${binary:-$home/router_exporter}
    run_dir=$(setting RUN_DIR)
    rm -f "$binary" "$binary.old" || left=1
    rm -f "$home/watchdog.sh" "$home/watchdog.conf" || left=1
    for directory in "${binary%/*}" "$home"; do
        case $directory in */router_exporter) rmdir "$directory" 2>/dev/null ;; esac
    done
    # It may be a directory of others', too.
    [ -z "$run_dir" ] || (cd "$run_dir" && rm -f router_exporter packed* copy new state said exe log log.old refused asker)
    [ -z "$run_dir" ] || rmdir "$run_dir" 2>/dev/null
done
[ -z "$trial" ] || rm -f "$trial"
rm -rf /var/run/router_exporter /tmp/router_exporter /dev/shm/router_exporter /run/router_exporter
[ ! -d /etc/storage ] || ! has mtd_storage.sh || mtd_storage.sh save || left=1
exit $left
SCRIPT
}

if [ "$uninstall" = yes ]; then
    uninstall
    [ "$dry_run" = yes ] || echo "router_exporter is gone from $host"
    exit
fi

# ---- Install -----------------------------------------------------------------

echo "install $binary, $size bytes, as $file"
[ "$dry_run" = no ] || {
    echo "where"
    settings | sed 's/^/    /'
}

# Into RAM first: there it is shown to run, whatever the stick's mount allows.
[ -n "$ram" ] || echo "no RAM can run programs there, or has room: it is tried in $dir"
[ -n "$ram" ] || remote "$by_root" <<'SCRIPT'
mkdir -p "$dir"
SCRIPT
upload "$binary" "$trial"
remote "$by_root" <<'SCRIPT' || fail "nothing was changed on the router"
chmod 755 "$trial"
fault=
[ "$(wc -c <"$trial")" -eq "$size" ] || fault="the copy is not whole"
[ -n "$fault" ] || PATH=/nonexistent "$trial" --version || fault="it does not run on this router"
[ -z "$fault" ] || { echo "$fault"; rm -f "$trial"; exit 1; }
mkdir -p "$dir" "$home"
SCRIPT

# Beside the old one, whole, and only then in its place.
case $file in
*.gz)
    gzip -9c "$binary" >"$private/packed"
    size=$(wc -c <"$private/packed")
    upload "$private/packed" "$file.new"
    ;;
*)
    remote "$by_root" <<'SCRIPT' || true
cp "$trial" "$file.new"
SCRIPT
    ;;
esac
remote "$by_root" <<'SCRIPT' || fail "nothing was changed on the router"
chmod 755 "$file.new"
sync
[ "$(wc -c <"$file.new")" -eq "$size" ] || {
    echo "there is no room for it"
    rm -f "$file.new" "$trial"
    exit 1
}
[ ! -f "$file" ] || mv "$file" "$file.old"
mv "$file.new" "$file"
SCRIPT

# What starts it by now, as a script on the router.
case $firmware in
openwrt)
    sed "s|^PROG=.*|PROG=$(quote "$file")|" "$scripts/openwrt/router_exporter.init" >"$private/init"
    upload "$private/init" /etc/init.d/router_exporter.new
    upload "$scripts/openwrt/router_exporter.config" /tmp/router_exporter.config
    remote "$by_root" <<'SCRIPT'
set -e
[ -f /etc/config/router_exporter ] || cp /tmp/router_exporter.config /etc/config/router_exporter
rm /tmp/router_exporter.config
if [ $options_given = yes ]; then
    uci set router_exporter.main.options="$options"
    uci commit router_exporter
fi
chmod 755 /etc/init.d/router_exporter.new
mv /etc/init.d/router_exporter.new /etc/init.d/router_exporter
/etc/init.d/router_exporter enable
# What a sysupgrade is to keep, beside the settings.
mkdir -p /lib/upgrade/keep.d
{
    echo "$file"
    echo /etc/init.d/router_exporter
    for link in /etc/rc.d/*router_exporter; do echo "$link"; done
    echo /lib/upgrade/keep.d/router_exporter
} >/lib/upgrade/keep.d/router_exporter
SCRIPT
    # shellcheck disable=SC2016 # the router's
    start='/etc/init.d/router_exporter restart; serves $(uci get router_exporter.main.options)'
    ;;
unifi)
    unit=$scripts/unifi/router_exporter.service
    {
        sed '/^ExecStart=/,$d' "$unit"
        # systemd would put something in their place.
        printf 'ExecStart="%s" %s\n' "$file" "$(printf '%s' "$options" | sed 's/[$%\\]/&&/g')"
        sed '1,/^ExecStart=/d' "$unit"
    } >"$private/unit"
    upload "$private/unit" "$dir/router_exporter.service.new"
    remote "$by_root" <<'SCRIPT'
set -e
cd "$dir"
if [ $options_given = no ] && [ -f router_exporter.service ]; then rm router_exporter.service.new
else mv router_exporter.service.new router_exporter.service; fi
systemctl enable "$dir/router_exporter.service"
SCRIPT
    # shellcheck disable=SC2016 # the router's
    start='systemctl daemon-reload; systemctl restart router_exporter
    serves $(sed -n "s/^ExecStart=\"[^\"]*\"//p" "$dir/router_exporter.service")'
    ;;
*)
    upload "$scripts/watchdog.sh" "$home/watchdog.sh.new"
    remote "$by_root" <<'SCRIPT'
set -e
cd "$home"
# The owner's settings stay; where the binary is, is ours to say.
ours="-e ^BINARY= -e ^COPY="
[ $options_given = no ] || ours="$ours -e ^OPTIONS="
{
    [ ! -f watchdog.conf ] || grep -v $ours watchdog.conf || true
    echo "BINARY=$file"
    echo "COPY=$copy"
    [ $options_given = no ] || echo "OPTIONS=$options"
} >watchdog.conf.new
mv watchdog.conf.new watchdog.conf
chmod 755 watchdog.sh.new
mv watchdog.sh.new watchdog.sh
SCRIPT
    # shellcheck disable=SC2016 # the router's
    start='"$home/watchdog.sh" restart'
    [ "$firmware" != entware ] || {
        upload "$scripts/entware/S99router_exporter" /opt/etc/init.d/S99router_exporter
        remote "$by_root" <<'SCRIPT'
chmod 755 /opt/etc/init.d/S99router_exporter
SCRIPT
    }
    ;;
esac

# A binary that runs but does not serve makes room for the one that did.
{
    printf 'start() {\n    %s\n}\n' "$start"
    cat <<'SCRIPT'
serves() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 1
        "$file" "$@" --health 2>/dev/null && return
    done
    return 1
}
set -f
if start; then
    rm -f "$file.old"
    exit 0
fi
if [ -f "$file.old" ]; then
    echo "it does not serve: the old binary again"
    mv "$file.old" "$file"
    start
fi
rm -f "$trial"
exit 1
SCRIPT
} | remote "$by_root" || fail "the exporter did not start"

case $firmware in
openwrt | unifi) ;;
padavan)
    cron_on | remote "$by_admin" || {
        echo "the flash partition cannot be saved: what was installed is removed again"
        uninstall
        fail "nothing of it is left on the router"
    }
    ;;
*)
    # By an administrator: EdgeOS' configuration is theirs to change.
    cron_on | remote "$by_admin" ||
        fail "it runs, but not yet after a reboot. What can be done: a line for a script that the router runs at its start,
    while :; do $(quote "$home/watchdog.sh"); sleep 60; done &"
    ;;
esac

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
remote "$by_root" <<'SCRIPT'
set -f
"$trial" $options --once | sed -n '1,6s/^/    /p'
rm -f "$trial"
SCRIPT
cat <<TEXT
for prometheus.yml:

    scrape_configs:
      - job_name: node-exporter
        static_configs:
          - targets: ["$address:$port"]
TEXT
