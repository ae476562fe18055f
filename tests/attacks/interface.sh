#!/bin/sh
# A router of network namespaces: who reaches an exporter that listens on an interface by its name,
# and whether that goes on after the interface was made anew. Needs root (or nothing, where user
# namespaces are open to all), ip and curl:
#
#     tests/attacks/interface.sh target/release/router_exporter
set -eu

if [ "${2:-}" != inside ]; then
    exec unshare --map-root-user --net "$0" "$1" inside
fi
program=$1
port=9100

fail() {
    echo "interface.sh: $*" >&2
    exit 1
}

# br0 and wan lead to the same neighbour, who has an address on both.
connect() {
    ip link add "$1" type veth peer name "peer-$1" netns "$neighbour"
    ip address add "$2.1/24" dev "$1"
    ip link set "$1" up
    nsenter --target "$neighbour" --net ip address add "$2.2/24" dev "peer-$1"
    nsenter --target "$neighbour" --net ip link set "peer-$1" up
}

asks() {
    nsenter --target "$neighbour" --net curl -sf --max-time 5 -o /dev/null "$@"
}

unshare --net sleep 60 &
neighbour=$!
log=$(mktemp)
trap 'kill $neighbour $exporter 2>/dev/null || true; rm "$log"' EXIT
exporter=
until [ "$(readlink /proc/$neighbour/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
ip link set lo up
connect br0 192.168.1
connect wan 203.0.113

"$program" --web.listen-address=br0:$port 2>"$log" &
exporter=$!
until "$program" --health 2>/dev/null; do
    kill -0 $exporter || fail "the exporter ended"
    sleep 0.1
done
asks http://192.168.1.1:$port/metrics || fail "the LAN is not served"
asks http://203.0.113.1:$port/metrics && fail "the WAN is served"
# The router's LAN address, asked for on the WAN's side.
nsenter --target "$neighbour" --net ip route replace 192.168.1.1/32 via 203.0.113.1
asks http://192.168.1.1:$port/metrics && fail "the WAN is served under the LAN's address"
nsenter --target "$neighbour" --net ip route del 192.168.1.1/32

ip link del br0
"$program" --health || fail "not well without the interface"
connect br0 192.168.99
tries=0
until asks http://192.168.99.1:$port/metrics; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || fail "the interface that came again is not served"
    sleep 0.1
done
# The interface by its name, once when it is listened on and once when it has come again.
said=$(sed 's/.* level=//' "$log")
[ "$said" = "INFO msg=\"Listening on\" address=br0:$port
INFO msg=\"Listening on the interface that has come again\" address=br0:$port" ] || fail "the log says: $said"
echo "interface.sh: well"
