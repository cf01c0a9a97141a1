(module
  (type $none (;0;) (func))
  (type (;1;) (func (param i32 i64) (result i64)))
  (type (;2;) (func (result i64)))
  (type (;3;) (func (param i64 i64) (result i64)))
  (type (;4;) (func (param i64) (result i64)))
  (type (;5;) (func (param i32) (result i32)))
  (type (;6;) (func (param i32 i64) (result i64)))
  (type (;7;) (func))
  (type (;8;) (func (param i64) (result i64)))
  (type (;9;) (func (param i32 i64 i64) (result i64 i64)))
  (type (;10;) (func (param i64) (result i64 i64)))
  (type (;11;) (func (param i64) (result i64 i64)))
  (type (;12;) (func (param i64 i64) (result i64 i64)))
  (type (;13;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;14;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;15;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;16;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;17;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 3) (param i64 i64) (result i64)))
  (import "fusee:host" "grow" (func (;1;) (type 5) (param i32) (result i32)))
  (import "fusee:host" "0" (func (;2;) (type 13) (param i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "1" (func (;3;) (type 11) (param i64) (result i64 i64)))
  (table (;0;) 2 16384 funcref)
  (global (;0;) (mut i64) i64.const 0)
  (export "run" (func 12))
  (export "tick" (func 13))
  (export "fusee:gas" (global 0))
  (export "fusee:start" (func 14))
  (export "fusee:reset" (func 15))
  (elem (;0;) (i32.const 0) func $tick $start)
  (func $add (;4;) (type 9) (param i32 i64 i64) (result i64 i64)
    local.get 2
    i64.const 0
    i64.lt_s
    if ;; label = @1
      local.get 2
      call 8
      local.set 2
    end
    local.get 2
    i64.const 17
    i64.shr_s
    local.get 0
    i64.extend_i32_u
    local.get 1
    call 2
    i64.const 17
    i64.shl
    local.get 2
    i64.const 47
    i64.shl
    i64.const 47
    i64.shr_s
    i64.add
    local.set 2
    local.get 2
  )
  (func $tick (;5;) (type 8) (param i64) (result i64)
    local.get 0
    i64.const 0
    i64.lt_s
    if ;; label = @1
      local.get 0
      call 8
      local.set 0
    end
    local.get 0
    i64.const 17
    i64.shr_s
    call 3
    i64.const 17
    i64.shl
    local.get 0
    i64.const 47
    i64.shl
    i64.const 47
    i64.shr_s
    i64.add
    local.set 0
    drop
    local.get 0
  )
  (func $start (;6;) (type 8) (param i64) (result i64)
    (local i32)
    local.get 0
    i64.const -1179658
    i64.add
    local.set 0
    local.get 0
    i64.const -9223372036854710272
    i64.and
    i64.const 0
    i64.ne
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      call 8
      local.set 0
    end
    i32.const 0
    local.set 1
    local.get 0
    local.get 1
    call_indirect (type 8)
    local.set 0
    local.get 0
    i64.const 10
    i64.add
  )
  (func (;7;) (type 10) (param i64) (result i64 i64)
    local.get 0
    i64.const -786443
    i64.add
    local.set 0
    local.get 0
    i64.const -9223372036854710272
    i64.and
    i64.const 0
    i64.ne
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      call 8
      local.set 0
    end
    i32.const 1
    i64.const 2
    local.get 0
    call $add
    local.set 0
    local.get 0
    i64.const 11
    i64.add
  )
  (func (;8;) (type 4) (param i64) (result i64)
    (local i64)
    local.get 0
    i64.const 47
    i64.shl
    i64.const 47
    i64.shr_s
    local.set 1
    local.get 0
    local.get 1
    i64.sub
    i64.const 17
    i64.shr_s
    local.get 1
    call 0
    i64.const 17
    i64.shl
    local.get 1
    i64.add
  )
  (func (;9;) (type 6) (param i32 i64) (result i64)
    local.get 1
    local.get 0
    i32.const 65536
    local.get 0
    i32.const 65536
    i32.lt_u
    select
    i64.extend_i32_u
    i64.const 131072000
    i64.mul
    i64.sub
    local.tee 1
    i64.const 0
    i64.lt_s
    if ;; label = @1
      local.get 1
      call 8
      local.set 1
    end
    local.get 1
  )
  (func (;10;) (type 6) (param i32 i64) (result i64)
    local.get 1
    local.get 0
    i64.extend_i32_u
    i64.const 63
    i64.add
    i64.const 6
    i64.shr_u
    i64.const 1048576
    i64.mul
    i64.sub
    local.tee 1
    i64.const 0
    i64.lt_s
    if ;; label = @1
      local.get 1
      call 8
      local.set 1
    end
    local.get 1
  )
  (func (;11;) (type 6) (param i32 i64) (result i64)
    local.get 1
    local.get 0
    i64.extend_i32_u
    i64.const 524288
    i64.mul
    i64.sub
    local.tee 1
    i64.const 0
    i64.lt_s
    if ;; label = @1
      local.get 1
      call 8
      local.set 1
    end
    local.get 1
  )
  (func (;12;) (type 10) (param i64) (result i64 i64)
    local.get 0
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call 7
    i64.const 17
    i64.shr_s
  )
  (func (;13;) (type 8) (param i64) (result i64)
    local.get 0
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call $tick
    i64.const 17
    i64.shr_s
  )
  (func (;14;) (type 8) (param i64) (result i64)
    local.get 0
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call $start
    i64.const 17
    i64.shr_s
  )
  (func (;15;) (type 7))
)

