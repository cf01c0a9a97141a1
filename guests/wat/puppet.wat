;; A contract that does what its input says, one syscall after the other, and outputs what each came to.
;;
;; Its input is the number of operations (u64); the operations, of 40 bytes each: a number and four arguments (u64), filled up to
;; 8,192 bytes; and data, which lie at 0x12000 then. Of each operation it notes 112 bytes: the result (i64), the gas left (u64), and
;; the 96 bytes at 64, which the operation may have written, and which are 0xee before it.
(module
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "gas_left" (func $gas_left (result i64)))
  (import "fusee" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "return_data_read" (func $return_data_read (param i32 i32) (result i32)))
  (import "fusee" "oracle_request" (func $oracle_request (param i32 i32) (result i32)))
  (import "fusee" "restrict_imports" (func $restrict_imports (param i32 i32)))
  (import "env" "ext_virtualization_compile_from_bytes_version_1" (func $compile (param i64 i64) (result i64)))
  (import "env" "ext_virtualization_lookup_version_1" (func $lookup (param i64) (result i64)))
  (import "env" "ext_virtualization_compile_from_storage_key_version_1" (func $compile_key (param i64 i64) (result i64)))
  (import "env" "ext_virtualization_instantiate_version_1" (func $instantiate (param i32) (result i64)))
  (import "env" "ext_virtualization_prepare_version_1" (func $prepare (param i32 i64) (result i64)))
  (import "env" "ext_virtualization_run_version_1" (func $run (param i32 i64 i64 i32) (result i64)))
  (import "env" "ext_virtualization_destroy_version_1" (func $destroy (param i32) (result i64)))
  (import "env" "ext_virtualization_read_memory_version_1" (func $read (param i32 i32 i64) (result i64)))
  (import "env" "ext_virtualization_write_memory_version_1" (func $write (param i32 i32 i64) (result i64)))
  (memory (export "memory") 10)
  (func $low (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func $high (param i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 32))))
  (func $do (param $op i32) (param $a i64) (param $b i64) (param $c i64) (param $d i64) (result i64)
    (block $16 (block $15 (block $14 (block $13 (block $12 (block $11 (block $10 (block $9
    (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 $11 $12 $13 $14 $15 $16 (local.get $op)))
      (return (call $compile (local.get $a) (local.get $b))))
      (return (call $lookup (local.get $a))))
      (return (call $compile_key (local.get $a) (local.get $b))))
      (return (call $instantiate (call $low (local.get $a)))))
      (return (call $prepare (call $low (local.get $a)) (local.get $b))))
      (return (call $run (call $low (local.get $a)) (local.get $b) (local.get $c) (call $low (local.get $d)))))
      (return (call $destroy (call $low (local.get $a)))))
      (return (call $read (call $low (local.get $a)) (call $low (local.get $b)) (local.get $c))))
      (return (call $write (call $low (local.get $a)) (call $low (local.get $b)) (local.get $c))))
      ;; 9: asks the host
      (return (i64.extend_i32_s (call $oracle_request (call $low (local.get $a)) (call $high (local.get $a))))))
      ;; 10: calls the address at a, method b, input c, with the options at d
      (return (i64.extend_i32_s (call $call (call $low (local.get $a))
        (call $low (local.get $b)) (call $high (local.get $b))
        (call $low (local.get $c)) (call $high (local.get $c)) (call $low (local.get $d))))))
      ;; 11
      (call $restrict_imports (call $low (local.get $a)) (call $high (local.get $a))) (return (i64.const 0)))
      ;; 12
      unreachable)
      ;; 13
      (call $revert (call $low (local.get $a)) (call $high (local.get $a))) (return (i64.const 0)))
      ;; 14: writes b under a
      (call $storage_write (call $low (local.get $a)) (call $high (local.get $a))
        (call $low (local.get $b)) (call $high (local.get $b))) (return (i64.const 0)))
      ;; 15: the bytes of the return data from a on become the buffer
      (local.set $d (i64.extend_i32_s (call $return_data_read (i32.const 0x80000) (i32.const 0x20000))))
      (memory.copy (i32.const 64) (i32.add (i32.const 0x80000) (call $low (local.get $a))) (i32.const 96))
      (return (local.get $d)))
    unreachable)
  (func (export "script") (local $left i32) (local $op i32) (local $out i32)
    (drop (call $input_read (i32.const 0x10000) (i32.const 0x80000)))
    (local.set $left (i32.load (i32.const 0x10000)))
    (local.set $op (i32.const 0x10008))
    (local.set $out (i32.const 0x1000))
    (loop $next
      (if (local.get $left) (then
        (memory.fill (i32.const 64) (i32.const 0xee) (i32.const 96))
        (i64.store (local.get $out) (call $do (i32.load (local.get $op))
          (i64.load offset=8 (local.get $op)) (i64.load offset=16 (local.get $op))
          (i64.load offset=24 (local.get $op)) (i64.load offset=32 (local.get $op))))
        (i64.store offset=8 (local.get $out) (call $gas_left))
        (memory.copy (i32.add (local.get $out) (i32.const 16)) (i32.const 64) (i32.const 96))
        (local.set $out (i32.add (local.get $out) (i32.const 112)))
        (local.set $op (i32.add (local.get $op) (i32.const 40)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next))))
    (call $output_write (i32.const 0x1000) (i32.sub (local.get $out) (i32.const 0x1000)))))
