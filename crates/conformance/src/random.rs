//! Numbers that look random and are the same on every machine.

/// A generator of numbers (SplitMix64), which may begin with numbers that somebody chose.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
    /// Chosen bytes, the next one last.
    chosen: Vec<u8>,
}

impl Random {
    /// The numbers that follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            state: seed,
            chosen: Vec::new(),
        }
    }

    /// The numbers that these bytes are, and then those that follow from zero. Who changes a byte changes
    /// few choices.
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

    /// A number below `bound`, which is small beside 2^64.
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
