//! Tests of native frames: against Wasmtime itself, and against known code.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

use std::{fmt::Write, thread};

use fusee_engine::{Effort, Frames};
use wasmtime::{Engine, Instance, Module, Store, Trap, Val};

use super::{Check, NativeStackNeed, aarch64, of, x86_64};
use crate::{
    engine::{Bounds, config},
    runtime::NativeStack,
};

/// A function that calls itself for ever, and counts its calls. Many values of a type live over
/// the call, and others are passed and returned.
struct Shape {
    value: &'static str,
    live: usize,
    passed: usize,
}

impl Shape {
    fn text(&self) -> String {
        let Self {
            value,
            live,
            passed,
        } = self;
        let types = |count: usize| format!(" {value}").repeat(count);
        let mut text = format!(
            "(module (memory 1) (global $depth (export \"depth\") (mut i64) (i64.const 0))
             (func $f (export \"f\") (param {0}) (result {value} {0}) (local {1})
             (global.set $depth (i64.add (global.get $depth) (i64.const 1)))",
            types(*passed),
            types(*live),
        );
        let locals = *passed..passed + live;
        for local in locals.clone() {
            let offset = local * 8;
            let _ = write!(
                text,
                "(local.set {local} ({value}.load offset={offset} (i32.const 0)))"
            );
        }
        for local in 0..*passed {
            let _ = write!(text, "(local.get {local})");
        }
        text.push_str("(call $f)");
        for local in 0..*passed {
            let _ = write!(text, "(local.set {local})");
        }
        for local in locals {
            let _ = write!(text, "({value}.add (local.get {local}))");
        }
        for local in 0..*passed {
            let _ = write!(text, "(local.get {local})");
        }
        text.push_str("))");
        text
    }

    fn module(&self, bounds: Bounds, guest_bytes: usize) -> Module {
        module(&self.text(), bounds, guest_bytes)
    }

    /// The number of calls that Wasmtime admits on a stack of this size.
    fn depth(&self, bounds: Bounds, guest_bytes: usize) -> usize {
        depth(self.module(bounds, guest_bytes), guest_bytes)
    }
}

fn module(text: &str, bounds: Bounds, guest_bytes: usize) -> Module {
    let engine = Engine::new(&config(bounds, NativeStack { guest_bytes }, Effort::Full)).unwrap();
    Module::new(&engine, wat::parse_str(text).unwrap()).unwrap()
}

/// Calls `f` until the stack overflows. Returns what it has counted.
fn depth(module: Module, guest_bytes: usize) -> usize {
    let run = move || {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let function = instance.get_func(&mut store, "f").unwrap();
        let signature = function.ty(&store);
        let args: Vec<Val> = signature
            .params()
            .map(|param| Val::default_for_ty(&param).unwrap())
            .collect();
        let mut results = vec![Val::I32(0); signature.results().len()];
        let error = function.call(&mut store, &args, &mut results).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::StackOverflow));
        let depth = instance.get_global(&mut store, "depth").unwrap();
        usize::try_from(depth.get(&mut store).unwrap_i64()).unwrap()
    };
    let stack = thread::Builder::new().stack_size(guest_bytes + (1 << 20));
    stack.spawn(run).unwrap().join().unwrap()
}

/// Wasmtime itself checks the stack pointer. So on a stack that is larger by a number of frames,
/// it admits as many more calls, and no other number.
#[test]
fn frames_have_the_size_that_their_prologues_tell() {
    let shape = |value, live, passed| Shape {
        value,
        live,
        passed,
    };
    // From none of its own to more than 32 KiB; with some to five and more pages to probe.
    let shapes = [
        (shape("i64", 0, 0), 16..256),
        (shape("i64", 7, 3), 64..512),
        (shape("i64", 40, 20), 256..2_048),
        (shape("f64", 100, 12), 1_600..4_096),
        (shape("i64", 600, 0), 4_096..8_192),
        (shape("f64", 500, 30), 8_192..16_384),
        (shape("f64", 1_200, 0), 16_384..32_768),
        (shape("i64", 4_300, 0), 32_768..65_536),
    ];
    let Some(decode) = super::DECODER else {
        return;
    };
    for (shape, expected) in &shapes {
        for bounds in [Bounds::Guarded, Bounds::Checked] {
            let module = shape.module(bounds, 1 << 20);
            let frame = super::native(&module, decode, bounds.stack_check()).unwrap()[0];
            assert!(expected.contains(&frame), "{frame}: {expected:?}");
            let frame = usize::try_from(frame).unwrap();
            // Enough that a frame of 16 bytes more or less is told apart.
            let more = frame / 16 + 2;
            let few = shape.depth(bounds, 256 << 10);
            let many = shape.depth(bounds, (256 << 10) + more * frame);
            assert_eq!(many - few, more, "{frame} bytes, {bounds:?}");
        }
    }
}

#[test]
fn the_entry_takes_no_more_than_is_added_for_it() {
    let Some(decode) = super::DECODER else {
        return;
    };
    let stack = 1 << 20;
    for values in [0, 1, 20, 900] {
        let types = " f64".repeat(values);
        let all: String = (0..values).map(|at| format!("(local.get {at})")).collect();
        let text = format!(
            "(module (global $depth (export \"depth\") (mut i64) (i64.const 0))
             (func $again (global.set $depth (i64.add (global.get $depth) (i64.const 1)))
             (call $again))
             (func (export \"f\") (param {types}) (result {types}) (call $again) {all}))"
        );
        for bounds in [Bounds::Guarded, Bounds::Checked] {
            let module = module(&text, bounds, stack);
            let frames = super::native(&module, decode, bounds.stack_check()).unwrap();
            let [again, first] =
                [frames[0], frames[1]].map(|frame| usize::try_from(frame).unwrap());
            let taken = stack - depth(module, stack) * again - first;
            let added =
                super::ENTRY_BYTES + super::VALUE_BYTES * 2 * u64::try_from(values).unwrap();
            assert!(
                taken < usize::try_from(added).unwrap() / 2,
                "{values}: {taken} of {added}"
            );
        }
    }
}

/// A function with few arguments calls one with many in its place. What these take is in no frame
/// that is left.
#[test]
fn the_arguments_of_tail_calls_are_added() {
    let Some(decode) = super::DECODER else {
        return;
    };
    if cfg!(not(target_arch = "x86_64")) {
        // The sizes have not been measured on others.
        return;
    }
    for params in [12, 20, 32] {
        let types = " i64".repeat(params);
        let values = "(i64.const 1)".repeat(params);
        let text = format!(
            "(module (global $depth (export \"depth\") (mut i64) (i64.const 0))
             (func $few (export \"f\") (param i64) (result i64)
               (global.set $depth (i64.add (global.get $depth) (i64.const 1)))
               (return_call $many {values}))
             (func $many (param {types}) (result i64)
               (i64.add (local.get {last}) (call $few (local.get 0)))))",
            last = params - 1,
        );
        for bounds in [Bounds::Guarded, Bounds::Checked] {
            let stack = 256 << 10;
            let module = || module(&text, bounds, stack);
            let native = super::native(&module(), decode, bounds.stack_check()).unwrap();
            let larger = self::module(&text, bounds, 2 * stack);
            let rounds = depth(larger, 2 * stack) - depth(module(), stack);
            let frames = Frames {
                limit: 1_000,
                counted: vec![0, 1_000],
                tail_params: u32::try_from(params).unwrap(),
                ..Frames::default()
            };
            let within = of(&native, &frames).unwrap().bytes;
            let [few, many] = [native[0], native[1]].map(u64::from);
            let added = within - many - few.max(many);
            let taken = u64::try_from(stack / rounds).unwrap();
            assert!(
                taken > many,
                "{taken} bytes a round, of which {many} in a frame"
            );
            assert!(taken <= many + added / 2, "{taken} > {many} + {added} / 2");
        }
    }
}

/// What a prologue of x86-64 has for a frame of a size: the lines of its documentation.
fn prologue(checked: u32, probed: &[u8], taken: u32) -> Vec<u8> {
    let mut code = b"\x55\x48\x89\xe5\x4c\x8b\x57\x08\x4d\x8b\x52\x18\x49\x81\xc2".to_vec();
    code.extend(checked.to_le_bytes());
    code.extend(b"\x4c\x3b\xd4\x0f\x87\0\0\0\0");
    code.extend(probed);
    code.extend(b"\x48\x81\xec");
    code.extend(taken.to_le_bytes());
    code.extend(b"\x48\x89\xc8\xc3");
    code
}

/// A probe of one page, and what follows the last one.
const PROBED: &[u8] = b"\x48\x81\xec\0\x10\0\0\xc7\x04\x24\0\0\0\0\x48\x81\xc4\0\x10\0\0";

#[test]
fn a_prologue_of_another_form_is_not_read() {
    let read = |code: &[u8]| x86_64::frame(code, Check::Prologue);
    let known = prologue(0x110, &[], 0x100);
    assert_eq!(read(&known), Some(0x110));
    assert_eq!(read(&prologue(0x1110, PROBED, 0x1100)), Some(0x1110));
    // The sizes differ.
    assert_eq!(read(&prologue(0x110, &[], 0x110)), None);
    assert_eq!(read(&prologue(0x100, &[], 0x100)), None);
    assert_eq!(read(&prologue(0x110, PROBED, 0x100)), None);
    assert_eq!(read(&prologue(0x1110, &[], 0x1100)), None);
    assert_eq!(read(&prologue(0x2110, PROBED, 0x2100)), None);
    // Room for the arguments of a tail call: 0x40 bytes.
    const ROOM: &[u8] = b"\x48\x83\xec\x40\x48\x89\xe5\x4c\x8b\x5c\x24\x40\x4c\x89\x1c\x24\
        \x4c\x8b\x5c\x24\x48\x4c\x89\x5c\x24\x08";
    assert_eq!(read(&prologue(0x150, ROOM, 0x100)), Some(0x150));
    assert_eq!(read(&prologue(0x110, ROOM, 0x100)), None);
    for place in 0..ROOM.len() {
        let mut other = ROOM.to_vec();
        other[place] ^= 1;
        assert_eq!(read(&prologue(0x150, &other, 0x100)), None, "{place}");
    }
    // A part is missing, or there is another instruction.
    let (check, take) = (4..28, 28..35);
    for missing in [0..1, 1..4, check.clone(), take.clone(), 4..8, 19..28] {
        let mut code = known.clone();
        code.drain(missing.clone());
        assert_eq!(read(&code), None, "without {missing:?}");
    }
    for length in 0..take.end {
        assert_eq!(read(&known[..length]), None, "{length} bytes");
    }
    for place in [0, 1, 4, 8, 12, 19, 22, 28] {
        let mut code = known.clone();
        code.insert(place, 0x90);
        assert_eq!(read(&code), None, "nop at {place}");
    }
    // A body that checks the stack follows the first two lines.
    let read = |code: &[u8]| x86_64::frame(code, Check::Body);
    let mut code = known.clone();
    code.drain(check);
    assert_eq!(read(&code), Some(0x110));
    assert_eq!(read(b"\x55\x48\x89\xe5\x48\x8b\x47\x08"), Some(16));
    for other in [
        // push rbx, lea rsp, mov rsp, add rsp, sub rsp with a negative operand.
        &b"\x53"[..],
        b"\x48\x8d\x64\x24\x80",
        b"\x48\x89\xc4",
        b"\x48\x8b\xe0",
        b"\x48\x83\xc4\x80",
        b"\x48\x83\xec\x80",
        b"\x48\x81\xec\0\0\0\x80",
    ] {
        assert_eq!(read(&[b"\x55\x48\x89\xe5", other].concat()), None);
    }
}

/// What Cranelift emitted for AArch64.
#[test]
fn prologues_of_aarch64_are_read() {
    let read = |words: &[u32], check| {
        let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        aarch64::frame(&code, check)
    };
    let start = [0xa9bf_7bfd, 0x9100_03fd];
    let limit = [0xf840_8050, 0xf841_8210];
    let small = [0x910b_4210, 0xeb30_63ff, 0x5400_2283];
    let pushes = [
        0xa9bf_73fb,
        0xa9bf_6bf9,
        0xa9bf_63f7,
        0xa9bf_5bf5,
        0xa9bf_53f3,
    ];
    let check = [&start[..], &limit, &small].concat();
    let body = 0xf940_2840;
    for (rest, size) in [
        // Registers are preserved, and then 624 bytes are taken.
        ([&pushes[..], &[0xd109_c3ff, body]].concat(), Some(720)),
        ([&pushes[..], &[body]].concat(), None),
        ([&pushes[1..], &[0xd109_c3ff, body]].concat(), None),
        ([&pushes[..], &[0xd109_c7ff, body]].concat(), None),
        (vec![0xd109_c3ff, body], None),
    ] {
        assert_eq!(read(&[check.clone(), rest].concat(), Check::Prologue), size);
    }
    // One page is probed; the sizes are in a register.
    let page = [
        &start[..],
        &limit,
        &[0xd282_5a11, 0x8b31_6210, 0xeb30_63ff, 0x5401_2cc3],
        &[0xd140_07ff, 0xb800_03ff, 0x9140_07ff],
        &pushes,
        &[0xd282_4e10, 0xcb30_63ff, body],
    ]
    .concat();
    assert_eq!(read(&page, Check::Prologue), Some(4_816));
    // Many pages are probed in a loop, and there are two checks.
    let pages = [
        &start[..],
        &limit,
        &[0xeb30_63ff, 0x541d_f1c3],
        &[
            0x5286_5211,
            0x72a0_0051,
            0x8b31_6210,
            0xeb30_63ff,
            0x541d_f143,
        ],
        &[0xd280_0010, 0x5286_5211, 0x72a0_0051],
        &[0xd140_0610, 0xb830_6bff, 0xab11_021f, 0x54ff_ffac],
        &[0x5286_5010, 0x72a0_0050, 0xcb30_63ff, body],
    ]
    .concat();
    assert_eq!(read(&pages, Check::Prologue), Some(0x2_3290));
    for length in 0..pages.len() - 1 {
        assert_eq!(read(&pages[..length], Check::Prologue), None, "{length}");
    }
    // A body that checks the stack follows the first two lines.
    let checked_later = [&start[..], &pushes, &[0xd109_c3ff, body]].concat();
    assert_eq!(read(&checked_later, Check::Body), Some(720));
    assert_eq!(read(&[&start[..], &[body]].concat(), Check::Body), Some(16));
    // Functions of one parameter that call others of 32 and of 60 in their place: each encoding of
    // the offset. They have no other frame.
    for (small, room, size) in [
        (
            [0x9103_c210, 0xeb30_63ff, 0x5400_0563],
            [0xd103_83ff, 0xf84e_03fd, 0xa900_7bfd, 0x9100_03fd],
            240,
        ),
        (
            [0x9107_4210, 0xeb30_63ff, 0x5400_08e3],
            [0xd107_03ff, 0xf940_e3fd, 0xa900_7bfd, 0x9100_03fd],
            464,
        ),
    ] {
        let few = [&start[..], &limit, &small, &room, &[0xf940_1844]].concat();
        assert_eq!(read(&few, Check::Prologue), Some(size));
    }
    // Such room, and a frame.
    for (room, bytes) in [
        ([0xd101_03ff, 0xf844_03fd, 0xa900_7bfd, 0x9100_03fd], 0x40),
        ([0xd104_03ff, 0xf940_83fd, 0xa900_7bfd, 0x9100_03fd], 0x100),
    ] {
        let with_room = |room: &[u32], checked: u32| {
            let small = [0x9100_0210 | checked << 10, 0xeb30_63ff, 0x5400_2283];
            let taken = [0xd109_c3ff, body];
            read(
                &[&start[..], &limit, &small, room, &pushes, &taken].concat(),
                Check::Prologue,
            )
        };
        assert_eq!(with_room(&room, 720 + bytes), Some(720 + bytes));
        assert_eq!(with_room(&room, 720), None);
        for (place, bit) in (0..room.len()).flat_map(|place| (0..32).map(move |bit| (place, bit))) {
            let mut other = room;
            other[place] ^= 1 << bit;
            assert_eq!(with_room(&other, 720 + bytes), None, "{place} {bit}");
        }
        let in_body = [&start[..], &room, &[body]].concat();
        assert_eq!(read(&in_body, Check::Body), Some(16 + bytes));
    }
    // A register is pushed in another way.
    assert_eq!(
        read(&[&start[..], &[0xa9be_53f3]].concat(), Check::Body),
        None
    );
}

#[test]
fn a_chain_of_calls_takes_the_steepest_frames() {
    let frames = |limit, counted: &[u32]| Frames {
        limit,
        added_before: 1,
        counted: counted.to_vec(),
        tail_params: 0,
    };
    let need = |native: &[u32], counted: &[u32]| of(native, &frames(1_000, counted));
    let of_function = |bytes, function, native, counted| {
        Some(NativeStackNeed {
            bytes,
            function,
            native,
            counted,
        })
    };
    // The second has more bytes, and the first more for each that is counted. The second can be
    // the last frame. Three frames of the meter are added.
    assert_eq!(
        need(&[10, 200, 300, 20], &[100, 200]),
        of_function(2_000 + 300 + 60, 1, 200, 100)
    );
    // One that calls nothing is only the last frame.
    assert_eq!(
        need(&[10, 200, 300, 20], &[100, 0]),
        of_function(2_000 + 300 + 60, 1, 200, 100)
    );
    assert_eq!(
        need(&[10, 200, 3_000, 20], &[100, 0]),
        of_function(2_000 + 3_000 + 60, 2, 3_000, 0)
    );
    assert_eq!(need(&[10, 20], &[]), of_function(60, 0, 0, 0));
    assert_eq!(need(&[10, 200], &[100, 200]), None);
    let most = of(&[u32::MAX, u32::MAX], &frames(u32::MAX, &[1])).unwrap();
    assert!(most.bytes > u64::from(u32::MAX) * u64::from(u32::MAX));
}
