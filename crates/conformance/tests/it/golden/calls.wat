(module
  (type $none (;0;) (func))
  (type (;1;) (func (param i32 i64) (result i64)))
  (type (;2;) (func (result i64)))
  (type (;3;) (func (param i64 i64) (result i64)))
  (type (;4;) (func (param i64) (result i64 i64)))
  (type (;5;) (func (param i64 i64) (result i64 i64)))
  (type (;6;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;9;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;10;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 3) (param i64 i64) (result i64)))
  (import "fusee:host" "0" (func (;1;) (type 6) (param i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "1" (func (;2;) (type 4) (param i64) (result i64 i64)))
  (table (;0;) 2 16384 funcref)
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 262144)
  (export "run" (func 6))
  (export "tick" (func $tick))
  (export "fusee:gas" (global 0))
  (export "fusee:start" (func $start))
  (elem (;0;) (i32.const 0) func $tick $start)
  (func $add (;3;) (type 1) (param i32 i64) (result i64)
    global.get 0
    i64.const 0
    i64.lt_s
    if ;; label = @1
      global.get 0
      i64.const 0
      call 7
      global.set 0
    end
    global.get 0
    local.get 0
    i64.extend_i32_u
    local.get 1
    call 1
    global.set 0
  )
  (func $tick (;4;) (type $none)
    global.get 0
    i64.const 0
    i64.lt_s
    if ;; label = @1
      global.get 0
      i64.const 0
      call 7
      global.set 0
    end
    global.get 0
    call 2
    global.set 0
    drop
  )
  (func $start (;5;) (type $none)
    (local i64 i64)
    global.get 0
    i64.const 9
    i64.sub
    local.tee 0
    global.get 1
    i64.const 72
    i64.sub
    local.tee 1
    global.set 1
    local.get 1
    i64.or
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      local.get 1
      call 7
      local.set 0
    end
    block ;; label = @1
      i32.const 0
      local.get 0
      global.set 0
      call_indirect (type $none)
      global.get 0
      local.set 0
    end
    local.get 0
    global.set 0
    global.get 1
    i64.const 72
    i64.add
    global.set 1
  )
  (func (;6;) (type 2) (result i64)
    (local i64 i64)
    global.get 0
    i64.const 6
    i64.sub
    local.tee 0
    global.get 1
    i64.const 80
    i64.sub
    local.tee 1
    global.set 1
    local.get 1
    i64.or
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      local.get 1
      call 7
      local.set 0
    end
    block (result i64) ;; label = @1
      i32.const 1
      i64.const 2
      local.get 0
      global.set 0
      call $add
      global.get 0
      local.set 0
    end
    local.get 0
    global.set 0
    global.get 1
    i64.const 80
    i64.add
    global.set 1
  )
  (func (;7;) (type 3) (param i64 i64) (result i64)
    local.get 0
    local.get 1
    call 0
  )
)

