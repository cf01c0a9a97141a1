;; Fills and copies a megabyte, forever: two instructions that do the work of many.
(module $bulk_copies
  (memory (export "memory") 32 32)
  (func (export "deploy"))
  (func (export "run")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 0x100000))
      (memory.copy (i32.const 0x100000) (i32.const 0) (i32.const 0x100000))
      (br $again))))
