;; Loops forever before any method is called: legal, and metered like everything else.
(module $start_loop
  (memory (export "memory") 1)
  (start $spin)
  (func (export "deploy"))
  (func (export "run"))
  (func $spin
    (loop $again (br $again))))
