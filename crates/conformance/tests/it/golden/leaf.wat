(module
  (type (;0;) (func (param i32 i32) (result i32)))
  (type (;1;) (func (param i64 i64) (result i64)))
  (type (;2;) (func (param i64) (result i64 i64)))
  (type (;3;) (func (param i64 i64) (result i64 i64)))
  (type (;4;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;5;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;6;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 1) (param i64 i64) (result i64)))
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 262144)
  (export "add" (func $add))
  (export "fusee:gas" (global 0))
  (func $add (;1;) (type 0) (param $left i32) (param $right i32) (result i32)
    (local i64 i64)
    global.get 0
    i64.const 3
    i64.sub
    local.tee 2
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 2
      i64.const 0
      call 2
      local.set 2
    end
    block (result i32) ;; label = @1
      local.get $left
      local.get $right
      i32.add
    end
    local.get 2
    global.set 0
  )
  (func (;2;) (type 1) (param i64 i64) (result i64)
    local.get 0
    local.get 1
    call 0
  )
)

