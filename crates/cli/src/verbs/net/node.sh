#!/bin/sh
# Starts this node: its application, then its engine. Ctrl-C or SIGTERM stops both, and so does the
# end of one of them. FUSEE and COMETBFT name the programs, by default those in the PATH.
cd "$(dirname "$0")" || exit 1
FUSEE=${FUSEE:-fusee}
COMETBFT=${COMETBFT:-cometbft}
app=
engine=

fail() {
    echo "$(basename "$PWD"): $1" >&2
    exit 1
}

# The engine first: it does not go on without its application.
stop() {
    trap '' INT TERM
    for process in $engine $app; do
        kill "$process" 2>/dev/null
        wait "$process"
    done
}

for program in "$FUSEE" "$COMETBFT"; do
    command -v "$program" >/dev/null || fail "there is no program $program: set FUSEE and COMETBFT"
done
trap stop EXIT
trap 'exit 0' INT TERM

rm -f abci.sock
"$FUSEE" node --config node.toml --data app >>app.log 2>&1 &
app=$!
until [ -S abci.sock ]; do
    kill -0 "$app" 2>/dev/null || fail "the application has ended: see $PWD/app.log"
    sleep 0.2
done
"$COMETBFT" node --home engine >>engine.log 2>&1 &
engine=$!
wait "$engine"
# Ctrl-C reaches the engine as well, and perhaps first.
sleep 1
fail "the engine has ended: see $PWD/engine.log and app.log"
