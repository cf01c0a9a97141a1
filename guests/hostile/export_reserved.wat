;; Exports a name that belongs to the metering.
(module $export_reserved
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "run"))
  (func (export "fusee:gas") (result i64)
    (i64.const 0x7fffffffffffffff)))
