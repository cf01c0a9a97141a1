;; A contract that says what it is told, everywhere where a page shows it.
(module
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
  (import "fusee" "event_emit" (func $event_emit (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "said")
  ;; say(text: string): stores it under itself, emits it as an event of its own name and as the data of `said`, and returns it.
  (func (export "say")
    (local $length i32)
    (local.set $length (call $input_read (i32.const 16) (i32.const 60000)))
    (call $storage_write (i32.const 20) (i32.const 32) (i32.const 20) (i32.sub (local.get $length) (i32.const 4)))
    (call $event_emit (i32.const 20) (i32.const 32) (i32.const 20) (i32.sub (local.get $length) (i32.const 4)))
    (call $event_emit (i32.const 0) (i32.const 4) (i32.const 16) (local.get $length))
    (call $output_write (i32.const 16) (local.get $length)))
  ;; fail(text: string): reverts with it.
  (func (export "fail")
    (local $length i32)
    (local.set $length (call $input_read (i32.const 16) (i32.const 60000)))
    (call $revert (i32.const 20) (i32.sub (local.get $length) (i32.const 4))))
  (func (export "<img src=x onerror=document.title='owned'>")))
