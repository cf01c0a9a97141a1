//! Larger limits of programs, for languages that bring their runtime into each program.

use fusee_instrument::Limits;

/// Admits what Go 1.26 makes of a small contract: 1.4 MB of code, 2.2 MB in all, 26,000 segments of
/// data, and a third more work of compilation than version 1 admits. `docs/book/src/wasi.md` has
/// the measurements.
pub(super) const fn limits(limits: Limits) -> Limits {
    Limits {
        program_bytes: 4 << 20,
        code_bytes: 2 << 20,
        output_bytes: 12 << 20,
        data_segments: 65_536,
        program_work: 18_000_000,
        ..limits
    }
}
