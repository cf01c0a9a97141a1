#!/usr/bin/env bash
#
# Builds every guest into wasm/ and, those for PolkaVM, polkavm/. With --check, builds into a
# temporary directory instead, and fails if a file there is not byte for byte the one that is kept.
#
# Other versions of the compilers make other bytes, so each is pinned; what has no toolchain is skipped,
# and said so. To move to another version, set RUST_VERSION or the like, build, and pin it here.
set -euo pipefail
shopt -s nullglob

RUST_VERSION=${RUST_VERSION:-1.96.0}
CLANG_VERSION=${CLANG_VERSION:-19.1.7}
CLANG_MAJOR=${CLANG_VERSION%%.*}
ASSEMBLYSCRIPT_VERSION=${ASSEMBLYSCRIPT_VERSION:-0.28.20}
ZIG_VERSION=${ZIG_VERSION:-0.17.0}

guests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
skipped=()

main() {
    case ${1-} in
        '') out=$guests/wasm polkavm_out=$guests/polkavm ;;
        --check) out=$(mktemp -d) polkavm_out=$out && trap 'rm -rf "$out"' EXIT ;;
        *) echo "usage: build.sh [--check]" >&2 && exit 2 ;;
    esac

    build_tools
    build_rust
    build_examples
    build_c
    build_assemblyscript
    build_zig
    build_polkavm_c
    build_polkavm_rust
    "$tools/hostile" "$polkavm_out"
    build_wat
    build_generated
    check_plain_guests
    [ "$out" = "$guests/wasm" ] || compare
    for skip in ${skipped[@]+"${skipped[@]}"}; do
        echo "skipped: $skip"
    done
}

# The assembler and the checker, for the machine that builds.
build_tools() {
    (cd "$guests" && cargo build --quiet --locked --package guest-tools)
    tools=${CARGO_TARGET_DIR:-$guests/target}/debug
}

# Contracts and system programs. They bring their own core, built from the compiler's sources: a precompiled one may
# be missing, and differs between distributors. A stack of 60 KiB leaves room for the constants, so a
# guest starts with one page of memory.
build_rust() {
    local rustc
    if ! rustc=$(find_rustc) || ! command -v "wasm-ld-$CLANG_MAJOR" >/dev/null; then
        skipped+=("token caller playground relay verifier script: need rustc $RUST_VERSION with its sources, and wasm-ld-$CLANG_MAJOR
  apt-get install lld-$CLANG_MAJOR rustc-web rust-web-src
  or, for the compiler: rustup toolchain install $RUST_VERSION --component rust-src")
        return
    fi

    local target=${CARGO_TARGET_DIR:-$guests/target}/guests
    (
        cd "$guests"
        unset CARGO_ENCODED_RUSTFLAGS
        export RUSTC=$rustc RUSTC_WRAPPER=$guests/rustc.sh RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target
        export CARGO_TARGET_WASM32V1_NONE_LINKER=wasm-ld-$CLANG_MAJOR
        export RUSTFLAGS="-Clink-arg=-zstack-size=61440 -Clink-arg=--compress-relocations"
        cargo build --quiet --locked --release --target wasm32v1-none -Zbuild-std=core \
            --package token --package caller --package playground --package relay --package verifier --package script
    )
    # By itself, since its messages are a feature of a crate that all share.
    (
        cd "$guests"
        unset CARGO_ENCODED_RUSTFLAGS
        export RUSTC=$rustc RUSTC_WRAPPER=$guests/rustc.sh RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target
        export CARGO_TARGET_WASM32V1_NONE_LINKER=wasm-ld-$CLANG_MAJOR
        export RUSTFLAGS="-Clink-arg=-zstack-size=61440 -Clink-arg=--compress-relocations"
        cargo build --quiet --locked --release --target wasm32v1-none -Zbuild-std=core --package panics
    )
    cp "$target/wasm32v1-none/release/"{token,caller,playground,relay,verifier,script,panics}.wasm "$out"
    chmod -x "$out/"{token,caller,playground,relay,verifier,script,panics}.wasm
    "$tools/names" "$out/"{token,caller,playground,relay,verifier,script,panics}.wasm
}

# Examples of the SDK, for the command: its demo and `net init` run where no contract can be built.
# They are packages of the workspace above, and built as `fusee build` does, but by the pinned
# compiler and with a core of their own. One by one, since the token is a library without methods
# where the exchange is built with it.
build_examples() {
    local rustc example
    if ! rustc=$(find_rustc) || ! command -v "wasm-ld-$CLANG_MAJOR" >/dev/null; then
        skipped+=("example_*: need rustc $RUST_VERSION with its sources, and wasm-ld-$CLANG_MAJOR, as above")
        return
    fi

    local target=${CARGO_TARGET_DIR:-$guests/target}/guests
    for example in token exchange scripts validators; do
        (
            cd "$guests/.."
            unset CARGO_ENCODED_RUSTFLAGS
            export RUSTC=$rustc RUSTC_WRAPPER=$guests/rustc.sh RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target
            export CARGO_TARGET_WASM32V1_NONE_LINKER=wasm-ld-$CLANG_MAJOR
            export RUSTFLAGS="-Clink-arg=-zstack-size=61440 -Clink-arg=--compress-relocations"
            cargo rustc --quiet --locked --profile contract --lib --crate-type cdylib --target wasm32v1-none \
                -Zbuild-std=core,alloc --package "example-$example"
        )
        "$tools/contract" "$target/wasm32v1-none/contract/$example.wasm" "$out/example_$example.wasm"
    done
}

# The first rustc of the pinned version that has the sources of core beside it.
find_rustc() {
    local rustc
    for rustc in rustc /usr/bin/rustc "$(rustup which --toolchain "$RUST_VERSION" rustc 2>/dev/null)"; do
        if [[ $("$rustc" --version 2>/dev/null) == "rustc $RUST_VERSION "* ]] &&
            [ -e "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ]; then
            command -v "$rustc"
            return
        fi
    done
    return 1
}

build_c() {
    local clang=clang-$CLANG_MAJOR source
    if [[ $("$clang" --version 2>/dev/null) != *"version $CLANG_VERSION "* ]] ||
        ! command -v "wasm-ld-$CLANG_MAJOR" >/dev/null; then
        skipped+=("kernel_* asks c_*: need $clang $CLANG_VERSION and its linker
  apt-get install $clang lld-$CLANG_MAJOR")
        return
    fi

    for source in "$guests"/kernels/*.c; do
        build_c_guest "kernel_$(basename "$source" .c)" "$source" -O2
    done
    build_c_guest asks "$guests/polkavm/asks.c" -O2 --export=ask -z stack-size=4096
    # Contracts. Their methods are exported by attributes, in c/fusee.h.
    for source in "$guests"/c/*.c; do
        build_c_guest "c_$(basename "$source" .c)" "$source" -Os -z stack-size=4096
    done
}

# build_c_guest NAME SOURCE OPTIMISATION LINKER_OPTION..
#
# The compiler does not start the linker: it would then run wasm-opt as well, where it finds one, and the bytes would
# differ. Its option --no-wasm-opt leaves out the linker, too.
build_c_guest() {
    local object
    object=$(mktemp)
    "clang-$CLANG_MAJOR" --target=wasm32 -mcpu=mvp "$3" -std=c17 -Wall -Wextra -Werror -ffreestanding -fno-builtin \
        -c -o "$object" "$2"
    "wasm-ld-$CLANG_MAJOR" --no-entry --strip-debug --compress-relocations "${@:4}" -o "$out/$1.wasm" "$object"
    rm "$object"
    "$tools/names" "$out/$1.wasm"
}

# Without a runtime, which would bring an allocator and a collector, and for WebAssembly 1.0.
build_assemblyscript() {
    if [[ $(asc --version 2>/dev/null) != "Version $ASSEMBLYSCRIPT_VERSION" ]]; then
        skipped+=("assemblyscript_*: need asc $ASSEMBLYSCRIPT_VERSION in the PATH
  npm install --global assemblyscript@$ASSEMBLYSCRIPT_VERSION")
        return
    fi

    local source
    for source in "$guests"/assemblyscript/*.ts; do
        [ "$(basename "$source")" != fusee.ts ] || continue
        (cd "$guests/assemblyscript" && asc "$(basename "$source")" --optimizeLevel 3 --shrinkLevel 2 --converge \
            --runtime stub --use abort= --disable bulk-memory -o "$out/assemblyscript_$(basename "$source" .ts).wasm")
    done
}

build_zig() {
    local zig=() source
    if [[ $(python3 -m ziglang version 2>/dev/null) == "$ZIG_VERSION" ]]; then
        zig=(python3 -m ziglang)
    elif [[ $(zig version 2>/dev/null) == "$ZIG_VERSION" ]]; then
        zig=(zig)
    else
        skipped+=("zig_*: need Zig $ZIG_VERSION
  pip install ziglang==$ZIG_VERSION")
        return
    fi

    for source in "$guests"/zig/*.zig; do
        [ "$(basename "$source")" != fusee.zig ] || continue
        "${zig[@]}" build-exe "$source" -target wasm32-freestanding -mcpu=mvp -O ReleaseSmall -fstrip -fno-entry \
            -rdynamic --stack 4096 -femit-bin="$out/zig_$(basename "$source" .zig).wasm"
        chmod -x "$out/zig_$(basename "$source" .zig).wasm"
    done
}

# Programs for PolkaVM: position-independent RISC-V with all its relocations, of which the linker makes a program.
build_polkavm_c() {
    local clang=clang-$CLANG_MAJOR source object
    if [[ $("$clang" --version 2>/dev/null) != *"version $CLANG_VERSION "* ]] ||
        ! command -v "ld.lld-$CLANG_MAJOR" >/dev/null; then
        skipped+=("polkavm/*.c c/*.c: need $clang $CLANG_VERSION and its linker
  apt-get install $clang lld-$CLANG_MAJOR")
        return
    fi

    object=$(mktemp)
    for source in "$guests"/polkavm/*.c; do
        "$clang" --target=riscv64-unknown-none-elf -march=rv64emac_zbb_xtheadcondmov -mabi=lp64e -mcmodel=medany \
            -O2 -std=c17 -Wall -Wextra -Werror -fPIE -ffreestanding -fno-builtin -c -o "$object" "$source"
        link_polkavm "$(basename "$source" .c)" 16384 "$object"
    done
    for source in "$guests"/c/*.c; do
        "$clang" --target=riscv64-unknown-none-elf -march=rv64emac_zbb_xtheadcondmov -mabi=lp64e -mcmodel=medany \
            -Os -std=c17 -Wall -Wextra -Werror -fPIE -ffreestanding -fno-builtin -c -o "$object" "$source"
        link_polkavm "c_$(basename "$source" .c)" 16384 "$object"
    done
    rm "$object"
}

# Contracts, of the same sources as those in wasm. Each becomes an archive, since this compiler cannot have this target's libraries
# linked; what none of a contract's methods reaches is left out in the end.
build_polkavm_rust() {
    local rustc
    if ! rustc=$(find_rustc) || ! command -v "ld.lld-$CLANG_MAJOR" >/dev/null; then
        skipped+=("polkavm/{token,caller,playground,relay}: need rustc $RUST_VERSION with its sources, and ld.lld-$CLANG_MAJOR
  apt-get install lld-$CLANG_MAJOR rustc-web rust-web-src")
        return
    fi

    local target=${CARGO_TARGET_DIR:-$guests/target}/guests triple=riscv64emac-unknown-none-polkavm contract stack
    mkdir -p "$target"
    "$tools/target" >"$target/$triple.json"
    # A name, and bytes of stack.
    while read -r contract stack; do
        (
            cd "$guests"
            unset CARGO_ENCODED_RUSTFLAGS RUSTFLAGS
            export RUSTC=$rustc RUSTC_WRAPPER=$guests/rustc.sh RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$target
            cargo rustc --quiet --locked --release --target "$target/$triple.json" -Zbuild-std=core -Zjson-target-spec \
                --package "$contract" --crate-type staticlib </dev/null
        )
        link_polkavm "$contract" "$stack" --whole-archive "$target/$triple/release/lib$contract.a"
    done <<END
token 16384
caller 65536
playground 65536
relay 16384
END
}

# link_polkavm NAME STACK_BYTES INPUT..
link_polkavm() {
    local elf
    elf=$(mktemp)
    "ld.lld-$CLANG_MAJOR" --emit-relocs --unique -Bsymbolic --no-relax --apply-dynamic-relocs -z notext --entry=0 \
        -o "$elf" "${@:3}"
    "$tools/link" "$elf" "$polkavm_out/$1.polkavm" "$2"
    rm "$elf"
}

build_wat() {
    local source
    for source in "$guests"/wat/*.wat; do
        "$tools/assemble" "$source" "$out/$(basename "$source" .wat).wasm"
    done
    for source in "$guests"/hostile/*.wat; do
        "$tools/assemble" "$source" "$out/hostile_$(basename "$source" .wat).wasm"
    done
}

# Hostile guests whose text is long and says little.
build_generated() {
    # A jump with 200,000 targets, four labels by turns.
    generate giant_br_table <<END
        (func (export "run")
          (block (block (block (block (br_table $(repeat 50000 '0 1 2 3 ') 0 (i32.const 77777)))))))
END
    # Blocks in blocks, 10,000 deep.
    generate deep_nesting <<END
        (func (export "run") $(repeat 10000 'block ') $(repeat 10000 'end '))
END
    # A few bytes that ask for 480 kB of stack: more locals than engines take, and as many as they do.
    generate many_locals <<END
        (func (export "run") (local $(repeat 60000 'i64 '))
          (local.set 59999 (i64.add (local.get 0) (i64.const 1))))
END
    generate most_locals <<END
        (func (export "run") (local $(repeat 50000 'i64 '))
          (local.set 49999 (i64.add (local.get 0) (i64.const 1))))
END
    # Neither loop nor recursion: 2^40 calls, since each of forty functions calls the next one twice.
    generate exponential_calls <<END
        (func (export "run") (call \$level1))
        $(for level in {1..40}; do
            echo "(func \$level$level (call \$level$((level + 1))) (call \$level$((level + 1))))"
        done)
        (func \$level41)
END
}

# A hostile guest of that name, with the functions on standard input.
generate() {
    local text
    text=$(mktemp)
    { echo '(module (memory (export "memory") 1) (func (export "deploy"))' && cat && echo ')'; } >"$text"
    "$tools/assemble" "$text" "$out/hostile_$1.wasm"
    rm "$text"
}

# repeat N TEXT
repeat() {
    printf '%*s' "$1" '' | sed "s/ /$2/g"
}

check_plain_guests() {
    local plain=()
    for name in asks token caller playground relay verifier script counter arith kernel_ puppet visits endless c_ \
        example_ assemblyscript_ zig_; do
        plain+=("$out/$name"*.wasm)
    done
    "$tools/check" "${plain[@]}"
}

# Compares what was built with wasm/, both ways: a file that no source makes fails, too, unless
# something was skipped.
compare() {
    local built committed failed=
    for built in "$out"/*.wasm "$out"/*.polkavm; do
        committed=${built##*.}/$(basename "$built")
        if ! cmp --silent "$built" "$guests/$committed"; then
            echo "differs from its source: $committed"
            failed=yes
        fi
    done
    if [ ${#skipped[@]} -eq 0 ]; then
        for committed in "$guests"/wasm/*.wasm "$guests"/polkavm/*.polkavm; do
            if [ ! -e "$out/$(basename "$committed")" ]; then
                echo "has no source: ${committed#"$guests"/}"
                failed=yes
            fi
        done
    fi
    [ -z "$failed" ] || exit 1
    echo "as built: $(find "$out" -name '*.wasm' -o -name '*.polkavm' | wc -l) files"
}

main "$@"
