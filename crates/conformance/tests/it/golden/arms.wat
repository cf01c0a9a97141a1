(module
  (type (;0;) (func (param i64) (result i64)))
  (type (;1;) (func (param i64 i64) (result i64)))
  (type (;2;) (func (param i64) (result i64)))
  (type (;3;) (func (param i32) (result i32)))
  (type (;4;) (func (param i32 i64) (result i64)))
  (type (;5;) (func))
  (type (;6;) (func (param i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64) (result i64 i64)))
  (type (;9;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;10;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;11;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;12;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;13;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 1) (param i64 i64) (result i64)))
  (import "fusee:host" "grow" (func (;1;) (type 3) (param i32) (result i32)))
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 0)
  (global (;2;) (mut i64) i64.const 0)
  (export "arms" (func 7))
  (export "fusee:gas" (global 0))
  (export "fusee:reset" (func 8))
  (func (;2;) (type 6) (param $n i64) (param i64) (result i64 i64)
    (local $rounds i64)
    local.get 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      call 3
      local.set 1
    end
    local.get 1
    i64.const -655360
    i64.add
    local.set 1
    block ;; label = @1
      loop ;; label = @2
        block ;; label = @3
          loop ;; label = @4
            local.get 1
            i64.const 0
            i64.lt_s
            (@metadata.code.branch_hint "\00")
            br_if 1 (;@3;)
            local.get $n
            i64.const 1
            i64.and
            i64.eqz
            if ;; label = @5
              local.get 1
              i64.const -2228224
              i64.add
              local.set 1
              local.get $n
              i64.const 1
              i64.shr_u
              local.set $n
            else
              local.get 1
              i64.const -2621440
              i64.add
              local.set 1
              local.get $n
              i64.const 3
              i64.mul
              i64.const 1
              i64.add
              local.set $n
            end
            local.get $rounds
            i64.const 1
            i64.add
            local.set $rounds
            local.get $n
            i64.const 1
            i64.ne
            br_if 0 (;@4;)
          end
          br 2 (;@1;)
        end
        local.get $n
        global.set 1
        local.get $rounds
        global.set 2
        local.get 1
        call 3
        local.set 1
        global.get 1
        local.set $n
        global.get 2
        local.set $rounds
        br 0 (;@2;)
      end
    end
    local.get $rounds
    local.get 1
    i64.const 524288
    i64.add
  )
  (func (;3;) (type 2) (param i64) (result i64)
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
  (func (;4;) (type 4) (param i32 i64) (result i64)
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
      call 3
      local.set 1
    end
    local.get 1
  )
  (func (;5;) (type 4) (param i32 i64) (result i64)
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
      call 3
      local.set 1
    end
    local.get 1
  )
  (func (;6;) (type 4) (param i32 i64) (result i64)
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
      call 3
      local.set 1
    end
    local.get 1
  )
  (func (;7;) (type 6) (param i64 i64) (result i64 i64)
    local.get 0
    local.get 1
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call 2
    i64.const 17
    i64.shr_s
  )
  (func (;8;) (type 5))
)

