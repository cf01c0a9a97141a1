;; Every kind of trap, each at once, and each after work: burn_then_*(n: i32) works for n rounds first.
(module $traps
  (type $nothing (func))
  (memory (export "memory") 1 1)
  ;; 0: a function without parameters; 1: one with a parameter; 2: null.
  (table 3 3 funcref)
  (elem (i32.const 0) $deploy $burn)
  (global $work (mut i64) (i64.const 1))

  (func $deploy (export "deploy"))

  (func $unreachable (export "unreachable")
    (unreachable))
  (func $div_by_zero (export "div_by_zero")
    (drop (i32.div_s (i32.const 1) (i32.const 0))))
  (func $div_overflow (export "div_overflow")
    (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
  (func $rem_by_zero (export "rem_by_zero")
    (drop (i64.rem_u (i64.const 1) (i64.const 0))))
  ;; The last seven bytes of the load are outside.
  (func $oob_load (export "oob_load")
    (drop (i64.load (i32.const 65535))))
  ;; Address and offset together pass 32 bits; they must not wrap.
  (func $oob_store (export "oob_store")
    (i32.store offset=0xffffffff (i32.const 1) (i32.const 7)))
  (func $oob_fill (export "oob_fill")
    (memory.fill (i32.const 65000) (i32.const 7) (i32.const 1000)))
  ;; The source is outside, the destination is not.
  (func $oob_copy (export "oob_copy")
    (memory.copy (i32.const 0) (i32.const 65000) (i32.const 1000)))
  (func $table_oob (export "table_oob")
    (call_indirect (type $nothing) (i32.const 3)))
  (func $null_call (export "null_call")
    (call_indirect (type $nothing) (i32.const 2)))
  (func $bad_signature (export "bad_signature")
    (call_indirect (type $nothing) (i32.const 1)))
  (func $stack_overflow (export "stack_overflow")
    (call $stack_overflow))

  (func (export "burn_then_unreachable") (param i32)
    (call $burn (local.get 0)) (call $unreachable))
  (func (export "burn_then_div_by_zero") (param i32)
    (call $burn (local.get 0)) (call $div_by_zero))
  (func (export "burn_then_div_overflow") (param i32)
    (call $burn (local.get 0)) (call $div_overflow))
  (func (export "burn_then_rem_by_zero") (param i32)
    (call $burn (local.get 0)) (call $rem_by_zero))
  (func (export "burn_then_oob_load") (param i32)
    (call $burn (local.get 0)) (call $oob_load))
  (func (export "burn_then_oob_store") (param i32)
    (call $burn (local.get 0)) (call $oob_store))
  (func (export "burn_then_oob_fill") (param i32)
    (call $burn (local.get 0)) (call $oob_fill))
  (func (export "burn_then_oob_copy") (param i32)
    (call $burn (local.get 0)) (call $oob_copy))
  (func (export "burn_then_table_oob") (param i32)
    (call $burn (local.get 0)) (call $table_oob))
  (func (export "burn_then_null_call") (param i32)
    (call $burn (local.get 0)) (call $null_call))
  (func (export "burn_then_bad_signature") (param i32)
    (call $burn (local.get 0)) (call $bad_signature))
  (func (export "burn_then_stack_overflow") (param i32)
    (call $burn (local.get 0)) (call $stack_overflow))

  ;; Works for n rounds, none if n is not positive. The global keeps the work from being dropped.
  (func $burn (param $n i32)
    (block $done
      (loop $round
        (br_if $done (i32.le_s (local.get $n) (i32.const 0)))
        (global.set $work
          (i64.add (i64.mul (global.get $work) (i64.const 6364136223846793005)) (i64.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $round)))))
