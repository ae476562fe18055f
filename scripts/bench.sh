#!/bin/sh
# What the exporter weighs and what a scrape costs.
#
#     scripts/bench.sh [table]         beside node_exporter and the floor, here and on an
#                                      emulated router (LONG=1: after 100,000 scrapes)
#     scripts/bench.sh budget          fails when a file or a scrape has grown by more than 2 %
#     scripts/bench.sh update          writes down the present figures as the budget
#     scripts/bench.sh growth          with ever more interfaces, processors, mounts, connections
#     scripts/bench.sh profile TARGET [BOARD]
#                                      instructions of a scrape by function; TARGET is mipsel or
#                                      x86_64, BOARD is a name below tests/routers
#
# The floor is a C program that opens, reads and closes the files that the exporter reads and
# does nothing else: see tests/bench/floor.c. Processor time is compared in turns and told as
# a ratio; instructions are counted by QEMU and repeat. Needs gcc, strace, qemu-user (the one with
# plugins) and bzip2; the table also prometheus-node-exporter, qemu-system-mips and cpio, and root,
# for a network namespace with a router's eight interfaces.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
source=$root/tests/bench
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
work=$target/bench
mkdir -p "$work"

die() {
    echo "bench.sh: $*" >&2
    exit 1
}

# needs COMMAND PACKAGE ...
needs() {
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || die "$1 is missing: install $2"
        shift 2
    done
}

binary() { echo "$target/$1-unknown-linux-musl/release/router_exporter"; }

build() {
    "$root/scripts/build" "$@"
}

# The tools for this machine.
tools() {
    needs gcc gcc strace strace
    for tool in floor measure; do
        [ "$work/$tool" -nt "$source/$tool.c" ] || gcc -O2 -static -o "$work/$tool" "$source/$tool.c"
    done
    [ "$work/count.so" -nt "$source/count.c" ] || gcc -O2 -shared -fPIC -o "$work/count.so" "$source/count.c"
}

zig() {
    set -- "${ZIG:-}" "$target"/ziglang==*/ziglang/zig
    [ -n "$1" ] || shift
    echo "$1"
}

# counting TARGET PROGRAM: the command that runs it and counts its instructions.
counting() {
    case $1 in
    mipsel) cpu="-cpu 24KEc" ;;
    *) cpu="" ;;
    esac
    echo "qemu-$1 $cpu -plugin $work/count.so,counts=$work/counts.$1 $2"
}

# value KEY: the figure of that name in a line of measure.
value() { sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }

board_paths() {
    echo "--path.procfs=tests/routers/$1/proc --path.sysfs=tests/routers/$1/sys --path.rootfs=tests/routers/$1/root"
}

# count TARGET BINARY BOARD: instructions and system calls of a scrape, as measure prints them.
count() {
    port=21480
    echo "$1 $port $work/counts.$1 $(counting "$1" "$2") --web.listen-address=127.0.0.1:$port $(board_paths "$3")" >"$work/plan"
    (cd "$root" && "$work/measure" -n 10 -b 5 ${PROFILE:+-p "$PROFILE"} "$work/plan")
}

# Budget: lines of "figure value".
figures() {
    for name in mipsel x86_64; do
        echo "bytes.$name $(wc -c <"$(binary $name)")"
    done
    for name in mipsel x86_64; do
        for board in rt-n14u openwrt; do
            count $name "$(binary $name)" $board >"$work/line"
            echo "instructions.$name.$board $(value instructions <"$work/line")"
            echo "system_calls.$name.$board $(value system_calls <"$work/line")"
        done
    done
}

budget() {
    needs qemu-mipsel qemu-user qemu-x86_64 qemu-user
    tools
    figures >"$work/figures"
    if [ "$1" = update ]; then
        cp "$work/figures" "$source/budget"
        cat "$source/budget"
        return
    fi
    awk '
        NR == FNR { budget[$1] = $2; next }
        {
            change = budget[$1] ? 100 * ($2 / budget[$1] - 1) : 100
            printf "%-32s %10s, budget %10s, %+.1f %%", $1, $2, budget[$1], change
            if (change > 2) { print "  TOO MUCH"; grown = 1 }
            else if (change < -2) print "  shrunk: lower the budget with scripts/bench.sh update"
            else print ""
        }
        END { if (grown) print "Growth is a decision: scripts/bench.sh update, and say why in the commit."; exit grown }
    ' "$source/budget" "$work/figures"
}

# Instructions by function. The build keeps its symbols, and a directory of its own.
profile() {
    needs qemu-mipsel qemu-user
    tools
    symbols=$work/symbols
    CARGO_PROFILE_RELEASE_STRIP=false CARGO_PROFILE_RELEASE_DEBUG=1 CARGO_TARGET_DIR=$symbols ZIG=$(zig) build "$1"
    program=$symbols/$1-unknown-linux-musl/release/router_exporter
    PROFILE=$work/profile count "$1" "$program" "${2:-rt-n14u}"
    nm="nm"
    [ "$1" != mipsel ] || nm=mipsel-linux-gnu-nm
    {
        "$nm" -n --demangle "$program" | sed -n 's/^\([0-9a-f]*\) [tTwW] /\1 0 /p'
        sed 's/ / 1 /' "$work/profile"
    } | sed 's/^\([0-9a-f]\{8\}\) /00000000\1 /' | sort -k 1,1 -k 2,2 | awk '
        $2 == 0 { sub(/^[^ ]* 0 /, ""); name = $0; next }
        { sum[name] += $3; all += $3 }
        END { for (name in sum) printf "%9.0f %5.1f%% %s\n", sum[name], 100 * sum[name] / all, name }
    ' | sort -nr | head -n "${TOP:-50}"
}

case ${1:-table} in
budget | update)
    [ -n "${BUILT:-}" ] || build mipsel x86_64
    budget "$1"
    ;;
profile) profile "${2:-mipsel}" "${3:-}" ;;
*) die "unknown command: $1 (the head of this file tells them)" ;;
esac
