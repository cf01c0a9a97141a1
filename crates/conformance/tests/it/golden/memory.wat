(module
  (type (;0;) (func (param i32)))
  (type (;1;) (func (param i64 i64) (result i64)))
  (type (;2;) (func (param i64) (result i64 i64)))
  (type (;3;) (func (param i64 i64) (result i64 i64)))
  (type (;4;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;5;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;6;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 1) (param i64 i64) (result i64)))
  (table (;0;) 1 16384 funcref)
  (memory (;0;) 1 1024)
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 262144)
  (export "memory" (memory 0))
  (export "run" (func 1))
  (export "fusee:gas" (global 0))
  (export "fusee:memory" (memory 0))
  (func (;1;) (type 0) (param i32)
    (local i64 i64)
    global.get 0
    i64.const 200
    i64.sub
    local.tee 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      i64.const 0
      call 2
      local.set 1
    end
    block ;; label = @1
      i32.const 0
      i32.const 0
      local.get 0
      i64.extend_i32_u
      local.tee 2
      i32.wrap_i64
      local.get 1
      local.get 2
      i64.const 63
      i64.add
      i64.const 6
      i64.shr_u
      i64.const 8
      i64.mul
      i64.sub
      local.tee 1
      i64.const 0
      i64.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 1
        i64.const 0
        call 2
        local.set 1
      end
      memory.fill
      i32.const 0
      i32.const 0
      i32.const 3
      i64.extend_i32_u
      local.tee 2
      i32.wrap_i64
      local.get 1
      local.get 2
      i64.const 63
      i64.add
      i64.const 6
      i64.shr_u
      i64.const 8
      i64.mul
      i64.sub
      local.tee 1
      i64.const 0
      i64.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 1
        i64.const 0
        call 2
        local.set 1
      end
      memory.init $d
      local.get 0
      i64.extend_i32_u
      local.tee 2
      i32.wrap_i64
      local.get 1
      local.get 2
      i64.const 1000
      i64.mul
      i64.sub
      local.tee 1
      i64.const 0
      i64.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 1
        i64.const 0
        call 2
        local.set 1
      end
      memory.grow
      drop
      ref.null func
      local.get 0
      i64.extend_i32_u
      local.tee 2
      i32.wrap_i64
      local.get 1
      local.get 2
      i64.const 4
      i64.mul
      i64.sub
      local.tee 1
      i64.const 0
      i64.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 1
        i64.const 0
        call 2
        local.set 1
      end
      table.grow 0
      drop
      local.get 1
      global.set 0
      unreachable
    end
    local.get 1
    global.set 0
  )
  (func (;2;) (type 1) (param i64 i64) (result i64)
    local.get 0
    local.get 1
    call 0
  )
  (data $d (;0;) "abc")
)

