#!/usr/bin/env bash
#
# Runs rustc so that the folder of the build makes no difference to a guest. Cargo calls it, by RUSTC_WRAPPER.
#
# Cargo hashes the absolute folder of a crate outside its workspace, here fusee-abi, into the metadata of that crate
# and of all that use it, and the order of constants in a program follows from those. The folder of core's sources
# is in the messages of its panics. What is the same everywhere takes the place of both.
set -euo pipefail

rustc=$1
shift
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
arguments=()
for argument in "$@"; do
    if [[ $argument == metadata=* && ${CARGO_MANIFEST_DIR-} == "$project"/* ]]; then
        argument=metadata=$CARGO_PKG_NAME
    fi
    arguments+=("$argument")
done
sources=$("$rustc" --print sysroot)/lib/rustlib/src/rust
exec "$rustc" "${arguments[@]}" "--remap-path-prefix=$sources=/rust"
