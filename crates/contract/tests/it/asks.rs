//! A contract, in both formats, that makes the syscalls that its input lists and outputs what each
//! came to.

use fusee_contract::{Address, Receipt, Status};

use crate::world::{World, alice};

const WASM: &[u8] = include_bytes!("../../../../guests/wasm/asks.wasm");
const POLKAVM: &[u8] = include_bytes!("../../../../guests/polkavm/asks.polkavm");

/// The most calls of a script.
const CALLS: usize = 32;
const CALL_BYTES: usize = 56;
/// Marks an argument as an address.
const ADDRESS: u64 = 1 << 63;

/// The syscalls that the contract is to make, and the area of its memory that they use.
#[derive(Clone, Default)]
pub(crate) struct Asks {
    calls: Vec<[u64; 7]>,
    area: Vec<u8>,
    /// Whether the output has nothing of the area, of which large ones take much gas.
    hidden: bool,
}

/// What a script came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answers {
    pub(crate) results: Vec<i64>,
    area: Vec<u8>,
}

/// A place in the area, with a length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    start: usize,
    length: usize,
}

impl Region {
    /// The argument that is its address.
    pub(crate) fn at(self) -> u64 {
        ADDRESS | u64::try_from(self.start).unwrap()
    }

    /// The argument that is its length.
    pub(crate) fn len(self) -> u64 {
        self.length.try_into().unwrap()
    }
}

impl Asks {
    /// Puts bytes into the area.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Region {
        let start = self.area.len();
        self.area.extend_from_slice(bytes);
        self.area.resize(self.area.len().next_multiple_of(8), 0);
        Region {
            start,
            length: bytes.len(),
        }
    }

    /// Sets bytes aside for a syscall to write. They are 0xee before.
    pub(crate) fn room(&mut self, bytes: usize) -> Region {
        self.put(&vec![0xee; bytes])
    }

    /// Leaves the area out of the output.
    pub(crate) fn hide(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }

    /// Makes the syscall of this number.
    pub(crate) fn ask(&mut self, number: u32, arguments: &[u64]) -> &mut Self {
        let mut call = [0; 7];
        call[0] = number.into();
        call[1..=arguments.len()].copy_from_slice(arguments);
        self.calls.push(call);
        self
    }

    /// Runs another script in a call of a contract, with all the gas that there is.
    pub(crate) fn ask_in(&mut self, contract: Address, asks: &Asks) -> &mut Self {
        let address = self.put(contract.as_bytes());
        let method = self.put(b"ask");
        let input = self.put(&asks.input());
        let options = self.put(&[[0xff; 8].as_slice(), &[0; 16]].concat());
        let arguments = [
            address.at(),
            method.at(),
            method.len(),
            input.at(),
            input.len(),
            options.at(),
        ];
        self.ask(fusee_abi::CALL, &arguments)
    }

    /// Ends the script as reverted.
    pub(crate) fn revert(&mut self) -> &mut Self {
        self.ask(fusee_abi::REVERT, &[ADDRESS, 0])
    }

    pub(crate) fn input(&self) -> Vec<u8> {
        assert!(self.calls.len() <= CALLS);
        let count = u32::try_from(self.calls.len()).unwrap();
        let shown = if self.hidden { 0 } else { self.area.len() };
        let shown = u32::try_from(shown).unwrap();
        let mut input = [count.to_le_bytes(), shown.to_le_bytes()].concat();
        for number in self.calls.iter().flatten() {
            input.extend_from_slice(&number.to_le_bytes());
        }
        input.resize(8 + CALLS * CALL_BYTES, 0);
        input.extend_from_slice(&self.area);
        input
    }

    /// The size of the area.
    pub(crate) fn area_bytes(&self) -> usize {
        self.area.len()
    }

    /// Runs the script in a transaction on the contract.
    pub(crate) fn call(&self, world: &mut World, contract: Address) -> Receipt {
        world.call(alice(), contract, "ask", &self.input())
    }

    /// The same of a script that ends well.
    pub(crate) fn answers(&self, world: &mut World, contract: Address) -> Answers {
        self.decode(&self.call(world, contract))
    }

    /// What the script came to, of a receipt of success.
    pub(crate) fn decode(&self, receipt: &Receipt) -> Answers {
        assert_eq!(receipt.status, Status::Success, "{receipt:?}");
        let (results, area) = receipt.output.split_at(CALLS * 8);
        let results = results.chunks(8).take(self.calls.len());
        let number = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap());
        Answers {
            results: results.map(number).collect(),
            area: area.to_vec(),
        }
    }
}

impl Answers {
    /// What is in a region of the area in the end.
    pub(crate) fn bytes(&self, region: Region) -> &[u8] {
        &self.area[region.start..][..region.length]
    }
}

/// Deploys the contract in both formats.
pub(crate) fn deploy(world: &mut World) -> [Address; 2] {
    [WASM, POLKAVM].map(|code| world.deploy(code, &[]))
}
