#!/bin/sh
# What the exporter weighs and what a scrape costs, beside node_exporter and the floor.
#
#     scripts/bench.sh             the table: sizes, this machine, an emulated router
#     scripts/bench.sh growth      with ever more interfaces, processors, mounts, connections
#     scripts/bench.sh budget      fails where a file or a scrape has grown by more than 2 %, the memory by 10 %
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

# of_board BOARD: the options that have it served.
of_board() {
    echo "--web.listen-address=127.0.0.1:21480 --path.procfs=tests/routers/$1/proc" \
        "--path.sysfs=tests/routers/$1/sys --path.rootfs=tests/routers/$1/root"
}

# count TARGET BINARY BOARD [OPTION...]: what a scrape of a board takes, as measure prints it.
count() {
    needs gcc gcc qemu-mipsel qemu-user qemu-x86_64 qemu-user
    compile measure
    [ "$work/count.so" -nt "$source/count.c" ] || gcc -O2 -shared -fPIC -o "$work/count.so" "$source/count.c"
    emulator=qemu-$1
    [ "$1" != mipsel ] || emulator="$emulator -cpu 24KEc"
    echo "$1 21480 $work/counts $emulator -plugin $work/count.so,counts=$work/counts $2 $(of_board "$3")" >"$work/plan"
    shift 3
    (cd "$root" && "$work/measure" -n 10 -b 3 "$@" "$work/plan")
}

# resident BINARY BOARD: the kilobytes that are in memory after some scrapes, of this machine's kernel.
resident() {
    echo "resident 21480 - $1 $(of_board "$2")" >"$work/plan"
    (cd "$root" && "$work/measure" -b 1 "$work/plan") | figure kb
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
    [ "$(uname -m)" = x86_64 ] || return 0
    for board in rt-n14u openwrt; do
        echo "resident_kb.x86_64.$board $(resident "$(binary x86_64)" $board)"
    done
}

budget() {
    figures >"$work/figures"
    awk '
        NR == FNR { budget[$1] = $2; next }
        !($1 in budget) { printf "%-30s %9.0f, without a budget\n", $1, $2; grown = 1; next }
        {
            change = 100 * ($2 / budget[$1] - 1)
            # The kernel maps more or less of a file, as it has it at hand.
            allowed = $1 ~ /^resident/ ? 10 : 2
            verdict = ""
            if (change < -allowed) verdict = ", less: scripts/bench.sh update keeps it so"
            if (change > allowed) { verdict = ", too much"; grown = 1 }
            printf "%-30s %9.0f, budget %9.0f: %+.1f %%%s\n", $1, $2, budget[$1], change, verdict
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
            if ($1 == start && name ~ /(__rust_realloc|GlobalAlloc>::alloc)$/) allocations += $4
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

# rows MACHINE SCRAPES COST NANOSECONDS: measure's lines as a table; COST is what a scrape's processor
# time is told as, in units of NANOSECONDS.
rows() {
    echo
    echo "| $1 | start to first answer, ms | resident at rest, kB | after $2 scrapes | virtual, kB | threads" \
        "| open files | $3 a scrape | over the floor | page, bytes |"
    echo "|---|---|---|---|---|---|---|---|---|---|"
    awk -v unit="$4" '/=/ {
        for (i = 2; i <= NF; i++) { split($i, pair, "="); is[pair[1]] = pair[2] }
        gsub(";", " ", $1)
        if (NR == 1) floor = $1 ~ /^the/
        printf "| %s | %.0f | %d | %d | %d | %d | %d | %.0f | %s | %d |\n", $1, is["start_ms"], is["rest_kb"],
            is["kb"], is["virtual_kb"], is["threads"], is["fds"], is["cpu_ns"] / unit,
            floor ? sprintf("%.2f", is["ratio"]) : "", is["bytes"]
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

# plan BINARIES LIST: the programs that take turns.
plan() {
    echo "the;floor 21481 - $1/floor 21481 $2"
    echo "the;floor,;files;kept;open 21482 - $1/floor -k 21482 $2"
    echo "router_exporter 21483 - $1/router_exporter --web.listen-address=127.0.0.1:21483"
    echo "node_exporter 21484 - $1/prometheus-node-exporter --web.listen-address=127.0.0.1:21484"
    echo "node_exporter,;our;collectors 21485 - $1/prometheus-node-exporter --web.listen-address=127.0.0.1:21485" \
        "$(same_collectors | tr '\n' ' ')"
}

native() {
    plug_in
    ln -sf "$(binary x86_64)" "$(command -v prometheus-node-exporter)" "$work/"
    floor_list "$work/list" "$work/router_exporter" --once
    plan "$work" "$work/list" >"$work/plan"
    "$work/measure" -n 20 -b 9 "$work/plan" | rows "x86_64, 8 interfaces" 200 "CPU, µs" 1000
    echo
    echo "| system calls a scrape | |"
    echo "|---|---|"
    for line in 3 4 5; do
        # shellcheck disable=SC2046 # a command line
        set -- $(plan "$work" "$work/list" | sed -n "${line}s/2148[0-9]/21480/gp")
        name=$1
        shift 3
        echo "| $name | $(system_calls "$@") |" | tr ';' ' '
    done
    if [ -n "${LONG:-}" ]; then
        plan "$work" "$work/list" | sed -n 3p >"$work/plan"
        "$work/measure" -n 10000 -b 9 "$work/plan" | rows "x86_64, 8 interfaces" 100,000 "CPU, µs" 1000
    fi
}

# On a 24KEc with 64 MB where 2 ns pass with each instruction, of the kernel too, so that the
# processor time is a count of them.
emulated() {
    needs qemu-system-mipsel qemu-system-mips cpio cpio
    image=$target/router
    "$root/tests/router/image.sh"
    for package in prometheus-node-exporter busybox-static; do
        [ ! -e "$image/packages/usr/share/doc/$package" ] || continue
        (cd "$image/apt" && APT_CONFIG=$image/apt/apt.conf apt-get -q download "$package" &&
            dpkg-deb -x "$package"_*.deb "$image/packages") >&2
    done
    zig=$(find "$target"/ziglang==*/ziglang/zig 2>/dev/null | head -n 1)
    guest=$work/guest
    rm -rf "$guest"
    mkdir -p "$guest/bin"
    for tool in floor measure; do
        "${ZIG:-$zig}" cc -target mipsel-linux-musleabi -mcpu=mips32r2+soft_float -O2 -static -s \
            -o "$guest/bin/$tool" "$source/$tool.c"
    done
    cp "$source/guest" "$guest/init"
    cp "$image/packages/modules/dummy.ko" "$guest/"
    cp "$image/packages/bin/busybox" "$image/packages/usr/bin/prometheus-node-exporter" "$(binary mipsel)" "$guest/bin/"
    ln -s busybox "$guest/bin/sh"
    mkdir "$guest/lib" # node_exporter is dynamic
    for library in ld.so.1 libc.so.6; do
        cp -L "$(find "$image/packages" -name $library -path '*mipsel*' | head -n 1)" "$guest/lib/"
    done
    { cat "$work/list" && echo "space /tmp"; } >"$guest/list"
    plan /bin /list >"$work/plan"
    sed -n 1,3p "$work/plan" >"$guest/plan.small"
    sed -n '1p; 4,5p' "$work/plan" >"$guest/plan.large"
    sed -n 3p "$work/plan" >"$guest/plan.long"
    # The virtual clock goes by instructions, so that they can be told from it.
    in_guest "-n 20 -b 3 /plan.small" -icount shift=1
    rows "24KEc, 8 interfaces" 80 "thousand instructions" 2000 <"$work/rows"
    in_guest "-n 5 -b 3 /plan.large" -icount shift=1
    rows "24KEc, 8 interfaces" 20 "thousand instructions" 2000 <"$work/rows"
    if [ -n "${LONG:-}" ]; then
        in_guest "-n 10000 -b 9 /plan.long"
        rows "24KEc, 8 interfaces" 100,000 "CPU, µs" 1000 <"$work/rows"
    fi
}

# in_guest "OPTION..." [OPTION...]: has the emulated router measure with the first ones, under QEMU with
# the others.
in_guest() {
    echo "$1" >"$guest/options"
    shift
    (cd "$guest" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$work/guest.gz"
    timeout 3000 qemu-system-mipsel -M malta -cpu 24KEc -m 64 -nodefaults -display none -vga none -monitor none \
        -nic none -no-reboot "$@" -rtc base=2026-01-01,clock=vm -kernel "$image/kernel" \
        -initrd "$work/guest.gz" -serial "file:$work/console" \
        -append "console=ttyS0 rdinit=/init nokaslr init_on_alloc=0 lsm= audit=0 psi=0"
    grep start_ms= "$work/console" >"$work/rows"
}

# compare WHAT SIZE [OPTION...]: a row of the table of growth.
compare() {
    what=$1 size=$2
    shift 2
    {
        echo "ours 21483 - $work/router_exporter --web.listen-address=127.0.0.1:21483 $*"
        echo "theirs 21484 - prometheus-node-exporter --web.listen-address=127.0.0.1:21484 $*"
    } >"$work/plan"
    "$work/measure" -n 5 -b 5 "$work/plan" | awk -v what="$what" -v size="$size" '
        { for (i = 2; i <= NF; i++) { split($i, pair, "="); is[$1, pair[1]] = pair[2] } }
        END {
            printf "| %s | %s | %.2f | %.2f | %d | %d |\n", what, size, is["ours", "cpu_ns"] / 1e6,
                is["theirs", "cpu_ns"] / 1e6, is["ours", "kb"], is["theirs", "kb"]
        }'
}

grow_interfaces() {
    mount -t sysfs sys /sys
    ip link set lo up
    seq 2 "$1" | sed 's/.*/link add port& type bridge/' | ip -batch -
    compare interfaces "$1"
}

grow_mounts() {
    ip link set lo up
    mount -t tmpfs mounts /mnt
    for number in $(seq "$1"); do
        mkdir "/mnt/$number"
        mount -t tmpfs "mount$number" "/mnt/$number"
    done
    compare mounts "$1"
}

# A board that is the same but for its processors.
grow_processors() {
    ip link set lo up
    rm -rf "$work/board"
    cp -r "$root/tests/routers/rt-n14u" "$work/board"
    proc=$work/board/proc
    {
        grep '^cpu ' "$proc/stat"
        seq 0 $(($1 - 1)) | sed 's/.*/cpu& 4321 12 8765 987654 321 10 654 0 0 0/'
        grep -v '^cpu' "$proc/stat"
    } >"$work/stat"
    mv "$work/stat" "$proc/stat"
    first=$(head -n 1 "$proc/net/softnet_stat")
    seq "$1" | sed "s/.*/$first/" >"$proc/net/softnet_stat"
    compare processors "$1" "--path.procfs=$proc" "--path.sysfs=$work/board/sys" "--path.rootfs=$work/board/root"
}

# Idle connections over loopback, by python; a process for each thousand.
grow_connections() {
    ip link set lo up
    : >"$work/connected"
    left=$1
    while [ "$left" -gt 0 ]; do
        python3 -c '
import socket, sys, time
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
kept = []
for _ in range(int(sys.argv[1])):
    kept += [socket.create_connection(listener.getsockname()), listener.accept()]
print(flush=True)
time.sleep(600)' "$((left < 1000 ? left : 1000))" >>"$work/connected" &
        pids="${pids:-} $!"
        left=$((left - 1000))
    done
    until [ "$(wc -l <"$work/connected")" -ge $((($1 + 999) / 1000)) ]; do sleep 0.1; done
    compare "connections" "$1"
    compare "connections, with \`--collector.tcpstat\`" "$1" --collector.tcpstat
    # shellcheck disable=SC2086 # a list of numbers
    kill $pids
}

growth() {
    ln -sf "$(binary x86_64)" "$work/"
    echo "| | | router_exporter, ms a scrape | node_exporter | router_exporter, resident kB | node_exporter |"
    echo "|---|---|---|---|---|---|"
    while read -r what counts; do
        for count in $counts; do
            # A process namespace too, since the mounts told are those of process 1.
            unshare --net --mount --pid --fork --mount-proc "$0" "grow_$what" "$count"
        done
    done <<SIZES
interfaces 1 8 64 256
processors 1 4 16 64
mounts 1 50 500
connections 10 1000 10000
SIZES
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
growth)
    needs gcc gcc python3 python3 prometheus-node-exporter prometheus-node-exporter
    "$root/scripts/build" x86_64
    compile measure
    growth
    ;;
native | emulated) "$1" ;;
grow_*) "$1" "$2" ;;
budget)
    "$root/scripts/build" mipsel x86_64
    budget
    ;;
update)
    "$root/scripts/build" mipsel x86_64
    figures >"$work/figures"
    cp "$work/figures" "$source/budget"
    cat "$source/budget"
    ;;
profile) profile "${2:-mipsel}" "${3:-rt-n14u}" ;;
*) die "unknown command: $1 (the head of this file tells them)" ;;
esac
