#!/bin/sh
# Pushes a page from a router that cannot be scraped, as one behind its provider's NAT.
#
#     router_exporter --once --web.disable-exporter-metrics | push.sh URL [SECONDS]
#
# URL is where VictoriaMetrics, or whoever else takes Prometheus' text format in a POST, imports it;
# README.md beside this file has one, and what this costs. It takes a busybox with nc or wget, and writes
# to RAM alone. After SECONDS, 45 if not given, it gives up, so that cron's next one does not meet it.
# It prints a line and ends with 1 if the page did not arrive.
set -u

url=${1:?usage: router_exporter --once | push.sh URL [SECONDS]}
patience=${2:-45}

page=$(mktemp "${TMPDIR:-/tmp}/push.XXXXXX") || exit 1
trap 'rm -f "$page" "$page".*' EXIT

# nc sends the page packed to a seventh. The wget of a busybox cannot post what has a NUL in it, as
# that has, but knows https and user:password@.
by=wget
case $url in
http://*@*) ;;
http://*) ! command -v nc >/dev/null || by=nc ;;
esac

coding=identity
if [ $by = nc ] && command -v gzip >/dev/null; then
    coding=gzip
    gzip >"$page"
else
    cat >"$page"
fi
# No page is as small as this, packed or not.
if [ "$(wc -c <"$page")" -lt 100 ]; then
    echo "push: there is no page to push" >&2
    exit 1
fi

# The program takes the shell's place, so that it is what is ended if it hangs.
if [ $by = nc ]; then
    rest=${url#http://}
    host=${rest%%/*}
    port=${host##*:}
    [ "$port" != "$host" ] || port=80
    {
        printf 'POST /%s HTTP/1.0\r\nHost: %s\r\n' "${rest#*/}" "$host"
        printf 'Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n' "$coding" "$(wc -c <"$page")"
        cat "$page"
    } >"$page.request"
    exec nc "${host%:*}" "$port" <"$page.request" >"$page.answer" 2>"$page.error" &
else
    exec wget -O /dev/null --post-file "$page" "$url" 2>"$page.error" &
fi
sender=$!

while kill -0 $sender 2>/dev/null; do
    if [ "$patience" -le 0 ]; then
        kill $sender
        echo "push: $url does not answer" >&2
        exit 1
    fi
    patience=$((patience - 1))
    sleep 1
done
wait $sender
ended=$?
if [ $by = nc ]; then
    read -r answer <"$page.answer" || answer=
    case $answer in
    HTTP/1.?\ 2*) ended=0 ;;
    *) ended=1 ;;
    esac
    [ -z "$answer" ] || echo "$answer" >"$page.error"
fi
if [ $ended -ne 0 ]; then
    reason=$(grep . "$page.error" | tail -n 1)
    echo "push: $url: ${reason:-no answer}" >&2
    exit 1
fi
