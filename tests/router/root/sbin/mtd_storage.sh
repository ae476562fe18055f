#!/bin/sh
# Saves /etc/storage to the 256 KB flash partition and reads it back, as
# Padavan's script of this name does.
case ${1:-} in
save)
    tar -c -j -C /etc/storage -f /tmp/storage.tar.bz2 . || exit 1
    # shellcheck disable=SC2046
    set -- $(wc -c </tmp/storage.tar.bz2)
    if [ "$1" -gt 262140 ]; then
        echo "storage does not fit into its flash partition" >&2
        rm /tmp/storage.tar.bz2
        exit 1
    fi
    {
        echo "$1"
        cat /tmp/storage.tar.bz2
    } | dd of=/dev/vdb bs=4k conv=notrunc 2>/dev/null
    sync
    rm /tmp/storage.tar.bz2
    ;;
restore)
    {
        read -r size
        case $size in
        '' | *[!0-9]*) exit 0 ;;
        esac
        head -c "$size" | tar -x -j -C /etc/storage
    } </dev/vdb
    ;;
esac
