#!/bin/sh
# Builds the router's kernel, start-up and flash under target/router: Debian's
# malta kernel for mipsel, its dropbear, a busybox with Padavan's switches, and the
# files in root/. What is fetched and compiled is kept; all else is built again, in
# two seconds.
#
# It takes apt-get, squashfs-tools, cpio, make and gcc, and no privileges: apt works
# on a private state, and file ownership is mksquashfs' matter.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}/router
mkdir -p "$target"
cd "$target"
# shellcheck disable=SC1091 # it is checked by itself
. "$here/debian.sh"

# What the kernel needs before it has its root, in the order of loading.
modules="virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci
    virtio_blk squashfs"
# What the router loads itself.
modules_later="failover net_failover virtio_net usb-common usbcore uhci-hcd usb-storage
    fat vfat nls_cp437 nls_ascii nls_utf8 fuse"
# What scripts/bench.sh loads.
modules_of_bench="dummy"

fetch() {
    rm -rf packages
    mkdir packages
    apt_for_mipsel
    (
        cd apt
        apt-get -q download "$(malta_kernel)" dropbear-bin \
            libc6 libcrypt1 libtomcrypt1 libtommath1 zlib1g libgmp10
        for package in ./*.deb; do dpkg-deb -x "$package" "$target/packages"; done
        rm ./*.deb
    )
    rm -r packages/usr/share packages/usr/lib/*/gconv
    # Of 180 MB of modules, a dozen are used.
    mkdir packages/modules
    for module in $modules $modules_later $modules_of_bench; do
        mv "$(find packages/lib/modules -name "$module.ko")" packages/modules/
    done
    rm -r packages/lib/modules
}

# put_modules ROOT MODULE...
put_modules() {
    mkdir -p "$1/lib/modules"
    modules_of=$1/lib/modules
    shift
    for module in "$@"; do cp "packages/modules/$module.ko" "$modules_of/"; done
    echo "$@" >"$modules_of/order"
}

[ -f packages/modules/fuse.ko ] || fetch
busybox=$("$here/../shell/busybox" padavan mipsel)
[ -f key ] || ssh-keygen -q -t ed25519 -N '' -C tests/router -f key

rm -rf start root
mkdir -p start/bin start/proc start/dev start/root
cp "$busybox" start/bin/busybox
cp "$here/start" start/init
# shellcheck disable=SC2086
put_modules start $modules
(cd start && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >start.gz

mkdir -p root/bin root/sbin root/usr/lib root/lib
for directory in dev etc home media mnt proc sys tmp var; do mkdir "root/$directory"; done
cp "$busybox" root/bin/busybox
for applet in $(qemu-mipsel-static "$busybox" --list); do
    [ -e "root/bin/$applet" ] || ln -s busybox "root/bin/$applet"
done
ln -s /bin/busybox root/sbin/init
cp packages/usr/sbin/dropbear packages/usr/bin/dropbearkey root/sbin/
for library in ld.so.1 libc.so.6 libcrypt.so.1 libtomcrypt.so.1 libtommath.so.1 libz.so.1 libgmp.so.10; do
    cp -L "$(find packages/lib packages/usr/lib -name "$library" -path '*mipsel*' | head -n 1)" root/lib/
done
# shellcheck disable=SC2086
put_modules root $modules_later
cp -r "$here/root/." root/
cp "$here/../shell/hung_mount" root/sbin/
cp key.pub root/etc_ro/authorized_keys
rm -f root.squashfs
mksquashfs root root.squashfs -all-root -comp xz -no-progress -quiet -noappend

cp packages/boot/vmlinuz-* kernel
