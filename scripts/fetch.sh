#!/bin/sh
# Installs router_exporter on the router that it runs on, from a release's folder on a web server:
#
#     wget -qO- http://192.168.1.2:8000/fetch.sh | sh -s http://192.168.1.2:8000
#
# It finds out what the router is, fetches what fits with the router's own wget, holds it against
# SHA256SUMS, and installs it by apk, by opkg, or as install.sh does from a PC, which gets the words
# after the address. The sums are from the same server: they show that all has arrived whole, not who
# made it.
set -eu

fail() {
    echo "fetch.sh: $*" >&2
    exit 1
}
address=${1:-}
[ -n "$address" ] || fail "usage: fetch.sh ADDRESS [install.sh's options]"
shift
address=${address%/}
fetched=/tmp/router_exporter.fetched
rm -rf "$fetched"
mkdir -m 700 "$fetched"
trap 'rm -rf "$fetched"' EXIT
trap 'exit 1' HUP INT TERM

# Not every firmware's shell knows `command`.
has() {
    oldifs=$IFS
    IFS=:
    for directory in $PATH; do
        [ ! -x "$directory/$1" ] || { IFS=$oldifs && return 0; }
    done
    IFS=$oldifs
    return 1
}

download() {
    if has wget; then wget -q -O "$2" "$1"
    elif has curl; then curl -fsSL -o "$2" "$1"
    else fail "there is neither wget nor curl"
    fi || fail "cannot fetch $1"
}

sum() {
    if has sha256sum; then sha256sum <"$1"
    elif has openssl; then openssl dgst -sha256 -r <"$1"
    else fail "there is neither sha256sum nor openssl to check what was fetched: use install.sh from a PC"
    fi | sed 's/ .*//'
}

# get EXPRESSION: the file of the release that it names goes to $file, whole; fails if there is none
get() {
    line=$(grep -E "^[0-9a-f]{64}  $1\$" "$fetched/SHA256SUMS" | head -n 1)
    [ -n "$line" ] || return 1
    name=${line#*  }
    file=$fetched/${name##*/}
    echo "fetching $name"
    download "$address/$name" "$file"
    [ "$(sum "$file")" = "${line%% *}" ] || fail "$name is not what SHA256SUMS has: nothing was changed"
}

download "$address/SHA256SUMS" "$fetched/SHA256SUMS"

# ---- A package, where the router has a package manager -------------------------

manager='' names=''
if [ -f /etc/openwrt_release ]; then
    feed=openwrt
    names=$(sed -n "s/^DISTRIB_ARCH=['\"]\{0,1\}\([^'\"]*\).*/\1/p" /etc/openwrt_release)
    if has apk; then manager=apk; elif has opkg; then manager=opkg; fi
elif [ -x /opt/etc/init.d/rc.unslung ] && has opkg; then
    feed=entware manager=opkg
    names=$(opkg print-architecture | sed -n 's/^arch \([^ ]*\) .*/\1/p')
fi
for architecture in $names; do
    case $manager in
    apk)
        get "$feed/$architecture/[^ ]*\.apk" || continue
        apk add --allow-untrusted "$file"
        ;;
    opkg)
        get "$feed/$architecture/[^ ]*\.ipk" || continue
        opkg install "$file"
        ;;
    *) break ;;
    esac || fail "$manager could not install it"
    echo "installed by $manager: ${file##*/}; it serves port 9100"
    exit
done

# ---- Else as from a PC, which is this router -----------------------------------

width=$(dd if=/bin/sh bs=1 skip=4 count=1 2>/dev/null | tr '\1\2' '36')
order=$(dd if=/bin/sh bs=1 skip=5 count=1 2>/dev/null | tr '\1\2' 'lb')
fpu=
if grep -q 'Features.*vfp' /proc/cpuinfo; then fpu=yes; fi
machine=$(uname -m)
case $machine-$width$order-$fpu in
mips*-3l-*) target=mipsel-softfloat ;;
mips*-3b-*) target=mips-softfloat ;;
aarch64-6l-*) target=aarch64 ;;
armv7*-3l-yes | armv8*-3l-* | aarch64-3l-*) target=armv7-hardfloat ;;
armv7*-3l-*) target=armv7-softfloat ;;
x86_64-6l-*) target=x86_64 ;;
*) fail "there is no build for this processor, $machine" ;;
esac
get "router_exporter-[^/ ]*-linux-$target\.tar\.gz" || fail "the release has none for $target"
gunzip -c "$file" | tar -x -f - -C "$fetched"
rm "$file"

# Stands for ssh.
cat >"$fetched/here" <<'SCRIPT'
#!/bin/sh
while :; do
    case $1 in
    -O) exit 0 ;;
    -o) shift 2 ;;
    *) break ;;
    esac
done
shift
exec sh -c "$*"
SCRIPT
chmod 755 "$fetched/here"
sh "$fetched"/router_exporter-*/install.sh --ssh "$fetched/here" "$@" "$(hostname)"
