//! The puppets: contracts that run the script in their input, whichever method is called. They
//! differ in the methods that they have, in their size, and in their format.

/// What a puppet has.
pub(super) struct Kind {
    pub(super) methods: &'static [&'static str],
    form: Form,
}

/// What it is written in.
enum Form {
    /// With data of so many digits, of which many make loading it cost gas.
    Wasm {
        padding: usize,
    },
    PolkaVm,
}

use Form::{PolkaVm, Wasm};

pub(super) const KINDS: [Kind; 6] = [
    Kind {
        methods: &["run", "deploy", "migrate", "receive"],
        form: Wasm { padding: 0 },
    },
    Kind {
        methods: &["run", "more", "deploy", "migrate", "receive"],
        form: Wasm { padding: 20_000 },
    },
    Kind {
        methods: &["run"],
        form: Wasm { padding: 0 },
    },
    Kind {
        methods: &["run", "deploy"],
        form: Wasm { padding: 9_000 },
    },
    Kind {
        methods: &["run", "migrate", "receive"],
        form: Wasm { padding: 0 },
    },
    Kind {
        methods: &["run", "deploy", "migrate", "receive"],
        form: PolkaVm,
    },
];

/// Executes operations of 28 bytes: a number, and six words. Outputs of each its result (`i32`) and
/// the 64 bytes of the buffer, which are 0xee before it.
const BODY: &str = r#"
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (import "fusee" "storage_try_write" (func $try_write (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_remove" (func $remove (param i32 i32) (result i32)))
  (import "fusee" "storage_next" (func $next (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_previous" (func $previous (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_remove_range" (func $remove_range (param i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "transient_read" (func $transient_read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "transient_write" (func $transient_write (param i32 i32 i32 i32)))
  (import "fusee" "transient_remove" (func $transient_remove (param i32 i32) (result i32)))
  (import "fusee" "event_emit_topics" (func $emit (param i32 i32 i32 i32)))
  (import "fusee" "caller" (func $caller (param i32)))
  (import "fusee" "value" (func $value (param i32)))
  (import "fusee" "balance" (func $balance (param i32 i32)))
  (import "fusee" "deposit" (func $deposit (param i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "call_read_only" (func $call_read_only (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "fusee" "deploy" (func $deploy (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "upgrade" (func $upgrade (param i32 i32 i32 i32 i64) (result i32)))
  (import "fusee" "set_admin" (func $set_admin (param i32 i32 i32) (result i32)))
  (import "fusee" "admin" (func $admin (param i32 i32) (result i32)))
  (import "fusee" "code_hash" (func $code_hash (param i32 i32) (result i32)))
  (import "fusee" "set_reentrancy" (func $set_reentrancy (param i32)))
  (import "fusee" "return_data_read" (func $return_data (param i32 i32) (result i32)))
  (memory 10)
  (global $out (mut i32) (i32.const 0x50000))
  (func $do (param $op i32) (param $a i32) (param $b i32) (param $c i32) (param $d i32)
    (param $e i32) (param $f i32) (result i32)
    (block $26 (block $25 (block $24 (block $23 (block $22 (block $21 (block $20 (block $19
    (block $18 (block $17 (block $16 (block $15 (block $14 (block $13 (block $12 (block $11
    (block $10 (block $9 (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2
    (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 $17 $18 $19 $20 $21 $22
        $23 $24 $25 $26 (local.get $op)))
      (return (call $read (local.get $a) (local.get $b) (local.get $c) (local.get $d))))
      (call $write (local.get $a) (local.get $b) (local.get $c) (local.get $d)) (return (i32.const 0)))
      (return (call $try_write (local.get $a) (local.get $b) (local.get $c) (local.get $d))))
      (return (call $remove (local.get $a) (local.get $b))))
      (return (call $next (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e) (local.get $f))))
      (return (call $previous (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e) (local.get $f))))
      (return (call $remove_range (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e))))
      (return (call $transient_read (local.get $a) (local.get $b) (local.get $c) (local.get $d))))
      (call $transient_write (local.get $a) (local.get $b) (local.get $c) (local.get $d)) (return (i32.const 0)))
      (return (call $transient_remove (local.get $a) (local.get $b))))
      (call $emit (local.get $a) (local.get $b) (local.get $c) (local.get $d)) (return (i32.const 0)))
      (call $caller (local.get $a)) (return (i32.const 0)))
      (call $value (local.get $a)) (return (i32.const 0)))
      (call $balance (local.get $a) (local.get $b)) (return (i32.const 0)))
      (call $deposit (local.get $a)) (return (i32.const 0)))
      (return (call $call (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e) (local.get $f))))
      (return (call $call_read_only (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e)
        (i64.load (local.get $f)))))
      (return (call $deploy (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $e) (local.get $f))))
      (return (call $upgrade (local.get $a) (local.get $b) (local.get $c) (local.get $d) (i64.load (local.get $e)))))
      (return (call $set_admin (local.get $a) (local.get $b) (local.get $c))))
      (return (call $admin (local.get $a) (local.get $b))))
      (return (call $code_hash (local.get $a) (local.get $b))))
      (call $set_reentrancy (local.get $a)) (return (i32.const 0)))
      (local.set $a (call $return_data (i32.add (global.get $out) (i32.const 68)) (i32.const 0x30000)))
      (return (local.get $a)))
      (call $revert (local.get $a) (local.get $b)) (return (i32.const 0)))
      unreachable)
    (loop $for_ever (br $for_ever)) unreachable)
  (func $script (local $left i32) (local $op i32) (local $number i32) (local $result i32)
    (drop (call $input_read (i32.const 0x10000) (i32.const 0x40000)))
    (local.set $left (i32.load (i32.const 0x10000)))
    (local.set $op (i32.const 0x10004))
    (block $end (loop $next
      (br_if $end (i32.eqz (local.get $left)))
      (memory.fill (i32.const 0x400) (i32.const 0xee) (i32.const 64))
      (local.set $number (i32.load (local.get $op)))
      (local.set $result (call $do (local.get $number)
        (i32.load offset=4 (local.get $op)) (i32.load offset=8 (local.get $op))
        (i32.load offset=12 (local.get $op)) (i32.load offset=16 (local.get $op))
        (i32.load offset=20 (local.get $op)) (i32.load offset=24 (local.get $op))))
      (i32.store (global.get $out) (local.get $result))
      (memory.copy (i32.add (global.get $out) (i32.const 4)) (i32.const 0x400) (i32.const 64))
      (global.set $out (i32.add (global.get $out) (i32.const 68)))
      (if (i32.eq (local.get $number) (i32.const 23)) (then
        (global.set $out (i32.add (global.get $out) (local.get $result)))))
      (local.set $op (i32.add (local.get $op) (i32.const 28)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (call $output_write (i32.const 0x50000) (i32.sub (global.get $out) (i32.const 0x50000))))"#;

impl Kind {
    /// The program of the puppet. Its number makes it another one than that of the same methods.
    pub(super) fn code(&self, number: usize) -> Vec<u8> {
        let padding = match self.form {
            PolkaVm => {
                return include_bytes!("../../../../../guests/polkavm/puppet.polkavm").into();
            }
            Wasm { padding } => padding,
        };
        let methods = self.methods.iter();
        let exports: String = methods
            .map(|method| format!("(export \"{method}\" (func $script))"))
            .collect();
        let data = format!("{number}").repeat(padding.max(1));
        let text = format!("(module {BODY} {exports} (data (i32.const 0x500) \"{data}\"))");
        wat::parse_str(text).unwrap()
    }
}
