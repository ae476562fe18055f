#!/bin/sh
# The exporter on a kernel that has no system call younger than Linux 3.4: strace answers ENOSYS in
# the kernel's place. Needs strace and a static binary of this machine's own kind:
#
#     tests/attacks/old_kernel.sh target/x86_64-unknown-linux-musl/release/router_exporter
set -eu

program=$1
port=${PORT:-19134}
# From 3.5 on, as strace names them; one that this strace or processor does not know is left out.
young="bpf clone3 close_range copy_file_range epoll_pwait2 execveat faccessat2 fchmodat2 finit_module
futex_waitv getrandom io_uring_setup kcmp landlock_create_ruleset membarrier memfd_create mlock2
openat2 pidfd_getfd pidfd_open pidfd_send_signal pkey_mprotect preadv2 pwritev2 renameat2 rseq
sched_getattr sched_setattr seccomp statx userfaultfd"

known=
for call in $young; do
    if strace -qq -e "trace=$call" -o /dev/null true 2>/dev/null; then
        known=$known,$call
    fi
done
[ -n "$known" ] || { echo "old_kernel.sh: strace does not work here" >&2; exit 1; }

directory=$(mktemp -d)
tracer=
# strace ends with the exporter, and not the other way round.
end() {
    # shellcheck disable=SC2046 # the exporter, and perhaps a child of it
    [ -z "$tracer" ] || kill $(cat "/proc/$tracer/task/$tracer/children") 2>/dev/null || true
    rm -r "$directory"
}
trap end EXIT
umask 077
echo "user:password" >"$directory/secret"
mkdir "$directory/textfile"
echo "old_kernel_textfile 1" >"$directory/textfile/test.prom"

old() {
    exec strace -f -qq -o "$directory/calls" -e "trace=${known#,}" "--inject=${known#,}:error=ENOSYS" "$program" \
        "--collector.textfile.directory=$directory/textfile" "$@"
}
names() { sed -n 's/^# TYPE //p' "$1"; }

(old --once) >"$directory/old" 2>"$directory/log"
"$program" --once "--collector.textfile.directory=$directory/textfile" >"$directory/new"
names "$directory/old" >"$directory/old.names"
names "$directory/new" >"$directory/new.names"
diff "$directory/new.names" "$directory/old.names"
grep -q '^old_kernel_textfile 1' "$directory/old"
[ ! -s "$directory/log" ] || { cat "$directory/log" >&2; exit 1; }
echo "old_kernel.sh: tried and done without: $(sed -n 's/^[0-9 ]*\([a-z0-9_]*\)(.*/\1/p' "$directory/calls" | sort | uniq -c | tr -s ' \n' ' ')"

# The server, with what is done once at its start.
set -- "--web.listen-address=127.0.0.1:$port" "--web.basic-auth-file=$directory/secret"
[ "$(id -u)" != 0 ] || set -- "$@" --user=65534
chmod 755 "$directory" "$directory/textfile" && chmod 644 "$directory/textfile/test.prom"
old "$@" 2>"$directory/log" &
tracer=$!
tries=0
until "$program" --health "127.0.0.1:$port" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { cat "$directory/log" >&2; exit 1; }
    sleep 0.1
done
(old --health "127.0.0.1:$port")
curl -sf --max-time 10 -u user:password "http://127.0.0.1:$port/metrics" >"$directory/served"
grep -q '^old_kernel_textfile 1' "$directory/served"
grep -q '^process_open_fds ' "$directory/served"
echo "old_kernel.sh: well"
