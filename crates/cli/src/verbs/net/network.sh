#!/bin/sh
# Starts all nodes of this folder. Ctrl-C or SIGTERM stops them, and waits for their end.
cd "$(dirname "$0")" || exit 1
nodes=

stop() {
    trap '' INT TERM
    for node in $nodes; do
        kill "$node" 2>/dev/null
    done
    wait
}

trap stop EXIT
trap 'exit 0' INT TERM
for folder in node*/; do
    "./${folder}start.sh" &
    nodes="$nodes $!"
done
echo "starting $(echo "$nodes" | wc -w) nodes; Ctrl-C stops them"
wait
