(module
  (type (;0;) (func))
  (type (;1;) (func (param i32)))
  (type (;2;) (func (param i32) (result i32)))
  (type (;3;) (func (param i64 i64) (result i64)))
  (type (;4;) (func (param i64) (result i64)))
  (type (;5;) (func (param i32) (result i32)))
  (type (;6;) (func (param i32 i64) (result i64)))
  (type (;7;) (func))
  (type (;8;) (func (param i64) (result i64)))
  (type (;9;) (func (param i32 i64) (result i64)))
  (type (;10;) (func (param i32 i64) (result i32 i64)))
  (type (;11;) (func (param i64) (result i64 i64)))
  (type (;12;) (func (param i64 i64) (result i64 i64)))
  (type (;13;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;14;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;15;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;16;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;17;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 3) (param i64 i64) (result i64)))
  (import "fusee:host" "grow" (func (;1;) (type 5) (param i32) (result i32)))
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 0)
  (export "nested" (func 10))
  (export "skips" (func 11))
  (export "operand" (func 12))
  (export "fusee:gas" (global 0))
  (export "fusee:reset" (func 13))
  (func $leaf (;2;) (type 8) (param i64) (result i64)
    local.get 0
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 0
      call 6
      local.set 0
    end
    local.get 0
  )
  (func (;3;) (type 9) (param $n i32) (param i64) (result i64)
    (local $i i32) (local $f funcref)
    local.get 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      call 6
      local.set 1
    end
    local.get 1
    i64.const -917504
    i64.add
    local.set 1
    loop ;; label = @1
      i32.const 3
      local.set $i
      block ;; label = @2
        loop ;; label = @3
          block ;; label = @4
            loop ;; label = @5
              local.get 1
              i64.const 0
              i64.lt_s
              (@metadata.code.branch_hint "\00")
              br_if 1 (;@4;)
              local.get 1
              i64.const -655360
              i64.add
              local.set 1
              local.get $i
              i32.const 1
              i32.sub
              local.tee $i
              br_if 0 (;@5;)
              local.get 1
              i64.const -917504
              i64.add
              local.set 1
            end
            br 2 (;@2;)
          end
          local.get $i
          i64.extend_i32_u
          global.set 1
          local.get 1
          call 6
          local.set 1
          global.get 1
          i32.wrap_i64
          local.set $i
          br 0 (;@3;)
        end
      end
      local.get $n
      i32.const 1
      i32.sub
      local.tee $n
      br_if 0 (;@1;)
    end
    local.get 1
    i64.const 917504
    i64.add
  )
  (func (;4;) (type 9) (param $n i32) (param i64) (result i64)
    local.get 1
    i64.const -12
    i64.add
    local.set 1
    local.get 1
    i64.const -9223372036854710272
    i64.and
    i64.const 0
    i64.ne
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      call 6
      local.set 1
    end
    local.get 1
    i64.const -524288
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
            local.get 1
            i64.const -524288
            i64.add
            local.set 1
            local.get $n
            i32.const 1
            i32.and
            br_if 0 (;@4;)
            local.get 1
            i64.const -655360
            i64.add
            local.set 1
            local.get 1
            call $leaf
            local.set 1
            local.get 1
            i64.const -524288
            i64.add
            local.set 1
            local.get $n
            i32.const 1
            i32.sub
            local.tee $n
            br_if 0 (;@4;)
          end
          br 2 (;@1;)
        end
        local.get $n
        i64.extend_i32_u
        global.set 1
        local.get 1
        call 6
        local.set 1
        global.get 1
        i32.wrap_i64
        local.set $n
        br 0 (;@2;)
      end
    end
    local.get 1
    i64.const 524300
    i64.add
  )
  (func (;5;) (type 10) (param $n i32) (param i64) (result i32 i64)
    local.get 1
    i64.const -131072
    i64.add
    local.set 1
    local.get 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      call 6
      local.set 1
    end
    local.get 1
    i64.const -655360
    i64.add
    local.set 1
    local.get $n
    loop ;; label = @1
    end
    loop (type 2) (param i32) (result i32) ;; label = @1
      local.get 1
      i64.const 0
      i64.lt_s
      (@metadata.code.branch_hint "\00")
      if ;; label = @2
        local.get 1
        call 6
        local.set 1
      end
      local.get 1
      i64.const -655360
      i64.add
      local.set 1
      i32.const 1
      i32.sub
      local.tee $n
      local.get $n
      br_if 0 (;@1;)
    end
    local.get 1
    i64.const 655360
    i64.add
  )
  (func (;6;) (type 4) (param i64) (result i64)
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
  (func (;7;) (type 6) (param i32 i64) (result i64)
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
      call 6
      local.set 1
    end
    local.get 1
  )
  (func (;8;) (type 6) (param i32 i64) (result i64)
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
      call 6
      local.set 1
    end
    local.get 1
  )
  (func (;9;) (type 6) (param i32 i64) (result i64)
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
      call 6
      local.set 1
    end
    local.get 1
  )
  (func (;10;) (type 9) (param i32 i64) (result i64)
    local.get 0
    local.get 1
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call 3
    i64.const 17
    i64.shr_s
  )
  (func (;11;) (type 9) (param i32 i64) (result i64)
    local.get 0
    local.get 1
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call 4
    i64.const 17
    i64.shr_s
  )
  (func (;12;) (type 10) (param i32 i64) (result i32 i64)
    local.get 0
    local.get 1
    i64.const 17
    i64.shl
    i64.const 32768
    i64.add
    call 5
    i64.const 17
    i64.shr_s
  )
  (func (;13;) (type 7))
)

