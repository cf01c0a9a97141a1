//! wasm-instrument, which many chains meter with, on Wasmtime: gas in a mutable global, and its
//! limit of the stack's height.

use anyhow::{Result, anyhow};
use wasm_instrument::{
    gas_metering::{self, ConstantCostRules, mutable_global},
    inject_stack_limiter,
    parity_wasm::elements::Module,
};

use super::wasmtime;
use crate::kernels::Contender;

/// The export under which the gas that is left can be set.
const GAS: &str = "gas left";

/// Values on the stack, more than any kernel has.
const STACK_HEIGHT: u32 = 64 << 10;

/// Counted by what it injects; gas never ends.
pub(crate) fn metered(wasm: &[u8]) -> Result<Contender> {
    let module = Module::from_bytes(wasm)?;
    // One an operator, nothing for growing memory, one a local of a callee.
    let rules = ConstantCostRules::new(1, 0, 1);
    let module = gas_metering::inject(module, mutable_global::Injector::new(GAS), &rules)
        .map_err(|_| anyhow!("wasm-instrument has no price for an operator"))?;
    let module = inject_stack_limiter(module, STACK_HEIGHT).map_err(anyhow::Error::msg)?;
    wasmtime::with_gas_in_global(&module.into_bytes()?, GAS)
}
