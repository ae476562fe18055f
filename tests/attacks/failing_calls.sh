#!/bin/sh
# The exporter while the kernel fails it: strace makes a system call fail a few times, and the
# exporter must answer after that as before, without having turned in circles. Needs strace:
#
#     tests/attacks/failing_calls.sh target/x86_64-unknown-linux-musl/release/router_exporter
set -eu

program=$1
port=${PORT:-19135}
directory=$(mktemp -d)
tracer=
end() {
    # shellcheck disable=SC2046 # the exporter, and perhaps a child of it
    [ -z "$tracer" ] || kill $(cat "/proc/$tracer/task/$tracer/children") 2>/dev/null || true
    [ -z "$tracer" ] || wait $tracer || true
    tracer=
}
trap 'end; rm -r "$directory"' EXIT

while read -r call error times; do
    strace -f -qq -o "$directory/calls" -e "trace=$call" "--inject=$call:error=$error:when=$times" \
        "$program" "--web.listen-address=:$port" 2>"$directory/log" &
    tracer=$!
    tries=0
    until "$program" --health "127.0.0.1:$port" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 50 ] || { echo "failing_calls.sh: $call $error: no answer" >&2 && cat "$directory/log" >&2 && exit 1; }
        sleep 0.1
    done
    "$program" --health "127.0.0.1:$port"
    end
    count=$(grep -c "$call(" "$directory/calls")
    [ "$count" -lt 200 ] || { echo "failing_calls.sh: $call $error: called $count times" >&2 && exit 1; }
    echo "failing_calls.sh: $call $error: well after $count calls"
done <<END
accept4 EMFILE 1..5
accept4 ENFILE 1..5
accept4 ENOMEM 1..5
accept4 ENOBUFS 1..5
accept4 ECONNABORTED 1..5
accept4 EINTR 1..5
accept4 EPERM 1..5
accept4 ENETDOWN 1..5
poll EINTR 1..5
poll ENOMEM 1..5
read EINTR 1..5
writev EINTR 1..5
socket EAFNOSUPPORT 1
bind EADDRNOTAVAIL 1
END
