;; Grows its memory by a page forever, and touches each new page; goes on asking when it gets none.
(module $memory_grower
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "run") (local $old i32)
    (loop $again
      (local.set $old (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $old) (i32.const -1))
        (then (i32.store8 (i32.shl (local.get $old) (i32.const 16)) (i32.const 1))))
      (br $again))))
