;; A script that keeps a sum: it adds its input, a number of up to 8 bytes, and returns the sum.
(module
  (import "scripts" "input" (func $input (param i32 i32)))
  (import "scripts" "output" (func $output (param i32 i32)))
  (import "scripts" "load" (func $load (param i32 i32)))
  (import "scripts" "store" (func $store (param i32 i32)))
  (memory 1)
  (func (export "main") (param $length i32)
    (call $load (i32.const 0) (i32.const 0))
    (call $input (i32.const 32) (i32.const 8))
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.load (i32.const 32))))
    (call $store (i32.const 0) (i32.const 0))
    (call $output (i32.const 0) (i32.const 8))))
