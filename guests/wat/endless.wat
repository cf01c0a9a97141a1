;; A script for the playground that never ends.
(module
  (import "playground" "set" (func $set (param i64 i64)))
  (func (export "main") (param i64)
    (call $set (i64.const 0) (i64.const 666))
    (loop $again (br $again))))
