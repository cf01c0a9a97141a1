//! Pseudorandom numbers that are the same on every machine.

/// A pseudorandom number generator (SplitMix64) that may begin with given bytes.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// The given bytes that are not used yet, in reverse order.
    chosen: Vec<u8>,
}

impl Random {
    /// A generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            state: seed,
            chosen: Vec::new(),
        }
    }

    /// A generator that returns the numbers encoded in `bytes` first, and then those of seed zero.
    /// A fuzzer that changes one byte changes few of the numbers.
    #[must_use]
    pub fn choosing(bytes: &[u8]) -> Self {
        Self {
            state: 0,
            chosen: bytes.iter().rev().copied().collect(),
        }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        if let Some(rest) = self.chosen.len().checked_sub(8) {
            let bytes = self.chosen.split_off(rest);
            return bytes
                .iter()
                .fold(0, |number, byte| (number << 8) | u64::from(*byte));
        }
        self.chosen.clear();
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`. It is nearly uniform for bounds far below 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        match self.chosen.pop() {
            Some(byte) if bound <= 256 => u64::from(byte) % bound,
            Some(byte) => {
                self.chosen.push(byte);
                self.number() % bound
            }
            None => self.number() % bound,
        }
    }
}
