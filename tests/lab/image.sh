#!/bin/sh
# Builds the lab's kernel and root under target/lab: Debian's malta kernel for
# mipsel with simulated radios and flash, the programs that use them, and the
# files in root/. What is fetched is kept until the lists below change, and the
# root until a file of it does.
#
# It takes apt-get, cpio, depmod and readelf, and no privileges: apt works on a
# private state.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}/lab
mkdir -p "$target"
cd "$target"
# shellcheck disable=SC1091 # it is checked by itself
. "$here/../router/debian.sh"

packages="busybox-static hostapd iw wireguard-tools dnsmasq-base iproute2 mtd-utils strace"
programs="usr/sbin/hostapd sbin/iw usr/bin/wg usr/sbin/dnsmasq bin/ip usr/sbin/genl
    usr/sbin/ubiattach usr/sbin/ubiformat usr/sbin/ubimkvol usr/sbin/ubinfo usr/bin/strace"
# The radios, the tunnel and its wires, the flash, and the way to the host.
modules="mac80211_hwsim wireguard veth nandsim ubi virtio_pci virtio_net"

fetch() {
    rm -rf packages
    mkdir packages
    apt_for_mipsel
    # shellcheck disable=SC2086 # a list
    apt-get -qy --download-only --no-install-recommends install $packages
    (cd apt/archives && apt-get -q download "$(malta_kernel)")
    for package in apt/archives/*.deb; do dpkg-deb -x "$package" packages; done
    rm -r apt/archives packages/usr/share
}

# needed FILE: the libraries that it names, and those that they name.
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r library; do
        [ ! -e "root/lib/$library" ] || continue
        cp -L "$(find packages/lib packages/usr/lib -name "$library" | head -n 1)" root/lib/
        needed "root/lib/$library"
    done
}

# The modules named and all below them, with the tables that modprobe looks into.
put_modules() {
    release=$(ls packages/lib/modules)
    [ -f "packages/lib/modules/$release/modules.dep" ] || depmod -b packages "$release"
    mkdir -p "root/lib/modules/$release"
    for module in $modules; do
        grep "/$module\.ko:" "packages/lib/modules/$release/modules.dep" | tr -d : | tr ' ' '\n'
    done | sort -u | while read -r file; do
        cp "packages/lib/modules/$release/$file" "root/lib/modules/$release/"
    done
    cp "packages/lib/modules/$release/modules.builtin" \
        "packages/lib/modules/$release/modules.builtin.modinfo" "packages/lib/modules/$release/modules.order" \
        "root/lib/modules/$release/"
    depmod -b root "$release"
}

build() {
    rm -rf root
    mkdir -p root/bin root/sbin root/lib
    for directory in dev etc proc run sys tmp var; do mkdir "root/$directory"; done
    cp packages/bin/busybox root/bin/
    for applet in $(qemu-mipsel-static packages/bin/busybox --list); do
        [ -e "root/bin/$applet" ] || ln -s busybox "root/bin/$applet"
    done
    for program in $programs; do
        rm -f "root/bin/${program##*/}"
        cp "packages/$program" root/bin/
        needed "packages/$program"
    done
    cp -L "$(find packages/lib -name ld.so.1 | head -n 1)" root/lib/
    put_modules
    cp -r "$here/root/." root/
    cp packages/boot/vmlinuz-* kernel
    (cd root && find . | cpio --quiet -o -H newc -R 0:0) >root.cpio
}

lists=$(echo "$packages" | sha256sum)
[ "$(cat fetched 2>/dev/null)" = "$lists" ] || { fetch && echo "$lists" >fetched; }
inputs=$(find "$here/image.sh" "$here/root" -type f -exec sha256sum {} + | sort)
[ "$(cat built 2>/dev/null)" = "$inputs" ] || { build && echo "$inputs" >built; }
