;; A script for the playground: counts its runs, and adds up their arguments.
(module
  (import "playground" "get" (func $get (param i64) (result i64)))
  (import "playground" "set" (func $set (param i64 i64)))
  (func (export "main") (param $argument i64)
    (call $set (i64.const 0) (i64.add (call $get (i64.const 0)) (i64.const 1)))
    (call $set (i64.const 1) (i64.add (call $get (i64.const 1)) (local.get $argument)))))
