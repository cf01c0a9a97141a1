//! The peer Wasmer, in a process of its own.
//!
//! Its input is a line with `metered` or `bare` and the number of bytes of a kernel, then those
//! bytes, then an n a line. It answers each n by a line: the checksum, and the nanoseconds of
//! processor time that it took.

use std::{
    io::{self, BufRead, Read, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use wasmer::{
    Instance, Module, Store, TypedFunction, imports,
    sys::{CompilerConfig, Cranelift},
};
use wasmer_middlewares::{Metering, metering::set_remaining_points};

/// Points that no run uses up.
const ENDLESS: u64 = u64::MAX >> 1;

fn main() -> Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let (kind, length) = line.trim().split_once(' ').context("no length")?;
    let mut wasm = vec![0; length.parse()?];
    input.read_exact(&mut wasm)?;
    let mut kernel = match kind {
        "metered" => Kernel::metered(&wasm)?,
        "bare" => Kernel::bare(&wasm)?,
        _ => bail!("`{kind}` is neither `metered` nor `bare`"),
    };
    let mut output = io::stdout().lock();
    for line in input.lines() {
        let (checksum, time) = kernel.run(line?.parse()?)?;
        writeln!(output, "{checksum} {}", time.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}

struct Kernel {
    store: Store,
    instance: Instance,
    run: TypedFunction<i32, i64>,
    /// Whether points are counted, and have to be handed out.
    is_metered: bool,
}

impl Kernel {
    fn bare(wasm: &[u8]) -> Result<Self> {
        Self::new(Cranelift::new(), wasm, false)
    }

    fn metered(wasm: &[u8]) -> Result<Self> {
        let mut compiler = Cranelift::new();
        compiler.push_middleware(Arc::new(Metering::new(ENDLESS, |_| 1)));
        Self::new(compiler, wasm, true)
    }

    fn new(compiler: Cranelift, wasm: &[u8], is_metered: bool) -> Result<Self> {
        let mut store = Store::new(compiler);
        let module = Module::new(&store, wasm)?;
        let instance = Instance::new(&mut store, &module, &imports! {})?;
        let run = instance.exports.get_typed_function(&store, "run")?;
        Ok(Self {
            store,
            instance,
            run,
            is_metered,
        })
    }

    fn run(&mut self, n: i32) -> Result<(i64, Duration)> {
        if self.is_metered {
            set_remaining_points(&mut self.store, &self.instance, ENDLESS);
        }
        let start = processor_time();
        let checksum = self.run.call(&mut self.store, n)?;
        Ok((checksum, processor_time().saturating_sub(start)))
    }
}

/// How long this thread has computed.
fn processor_time() -> Duration {
    // A time that the kernel gives is not below zero.
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
