//! A deterministic host whose answers depend on all earlier syscalls.

use fusee_engine::{Gas, GuestMemory, Host, Stop, Syscall, SyscallRequest};
use fusee_instrument::Rules;

use crate::Random;

/// The greatest number of bytes that an answer writes to memory.
const MAX_BYTES: u64 = 256;

/// A host that mixes the arguments of all syscalls into its answers. It writes to the guest's
/// memory if two arguments look like a buffer. It suspends the guest at every syscall that may
/// suspend, and every third syscall costs gas.
#[derive(Clone, Debug)]
pub(super) struct Mixer {
    mixed: u64,
    /// The numbers of the syscalls that suspend the guest.
    parking: Vec<u32>,
}

impl Mixer {
    /// A host before its first syscall.
    pub(super) fn new(rules: &Rules) -> Self {
        let parking = rules.syscalls().iter().filter(|known| known.may_suspend);
        Self {
            mixed: 0,
            parking: parking.map(|known| known.number).collect(),
        }
    }

    /// A digest of all syscalls so far.
    pub(super) fn asked(&self) -> u64 {
        self.mixed
    }

    pub(super) fn parks(&self, number: u32) -> bool {
        self.parking.contains(&number)
    }

    pub(super) fn answer(&mut self, request: &SyscallRequest, mut memory: GuestMemory<'_>) -> u64 {
        for asked in request.args.iter().chain([&u64::from(request.number)]) {
            self.mixed = Random::new(self.mixed ^ asked).number();
        }
        let mut random = Random::new(self.mixed);
        for pair in request.args.windows(2) {
            if let [start, length] = *pair
                && length <= MAX_BYTES
                && memory.check(start, length).is_ok()
            {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| random.number().to_le_bytes()[0])
                    .collect();
                // Read-only memory stays unchanged.
                let _ = memory.write(start, &bytes);
            }
        }
        match random.below(4) {
            0 => random.below(64),
            _ => self.mixed,
        }
    }
}

impl Host for Mixer {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = call.request.number;
        if self.parks(number) {
            return Err(Stop::Suspend);
        }
        if number % 3 == 1 {
            call.charge(Gas::new(7))?;
        }
        Ok(self.answer(call.request, call.memory.reborrow()))
    }
}
