;; Calls itself forever; gas or the limit of the stack has to end it.
(module $endless_recursion
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func $run (export "run")
    (call $run)))
