# What the commands of a page run in: a failed one ends the page, with its line and its text.
unset BASH_ENV
set -eEuo pipefail
why=
trap 'printf "%s\t%s\n" "$LINENO" "${why:-$BASH_COMMAND}" >"$BOOK_FAILED"' ERR

served=()
trap 'for group in "${served[@]}"; do kill -- "-$group" 2>/dev/null || true; done; wait' EXIT

# Whether nothing listens at a port of this machine.
is_free() {
    ! accepts "$1" || { why="a service at port $1, where something else listens" && return 1; }
}

# Waits until what was just started accepts connections.
await() {
    served+=("$2")
    local _
    for _ in {1..600}; do
        ! accepts "$1" || return 0
        kill -0 "$2" 2>/dev/null || { why="a service at port $1, which has ended" && return 1; }
        sleep 0.1
    done
    why="a service at port $1, where nothing listens"
    return 1
}

accepts() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Packages of the work tree are built at its root, those of a page where they are.
cargo() {
    if [ -e Cargo.toml ]; then command cargo "$@"; else (cd "$BOOK_ROOT" && command cargo "$@"); fi
}
