;; Loops forever; gas has to end it.
(module $endless_loop
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "run")
    (loop $again (br $again))))
