//! Calls of all methods of a contract with random arguments of their types.
//!
//! The arguments depend on the seed alone, so [`on_every_machine`](crate::on_every_machine) holds
//! the outcomes of the same calls against each other. A call may revert or trap: what is tested is
//! that every machine agrees, that the host does not fail, that an output is a value of the type
//! that the interface tells, and that what the test asserts holds after each call.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fusee::{
    chain::{Action, Status},
    interface::{Field, Interface, Kind, Method, Type},
};
use fusee_sdk::Address;
use serde_json::{Map, Value, json};

use crate::{Chain, chain::chain};

/// The most elements of a random list, and the most bytes of a random text.
const MOST: u64 = 4;

/// Calls of a contract at random.
#[derive(Clone, Copy, Debug)]
pub struct Fuzz<'a> {
    /// The contract.
    pub contract: Address,
    /// The senders of the calls, and the addresses in their arguments.
    pub accounts: &'a [Address],
    /// What the calls depend on: another seed is other calls.
    pub seed: u64,
    /// The number of calls.
    pub calls: u32,
}

/// A call that was made at random.
#[derive(Clone, Debug)]
pub struct FuzzCall {
    /// Its position, from 1 on.
    pub number: u32,
    /// The sender.
    pub from: Address,
    /// The method.
    pub method: String,
    /// The arguments, by name.
    pub arguments: Value,
    /// The amount that was sent along.
    pub value: u128,
    /// How it ended.
    pub status: Status,
}

impl Chain {
    /// Calls methods of the contract's interface, chosen at random, so many times, with random
    /// arguments: [`fuzz`](Self::fuzz) without assertions.
    ///
    /// # Panics
    ///
    /// As [`fuzz`](Self::fuzz).
    #[track_caller]
    pub fn fuzz_methods(&mut self, contract: Address, accounts: &[Address], seed: u64, calls: u32) {
        let fuzz = Fuzz {
            contract,
            accounts,
            seed,
            calls,
        };
        self.fuzz(fuzz, |_, _| {});
    }

    /// Calls methods of the contract's interface, chosen at random, with random arguments. Every
    /// transaction is from one of the accounts, which are also the addresses in the arguments.
    /// Payable methods are sent an amount of up to 3. After each call, also one that failed,
    /// `holds` asserts what always holds of the contract.
    ///
    /// # Panics
    ///
    /// If an assertion fails, the host fails, or the output of a call is no value of the method's
    /// type: the message has the seed and the call. If the contract was not deployed by this chain,
    /// or there is no account.
    #[track_caller]
    pub fn fuzz(&mut self, fuzz: Fuzz<'_>, mut holds: impl FnMut(&mut Self, &FuzzCall)) {
        let interface = self.interface_of(fuzz.contract).clone();
        let called_by_the_chain = ["deploy", "migrate", "receive"];
        let methods: Vec<_> = interface
            .methods
            .iter()
            .filter(|method| !called_by_the_chain.contains(&method.name.as_str()))
            .collect();
        let mut random = Random {
            state: fuzz.seed,
            interface: &interface,
            accounts: fuzz.accounts,
        };
        for number in 1..=fuzz.calls {
            let method = random.choose(&methods);
            let mut call = FuzzCall {
                number,
                from: *random.choose(fuzz.accounts),
                method: method.name.clone(),
                arguments: random.fields(&method.args),
                value: 0,
                status: Status::Success,
            };
            if method.payable {
                call.value = u128::from(random.below(4)).min(self.balance(call.from));
            }
            let step = catch_unwind(AssertUnwindSafe(|| {
                call.status = self.make(fuzz.contract, method, &call, &interface);
                holds(self, &call);
            }));
            if let Err(payload) = step {
                let Fuzz { seed, calls, .. } = fuzz;
                let why = told(&*payload);
                panic!("{why}\n  after call {number} of {calls}, with the seed {seed}: {call}");
            }
        }
    }

    /// Makes a call, and holds its output against the interface.
    fn make(
        &mut self,
        contract: Address,
        method: &Method,
        call: &FuzzCall,
        interface: &Interface,
    ) -> Status {
        let input = interface.write_fields(&method.args, &call.arguments);
        let action = Action::Call {
            to: chain(contract),
            method: method.name.clone(),
            input: input.unwrap_or_else(|error| panic!("the arguments: {error}")),
        };
        let receipt = self.send(&method.name, call.from, action, call.value);
        if receipt.status == Status::Success {
            let output = interface.read(&method.returns, &receipt.output);
            let bytes = &receipt.output;
            assert!(
                output.is_ok(),
                "the output {bytes:?} is no {}",
                method.returns
            );
        }
        receipt.status
    }
}

/// `transfer {"to":"0x..","amount":"3"} from 0x..: success`.
impl fmt::Display for FuzzCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            method,
            arguments,
            value,
            status,
            ..
        } = self;
        let from = hex::encode(from.as_bytes());
        write!(formatter, "{method} {arguments} from 0x{from}")?;
        if *value > 0 {
            write!(formatter, " with {value}")?;
        }
        write!(formatter, ": {status}")
    }
}

/// The message of a panic.
fn told(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the test failed")
}

/// Random values of the types of an interface.
struct Random<'a> {
    state: u64,
    interface: &'a Interface,
    accounts: &'a [Address],
}

impl Random<'_> {
    /// The next number of SplitMix64.
    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or_default()
    }

    fn choose<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        let count = u64::try_from(of.len()).unwrap_or(u64::MAX);
        let index = usize::try_from(self.below(count)).unwrap_or_default();
        of.get(index).expect("there is something to choose from")
    }

    /// A number of so many bits: often small or the highest, where contracts have their limits.
    fn number(&mut self, bits: u32) -> u128 {
        let highest = u128::MAX >> 128_u32.saturating_sub(bits);
        match self.below(4) {
            0 => u128::from(self.below(4)),
            1 => highest.saturating_sub(u128::from(self.below(2))),
            2 => u128::from(self.below(1_000)) & highest,
            _ => (u128::from(self.next()) << 64 | u128::from(self.next())) & highest,
        }
    }

    fn fields(&mut self, fields: &[Field]) -> Value {
        let values = fields
            .iter()
            .map(|field| (field.name.clone(), self.value(&field.value_type)));
        Value::Object(values.collect::<Map<_, _>>())
    }

    fn values(&mut self, of: &Type, count: u64) -> Value {
        (0..count).map(|_| self.value(of)).collect()
    }

    fn bytes(&mut self, count: u64) -> String {
        let bytes: Vec<u8> = (0..count).map(|_| self.next().to_le_bytes()[0]).collect();
        format!("0x{}", hex::encode(bytes))
    }

    /// A value, as the interface reads it from JSON.
    fn value(&mut self, of: &Type) -> Value {
        match of {
            Type::Unit => Value::Null,
            Type::Bool => json!(self.below(2) == 1),
            Type::Unsigned(bits) => json!(self.number(*bits).to_string()),
            Type::Signed(bits) => {
                let number = self.number(bits.saturating_sub(1)).to_string();
                let is_negative = number != "0" && self.below(2) == 1;
                json!(if is_negative {
                    format!("-{number}")
                } else {
                    number
                })
            }
            Type::String => {
                let length = self.below(MOST + 1);
                let letters = ['a', 'Z', '0', 'é', '\n', '"'];
                let text: String = (0..length).map(|_| *self.choose(&letters)).collect();
                json!(text)
            }
            Type::Bytes => {
                let length = self.below(MOST + 1);
                json!(self.bytes(length))
            }
            Type::Address => {
                let accounts = self.accounts;
                json!(format!(
                    "0x{}",
                    hex::encode(self.choose(accounts).as_bytes())
                ))
            }
            Type::Option(inner) => match self.below(2) {
                0 => Value::Null,
                _ => json!([self.value(inner)]),
            },
            Type::Vec(inner) => {
                let length = self.below(MOST + 1);
                self.values(inner, length)
            }
            Type::Array(inner, length) => self.values(inner, u64::from(*length)),
            Type::Tuple(types) => types.iter().map(|inner| self.value(inner)).collect(),
            Type::Named(name) => self.defined(name),
        }
    }

    fn defined(&mut self, name: &str) -> Value {
        let definition = self.interface.definition(name);
        match definition.map(|definition| &definition.kind) {
            Some(Kind::Struct(fields)) => self.fields(fields),
            Some(Kind::Enum(variants)) => {
                let variant = self.choose(variants);
                match variant.fields.is_empty() {
                    true => json!(variant.name),
                    false => json!({ variant.name.clone(): self.fields(&variant.fields) }),
                }
            }
            None => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use fusee::interface::Interface;
    use fusee_sdk::Address;
    use serde_json::json;

    use super::Random;

    #[test]
    fn values_of_every_type_can_be_written() {
        let field = |name: &str, of: &str| json!({"name": name, "type": of});
        let types = [
            "()",
            "bool",
            "u8",
            "u128",
            "i8",
            "i64",
            "i128",
            "string",
            "bytes",
            "address",
            "option<u16>",
            "vec<(u8, string)>",
            "[u8; 4]",
            "Point",
            "Shape",
        ];
        let args: Vec<_> = types.iter().map(|of| field(of, of)).collect();
        let shape = json!([
            {"name": "Dot", "fields": []},
            {"name": "Circle", "fields": [field("at", "Point")]},
        ]);
        let interface: Interface = serde_json::from_value(json!({
            "types": [
                {"name": "Point", "struct": [field("x", "i32"), field("y", "i32")]},
                {"name": "Shape", "enum": shape},
            ],
            "methods": [{"name": "all", "args": args}],
        }))
        .unwrap();
        let mut random = Random {
            state: 1,
            interface: &interface,
            accounts: &[Address::new([7; 32])],
        };
        for _ in 0..100 {
            let args = &interface.methods[0].args;
            let values = random.fields(args);
            interface.write_fields(args, &values).unwrap();
        }
    }
}
