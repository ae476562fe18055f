#!/bin/sh
# Saves /etc/storage to its flash partition and reads it back, with the habits of
# Padavan's script of this name: it gives every file the same time; what it packs is
# not written if its hash is that of the last time; and the hash is kept before the
# size is looked at, so that too much is refused once, and then passes for saved.
size=$(sed -n 's/^mtd.*: \([0-9a-f]*\) .*"Storage"/\1/p' /proc/mtd)
size=$((0x$size))
tar=/tmp/storage.tar
hash=/tmp/hashes/storage_md5
mkdir -p /tmp/hashes

case ${1:-} in
save)
    [ ! -f /tmp/.storage_locked ] || exit 1
    cd /etc/storage || exit 1
    find . ! -name . -print0 | xargs -0 touch -c -t 201001010000.00
    rm -f $tar $tar.bz2
    find . ! -type d | sort | tar -c -f $tar -T - || exit 1
    if md5sum -c -s $hash 2>/dev/null; then
        echo "Storage hash is not changed, skip write to MTD partition. Exit."
        rm $tar
        exit 0
    fi
    md5sum $tar >$hash
    bzip2 -9 $tar
    packed=$(stat -c %s $tar.bz2)
    if [ "$packed" -gt "$size" ]; then
        echo "Error! Invalid storage final data size: $packed"
        logger -t "Storage save" "Invalid storage final data size: $packed"
        rm $tar.bz2
        exit 1
    fi
    dd if=$tar.bz2 of=/dev/vdb bs=4k 2>/dev/null
    sync
    rm $tar.bz2
    ;;
load)
    bunzip2 -c </dev/vdb >$tar 2>/dev/null
    if [ -s $tar ]; then
        md5sum $tar >$hash
        tar -x -f $tar -C /etc/storage
    fi
    rm -f $tar
    ;;
esac
