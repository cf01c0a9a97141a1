;; Computes with floating point, and shows the bits of a NaN, which differ between machines.
(module $floats
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "run") (local $zero f64)
    (f64.store (i32.const 0) (f64.div (local.get $zero) (local.get $zero)))
    (f64.store (i32.const 8) (f64.sqrt (f64.const 2)))))
