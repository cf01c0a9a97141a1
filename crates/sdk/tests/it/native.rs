//! Native runs: syscalls reach the machine, and what ends a run comes back to who started it.
#![allow(unreachable_pub, reason = "the methods of a contract are public")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use fusee_sdk::{
    abi::{INPUT_READ, OUTPUT_WRITE, REVERT, STORAGE_READ, STORAGE_WRITE, status},
    contract::Contract,
    native::{Argument, End, Machine, end, run},
    prelude::*,
};

/// A list.
#[contract]
pub struct List {
    values: Vector<u16>,
    text: Value<String>,
}

#[methods]
impl List {
    /// Appends a number, and returns all.
    pub fn append(&mut self, number: u16) -> Vec<u16> {
        self.values.push(&number);
        self.values.iter().collect()
    }

    /// Sets a text that is larger than what is kept on the stack.
    pub fn grow(&mut self, times: u32) -> u32 {
        let text = "fusée ".repeat(usize::try_from(times).unwrap_or_default());
        self.text.set(&text);
        assert_eq!(self.text.get(), Some(text));
        times
    }

    /// Panics.
    pub fn fail(&self) {
        panic!("as asked")
    }
}

#[derive(Default)]
struct World {
    input: Vec<u8>,
    output: Vec<u8>,
    message: Vec<u8>,
    storage: BTreeMap<Vec<u8>, Vec<u8>>,
}

struct Test(Rc<RefCell<World>>);

impl Machine for Test {
    fn syscall(&mut self, number: u32, arguments: &mut [Argument<'_>]) -> u64 {
        let mut world = self.0.borrow_mut();
        let copy = |bytes: &[u8], room: &mut [u8]| {
            let most = bytes.len().min(room.len());
            room[..most].copy_from_slice(&bytes[..most]);
            u64::try_from(bytes.len()).unwrap()
        };
        match (number, arguments) {
            (INPUT_READ, [Argument::Room(room)]) => copy(&world.input, room),
            (OUTPUT_WRITE, [Argument::Bytes(output)]) => {
                world.output = output.to_vec();
                0
            }
            (REVERT, [Argument::Bytes(message)]) => {
                world.message = message.to_vec();
                drop(world);
                end()
            }
            (STORAGE_READ, [Argument::Bytes(key), Argument::Room(room)]) => {
                match world.storage.get(*key) {
                    Some(value) => copy(value, room),
                    None => u64::from(status::ABSENT.cast_unsigned()),
                }
            }
            (STORAGE_WRITE, [Argument::Bytes(key), Argument::Bytes(value)]) => {
                world.storage.insert(key.to_vec(), value.to_vec());
                0
            }
            (number, _) => panic!("the test has no syscall {number}"),
        }
    }
}

fn call(world: &Rc<RefCell<World>>, method: &str, input: &[u8]) -> End {
    world.borrow_mut().input = input.to_vec();
    let method = List::METHODS.iter().find(|(name, _)| *name == method);
    run(Box::new(Test(Rc::clone(world))), method.unwrap().1).0
}

#[test]
fn a_method_reads_its_input_and_writes_storage_and_output() {
    let world = Rc::default();
    assert!(matches!(call(&world, "append", &[7, 1]), End::Returned));
    assert!(matches!(call(&world, "append", &[8, 0]), End::Returned));
    let world = world.borrow();
    assert_eq!(world.output, [2, 0, 0, 0, 7, 1, 8, 0]);
    let expected = [
        (vec![0], vec![2, 0, 0, 0]),
        (vec![0, 0, 0, 0, 0], vec![7, 1]),
        (vec![0, 0, 0, 0, 1], vec![8, 0]),
    ];
    assert_eq!(world.storage, BTreeMap::from(expected));
}

#[test]
fn a_value_of_any_size_is_stored_and_read() {
    for times in [0_u32, 36, 37, 1_000] {
        let world = Rc::default();
        let ended = call(&world, "grow", &times.to_le_bytes());
        assert!(matches!(ended, End::Returned), "{times}");
        assert_eq!(world.borrow().output, times.to_le_bytes());
    }
}

#[test]
fn input_that_is_no_argument_reverts() {
    let world = Rc::default();
    for (input, message) in [
        (&[1][..], "arguments end too early"),
        (&[1, 2, 3], "bytes after the arguments"),
        (&[0; 300], "bytes after the arguments"),
    ] {
        assert!(matches!(call(&world, "append", input), End::Ended));
        assert_eq!(world.borrow().message, message.as_bytes());
    }
    assert!(world.borrow().storage.is_empty());
}

#[test]
fn a_value_of_another_type_is_told() {
    let world = Rc::<RefCell<World>>::default();
    world.borrow_mut().storage.insert(vec![0], vec![1]);
    assert!(matches!(call(&world, "append", &[1, 0]), End::Ended));
    let message = String::from_utf8(world.borrow().message.clone()).unwrap();
    assert!(
        message.starts_with("the storage has a value of another type"),
        "{message}"
    );
}

#[test]
fn a_panic_comes_back_and_the_thread_runs_on() {
    let world = Rc::default();
    let End::Panicked(payload) = call(&world, "fail", &[]) else {
        panic!("it panics");
    };
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"as asked"));
    assert!(matches!(call(&world, "append", &[7, 1]), End::Returned));
}
