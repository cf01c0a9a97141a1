;; Two functions that call each other forever through a table: the call graph does not show it.
(module $indirect_recursion
  (type $step (func (param i64) (result i64)))
  (memory (export "memory") 1)
  (table 2 2 funcref)
  (elem (i32.const 0) $even $odd)
  (func (export "deploy"))
  (func (export "run")
    (drop (call $even (i64.const 0))))
  (func $even (type $step)
    (i64.add (call_indirect (type $step) (local.get 0) (i32.const 1)) (i64.const 2)))
  (func $odd (type $step)
    (i64.add (call_indirect (type $step) (local.get 0) (i32.const 0)) (i64.const 1))))
