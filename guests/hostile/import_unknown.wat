;; Imports what nobody offers: a foreign function, an unknown syscall, and the memory.
(module $import_unknown
  (import "env" "not_there" (func $not_there))
  (import "fusee" "no_such_syscall" (func $no_such_syscall (param i32) (result i32)))
  (import "env" "memory" (memory 1))
  (func (export "deploy"))
  (func (export "run")
    (call $not_there)
    (drop (call $no_such_syscall (i32.const 0)))))
