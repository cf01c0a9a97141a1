//! What is kept of an instance from one use to the next: wasmi's store and what it contains.

use std::sync::{Arc, OnceLock};

use fusee_engine::{EngineError, Entry, Program, reserved};
use wasmi::{Func, Global, Instance, Store, Val};

use crate::{error::failed, image::MemoryImage, link::State};

/// A store with one instance.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) store: Store<State>,
    instance: Instance,
    /// The global to which the guest spills its counter before `unreachable`.
    gas: Global,
    /// The entry of the last call. Looking up an entry is slow, and most calls repeat the last one.
    entered: Option<(Entry, Func)>,
    pub(crate) inputs: Vec<Val>,
    pub(crate) outputs: Vec<Val>,
    /// What a reset needs. `None` if it does not restore everything that the program can change.
    reset: Option<Reset>,
}

#[derive(Debug)]
struct Reset {
    /// The guest's function that sets its globals to their initial values.
    globals: Func,
    memory: Arc<MemoryImage>,
}

impl Resident {
    /// A fresh instance and its store. `image` is the memory of all fresh instances of the module.
    pub(crate) fn new(
        mut store: Store<State>,
        instance: Instance,
        image: &OnceLock<Arc<MemoryImage>>,
    ) -> Result<Self, EngineError> {
        let gas = instance
            .get_global(&store, reserved::GAS)
            .ok_or_else(|| failed("the program exports no gas counter".into()))?;
        let memory = instance.get_memory(&store, reserved::MEMORY);
        store.data_mut().memory = memory;
        let globals = instance.get_func(&store, reserved::RESET);
        let reset = globals.map(|globals| Reset {
            globals,
            memory: Arc::clone(image.get_or_init(|| {
                let memory = memory.map_or(&[][..], |memory| memory.data(&store));
                Arc::new(MemoryImage::of(memory))
            })),
        });
        Ok(Self {
            store,
            instance,
            gas,
            entered: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            reset,
        })
    }

    /// The function of an entry.
    pub(crate) fn function(
        &mut self,
        entry: Entry,
        program: &Program,
    ) -> Result<Func, EngineError> {
        if let Some((last, function)) = self.entered
            && last == entry
        {
            return Ok(function);
        }
        let name = match entry {
            Entry::Start => Some(reserved::START),
            Entry::Export(position) => {
                let export = program.exports.get(position);
                export.map(|export| export.name.as_str())
            }
        };
        let function = name
            .and_then(|name| self.instance.get_func(&self.store, name))
            .ok_or_else(|| failed("the program has no such entry".into()))?;
        self.entered = Some((entry, function));
        Ok(function)
    }

    /// The counter that the guest spilled.
    pub(crate) fn counter(&self) -> i64 {
        self.gas.get(&self.store).i64().unwrap_or(0)
    }

    /// The guest's memory, if it has one.
    pub(crate) fn memory(&mut self) -> Option<&mut [u8]> {
        let memory = self.store.data().memory?;
        Some(memory.data_mut(&mut self.store))
    }

    /// Makes an instance at rest like a fresh one. Returns `false` if that is not possible: the
    /// memory was grown, or the program may have changed more than memory and globals.
    pub(crate) fn reset(&mut self) -> bool {
        let Some(reset) = &self.reset else {
            return false;
        };
        let memory = match self.store.data().memory {
            Some(memory) => memory.data_mut(&mut self.store),
            None => &mut [],
        };
        reset.memory.restore(memory) && reset.globals.call(&mut self.store, &[], &mut []).is_ok()
    }
}
