;; Pure functions for tests of an engine alone: no imports, no contract.
(module $arith
  (memory (export "memory") 1)

  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))

  (func $fac (export "fac") (param $n i64) (result i64)
    (if (result i64) (i64.lt_s (local.get $n) (i64.const 2))
      (then (i64.const 1))
      (else (i64.mul (local.get $n) (call $fac (i64.sub (local.get $n) (i64.const 1)))))))

  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_s (local.get $n) (i32.const 2))
      (then (local.get $n))
      (else
        (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2)))))))

  (func (export "div") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))

  ;; Two results, in the other order.
  (func (export "swap") (param i32 i64) (result i64 i32)
    (local.get 1)
    (local.get 0))

  (func (export "crash")
    (unreachable))

  ;; The first byte behind the memory.
  (func (export "oob")
    (drop (i32.load8_u (i32.const 65536))))

  (func (export "spin")
    (loop $again (br $again)))

  (func $recurse (export "recurse")
    (call $recurse)))
