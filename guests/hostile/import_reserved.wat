;; Imports from the module that belongs to the metering; if it could, it would refund itself gas.
(module $import_reserved
  (import "fusee:meter" "charge" (func $charge (param i64)))
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "run")
    (call $charge (i64.const -1000000))))
