//! A contract with the standard library and wasi-libc: a hash map, a clock, a sleep, formatting of
//! floating-point numbers, and what there is not: arguments, variables, files.
//!
//!     rustc --target wasm32-wasip1 --crate-type cdylib -O -Cpanic=abort std.rs

use std::{collections::HashMap, env, fs, process, thread, time::Duration, time::SystemTime};

#[link(wasm_import_module = "fusee")]
unsafe extern "C" {
    fn output_write(source: *const u8, length: usize);
}

#[unsafe(no_mangle)]
extern "C" fn empty() {}

#[unsafe(no_mangle)]
extern "C" fn report() {
    let squares: HashMap<u64, u64> = (0..10).map(|n| (n, n * n)).collect();
    let since = |from: SystemTime| SystemTime::now().duration_since(from).unwrap();
    let before = SystemTime::now();
    thread::sleep(Duration::from_millis(5));
    let text = format!(
        "{} {} {:?} {:?} {} {} {} {}",
        squares.len(),
        squares[&9],
        before.duration_since(SystemTime::UNIX_EPOCH).unwrap(),
        since(before),
        env::args().count(),
        env::vars().count(),
        fs::read("/etc/passwd").is_err(),
        2.0_f64.sqrt(),
    );
    println!("reported {text}");
    // SAFETY: the region is that of a live string, which the host only reads.
    unsafe { output_write(text.as_ptr(), text.len()) }
}

#[unsafe(no_mangle)]
extern "C" fn panics() {
    panic!("on purpose")
}

#[unsafe(no_mangle)]
extern "C" fn leaves() {
    process::exit(3)
}
