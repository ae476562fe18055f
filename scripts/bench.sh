#!/bin/sh
# What the exporter weighs and what a scrape costs, beside node_exporter and the floor.
#
#     scripts/bench.sh             the table: sizes, this machine, an emulated router
#     scripts/bench.sh growth      with ever more interfaces, processors, mounts, connections
#     scripts/bench.sh budget      fails where a file or a scrape has grown by more than 2 %
#     scripts/bench.sh update      makes the present figures the budget
#     scripts/bench.sh profile TARGET [BOARD]
#                                  a scrape's instructions by function, and its allocations; TARGET is
#                                  mipsel or x86_64, BOARD a name below tests/routers
#
# The floor is a program that opens, reads and closes the files that the exporter reads and does
# nothing else, see tests/bench/floor.c. Processor time is taken in turns and told as a ratio;
# instructions are counted by QEMU and repeat. LONG=1 has the table told after 100,000 scrapes, which
# takes half an hour. The table and the growth need root, for namespaces of their own.
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

# figure KEY: that of a line of measure.
figure() { sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }

# compile TOOL: for this machine.
compile() {
    [ "$work/$1" -nt "$source/$1.c" ] || gcc -O2 -static -o "$work/$1" "$source/$1.c"
}

# count TARGET BINARY BOARD [OPTION...]: what a scrape of a board takes, as measure prints it.
count() {
    needs gcc gcc qemu-mipsel qemu-user qemu-x86_64 qemu-user
    compile measure
    [ "$work/count.so" -nt "$source/count.c" ] || gcc -O2 -shared -fPIC -o "$work/count.so" "$source/count.c"
    emulator=qemu-$1
    [ "$1" != mipsel ] || emulator="$emulator -cpu 24KEc"
    echo "$1 21480 $work/counts $emulator -plugin $work/count.so,counts=$work/counts $2" \
        "--web.listen-address=127.0.0.1:21480 --path.procfs=tests/routers/$3/proc" \
        "--path.sysfs=tests/routers/$3/sys --path.rootfs=tests/routers/$3/root" >"$work/plan"
    shift 3
    (cd "$root" && "$work/measure" -n 10 -b 3 "$@" "$work/plan")
}

# Lines of "figure value".
figures() {
    for name in mipsel x86_64; do
        echo "bytes.$name $(wc -c <"$(binary $name)")"
        for board in rt-n14u openwrt; do
            count $name "$(binary $name)" $board >"$work/line"
            echo "instructions.$name.$board $(figure instructions <"$work/line")"
            echo "system_calls.$name.$board $(figure system_calls <"$work/line")"
        done
    done
}

budget() {
    figures >"$work/figures"
    awk '
        NR == FNR { budget[$1] = $2; next }
        !($1 in budget) { printf "%-30s %9.0f, without a budget\n", $1, $2; grown = 1; next }
        {
            change = 100 * ($2 / budget[$1] - 1)
            printf "%-30s %9.0f, budget %9.0f: %+.1f %%", $1, $2, budget[$1], change
            if (change > 2) grown = 1
            print change > 2 ? ", too much" : change < -2 ? ", less: scripts/bench.sh update keeps it so" : ""
        }
        END {
            if (grown) print "To grow is a decision: scripts/bench.sh update, and the commit says why."
            exit grown
        }
    ' "$source/budget" "$work/figures"
}

# Symbols are kept for this, in a build of its own.
profile() {
    prefix=
    [ "$1" != mipsel ] || prefix=mipsel-linux-gnu-
    needs "${prefix}nm" "binutils or binutils-mipsel-linux-gnu"
    set -- "$1" "$2" "$work/symbols"
    zig=$(find "$target"/ziglang==*/ziglang/zig 2>/dev/null | head -n 1)
    CARGO_PROFILE_RELEASE_STRIP=false CARGO_TARGET_DIR=$3 ZIG=${ZIG:-$zig} "$root/scripts/build" "$1"
    program=$3/$1-unknown-linux-musl/release/router_exporter
    count "$1" "$program" "$2" -p "$work/profile"
    {
        "${prefix}nm" -n --demangle "$program" | sed -n 's/^\([0-9a-f]*\) [tTwW] /\1 0 /p'
        sed 's/ / 1 /' "$work/profile"
    } | sed 's/^\([0-9a-f]\{8\}\) /00000000\1 /' | sort -k 1,1 -k 2,2 | awk '
        $2 == 0 {
            start = $1
            sub(/^[^ ]* 0 /, "")
            name = $0
            next
        }
        {
            sum[name] += $3
            # The first block of a function is entered as often as it is called.
            if ($1 == start && name ~ /^(__libc_malloc_impl|__libc_realloc)$/) allocations += $4
        }
        END {
            for (name in sum) printf "%9.0f instructions in %s\n", sum[name], name
            printf "%9.0f heap allocations\n", allocations
        }
    ' | sort -nr >"$work/functions"
    head -n "${TOP:-40}" "$work/functions"
    grep 'heap allocations$' "$work/functions"
}

# floor_list LIST COMMAND...: the files that one scrape reads. Without netlink, since it is in sysfs
# that the floor finds what netlink tells.
floor_list() {
    list=$1
    shift
    strace -f -o "$work/strace" -e inject=socket:error=EAFNOSUPPORT \
        -e trace=socket,open,openat,read,pread64,close,getdents64,readlink,readlinkat,statfs "$@" >"$work/page"
    sed 's/^[0-9]* *//' "$work/strace" | awk -f "$source/floor-list.awk" >"$list"
}

# The options with which node_exporter runs the collectors that said something on the page.
same_collectors() {
    prometheus-node-exporter --help 2>&1 | sed -n 's/^ *--collector\.\([a-z_0-9]*\) .*/\1/p' >"$work/known"
    echo "--collector.disable-defaults"
    sed -n 's/^node_scrape_collector_success{collector="\(.*\)"} 1$/\1/p' "$work/page" |
        grep -Fx -f "$work/known" | sed 's/^/--collector./'
}

# system_calls COMMAND...: of a scrape. A block that is not counted goes before the one that is.
system_calls() {
    for scrapes in 10 50; do
        echo "one 21480 - strace -D -f -c -o $work/calls.$scrapes $*" >"$work/plan"
        rm -f "$work/calls.$scrapes"
        "$work/measure" -n $scrapes -b 1 "$work/plan" >"$work/line"
        until grep -q total "$work/calls.$scrapes" 2>/dev/null; do sleep 0.1; done
    done
    awk '$NF == "total" { sum += (FILENAME ~ /50$/ ? 1 : -1) * $4 } END { printf "%.0f\n", sum / 80 }' \
        "$work/calls.10" "$work/calls.50"
}

heading() {
    echo
    echo "| $1 | start to first answer, ms | resident at rest, kB | after $2 scrapes | virtual, kB | threads" \
        "| open files | CPU, µs a scrape | over the floor | page, bytes |"
    echo "|---|---|---|---|---|---|---|---|---|---|"
}

rows() {
    awk '/=/ {
        for (i = 2; i <= NF; i++) { split($i, pair, "="); is[pair[1]] = pair[2] }
        gsub("_", " ", $1)
        printf "| %s | %.0f | %d | %d | %d | %d | %d | %.0f | %.2f | %d |\n", $1, is["start_ms"], is["rest_kb"],
            is["kb"], is["virtual_kb"], is["threads"], is["fds"], is["cpu_ns"] / 1000, is["ratio"], is["bytes"]
    }'
}

sizes() {
    echo
    echo "| file | bytes | after bzip2 -9 |"
    echo "|---|---|---|"
    for file in "$(binary mipsel)" "$(binary x86_64)" "$(command -v prometheus-node-exporter)"; do
        echo "| ${file#"$target"/} | $(wc -c <"$file") | $(bzip2 -9c "$file" | wc -c) |"
    done
}

# In a namespace: the interfaces of a router, and the sysfs that shows them.
plug_in() {
    mount -t sysfs sys /sys
    ip link set lo up
    for pair in 0 2 4; do ip link add "dummy$pair" type veth peer name "dummy$((pair + 1))"; done
    ip link add dummy6 type bridge
    for interface in 0 1 2 3 4 5 6; do ip link set "dummy$interface" up; done
}

# The programs that take turns on this machine.
plan() {
    echo "the_floor 21481 - $work/floor 21481 $work/list"
    echo "the_floor,_files_kept_open 21482 - $work/floor -k 21482 $work/list"
    echo "router_exporter 21483 - $(binary x86_64) --web.listen-address=127.0.0.1:21483"
    echo "node_exporter 21484 - prometheus-node-exporter --web.listen-address=127.0.0.1:21484"
    echo "node_exporter,_our_collectors 21485 - prometheus-node-exporter --web.listen-address=127.0.0.1:21485" \
        "$(same_collectors | tr '\n' ' ')"
}

native() {
    plug_in
    floor_list "$work/list" "$(binary x86_64)" --once
    plan >"$work/plan"
    heading "x86_64, 8 interfaces" 200
    "$work/measure" -n 20 -b 9 "$work/plan" | rows
    if [ -n "${LONG:-}" ]; then
        plan | sed -n 3p >"$work/plan"
        heading "x86_64, 8 interfaces" 100,000
        "$work/measure" -n 10000 -b 9 "$work/plan" | rows
    fi
    echo
    echo "| system calls a scrape | |"
    echo "|---|---|"
    for line in 3 4 5; do
        # shellcheck disable=SC2046
        echo "| $(plan | sed -n "${line}s/ .*//;${line}s/_/ /gp") | $(system_calls $(plan |
            sed -n "${line}s/^[^-]* - //p" | sed 's/:2148[0-9]/:21480/')) |"
    done
}

case ${1:-table} in
table)
    needs gcc gcc strace strace bzip2 bzip2 prometheus-node-exporter prometheus-node-exporter
    "$root/scripts/build" mipsel x86_64
    compile floor
    compile measure
    sizes
    unshare --net --mount "$0" native
    "$0" emulated
    ;;
native | emulated | budget) "$1" ;;
update)
    figures >"$work/figures"
    cp "$work/figures" "$source/budget"
    cat "$source/budget"
    ;;
profile) profile "${2:-mipsel}" "${3:-rt-n14u}" ;;
*) die "unknown command: $1 (the head of this file tells them)" ;;
esac
