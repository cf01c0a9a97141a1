;; The counter guest: one stored number, in the fewest words.
;;
;; Every change emits an event "count" with the new number. Numbers are u64, little-endian; the sum
;; wraps. A counter that was never written counts from 0.
(module $counter
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "storage_read" (func $storage_read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
  (import "fusee" "event_emit" (func $event_emit (param i32 i32 i32 i32)))

  ;; 0: the number; 8: the input; 16: the key, which is the topic too; 32: the message.
  (memory (export "memory") 1)
  (data (i32.const 16) "count")
  (data (i32.const 32) "add takes eight bytes")

  ;; deploy(): stores 0.
  (func (export "deploy")
    (call $write))

  ;; increment() -> u64: adds one.
  (func (export "increment")
    (call $add (i64.const 1)))

  ;; add(n: u64) -> u64: adds n.
  (func (export "add")
    (if (i32.ne (call $input_read (i32.const 8) (i32.const 8)) (i32.const 8))
      (then (call $revert (i32.const 32) (i32.const 21))))
    (call $add (i64.load (i32.const 8))))

  ;; value() -> u64
  (func (export "value")
    (call $read)
    (call $output))

  (func $add (param $n i64)
    (call $read)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get $n)))
    (call $write)
    (call $event_emit (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 8))
    (call $output))

  (func $read
    (drop (call $storage_read (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 8))))

  (func $write
    (call $storage_write (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 8)))

  (func $output
    (call $output_write (i32.const 0) (i32.const 8))))
