#!/bin/sh
# Runs the functions of the including script whose names begin with case_, or
# those that are named on the command line; fails if one of them does.
if [ $# = 0 ]; then
    # shellcheck disable=SC2046
    set -- $(sed -n 's/^case_\([a-z_]*\)() {$/\1/p' "$0")
fi
failed=0
for name in "$@"; do
    setup
    # A subshell of its own, with -e on: not in a condition.
    set +e
    (
        set -e
        "case_$name"
    )
    outcome=$?
    set -e
    if [ "$outcome" = 0 ]; then echo "ok $name"; else
        echo "FAILED $name"
        failed=$((failed + 1))
    fi
    teardown
done
[ "$failed" = 0 ]
