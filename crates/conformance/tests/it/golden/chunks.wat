(module
  (type (;0;) (func (param i32)))
  (type (;1;) (func (param i64 i64) (result i64)))
  (type (;2;) (func (param i64) (result i64)))
  (type (;3;) (func (param i32) (result i32)))
  (type (;4;) (func (param i32 i64) (result i64)))
  (type (;5;) (func))
  (type (;6;) (func (param i32 i64) (result i64)))
  (type (;7;) (func (param i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64) (result i64 i64)))
  (type (;9;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;10;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;11;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;12;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;13;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;14;) (func (param i32 i32 i32 i64) (result i64)))
  (type (;15;) (func (param i32 i32 i32)))
  (import "fusee:host" "low" (func (;0;) (type 1) (param i64 i64) (result i64)))
  (import "fusee:host" "grow" (func (;1;) (type 3) (param i32) (result i32)))
  (memory (;0;) 1 1024)
  (global (;0;) (mut i64) i64.const 0)
  (export "memory" (memory 0))
  (export "run" (func 9))
  (export "fusee:gas" (global 0))
  (export "fusee:memory" (memory 0))
  (export "fusee:reset" (func 10))
  (func (;2;) (type 6) (param i32 i64) (result i64)
    (local i32)
    local.get 1
    i64.const -18087936
    i64.add
    local.set 1
    local.get 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      call 3
      local.set 1
    end
    i32.const 0
    i32.const 0
    i32.const 1048576
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    memory.fill
    i32.const 0
    i32.const 0
    i32.const 1048577
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    local.get 2
    i32.const 1048576
    i32.gt_u
    (@metadata.code.branch_hint "\00")
    if (type 15) (param i32 i32 i32) ;; label = @1
      local.get 1
      call 7
      local.set 1
    else
      memory.fill
    end
    i32.const 0
    i32.const 0
    local.get 0
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    local.get 2
    i32.const 1048576
    i32.gt_u
    (@metadata.code.branch_hint "\00")
    if (type 15) (param i32 i32 i32) ;; label = @1
      local.get 1
      call 7
      local.set 1
    else
      memory.fill
    end
    i32.const 0
    i32.const 9
    i32.const 100
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    memory.copy
    i32.const 0
    i32.const 9
    i32.const -1
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    local.get 2
    i32.const 1048576
    i32.gt_u
    (@metadata.code.branch_hint "\00")
    if (type 15) (param i32 i32 i32) ;; label = @1
      local.get 1
      call 8
      local.set 1
    else
      memory.copy
    end
    i32.const 0
    i32.const 9
    local.get 0
    local.tee 2
    local.get 2
    local.get 1
    call 5
    local.set 1
    local.get 2
    i32.const 1048576
    i32.gt_u
    (@metadata.code.branch_hint "\00")
    if (type 15) (param i32 i32 i32) ;; label = @1
      local.get 1
      call 8
      local.set 1
    else
      memory.copy
    end
    local.get 1
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
    i64.const 131072000
    memory.size
    local.get 0
    i32.const 65536
    local.get 0
    i32.const 65536
    i32.lt_u
    select
    i32.add
    i32.const 32
    i32.le_u
    select
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
  (func (;7;) (type 14) (param i32 i32 i32 i64) (result i64)
    local.get 0
    i64.extend_i32_u
    local.get 2
    i64.extend_i32_u
    i64.add
    memory.size
    i64.extend_i32_u
    i64.const 16
    i64.shl
    i64.le_u
    if ;; label = @1
      loop ;; label = @2
        local.get 0
        local.get 1
        i32.const 1048576
        memory.fill
        local.get 0
        i32.const 1048576
        i32.add
        local.set 0
        local.get 2
        i32.const 1048576
        i32.sub
        local.set 2
        local.get 3
        call 3
        local.set 3
        local.get 2
        i32.const 1048576
        i32.gt_u
        br_if 0 (;@2;)
      end
    end
    local.get 0
    local.get 1
    local.get 2
    memory.fill
    local.get 3
  )
  (func (;8;) (type 14) (param i32 i32 i32 i64) (result i64)
    local.get 0
    i64.extend_i32_u
    local.get 2
    i64.extend_i32_u
    i64.add
    memory.size
    i64.extend_i32_u
    i64.const 16
    i64.shl
    i64.le_u
    local.get 1
    i64.extend_i32_u
    local.get 2
    i64.extend_i32_u
    i64.add
    memory.size
    i64.extend_i32_u
    i64.const 16
    i64.shl
    i64.le_u
    i32.and
    if ;; label = @1
      local.get 0
      local.get 1
      i32.le_u
      if ;; label = @2
        loop ;; label = @3
          local.get 0
          local.get 1
          i32.const 1048576
          memory.copy
          local.get 0
          i32.const 1048576
          i32.add
          local.set 0
          local.get 1
          i32.const 1048576
          i32.add
          local.set 1
          local.get 2
          i32.const 1048576
          i32.sub
          local.set 2
          local.get 3
          call 3
          local.set 3
          local.get 2
          i32.const 1048576
          i32.gt_u
          br_if 0 (;@3;)
        end
      else
        loop ;; label = @3
          local.get 2
          i32.const 1048576
          i32.sub
          local.set 2
          local.get 0
          local.get 2
          i32.add
          local.get 1
          local.get 2
          i32.add
          i32.const 1048576
          memory.copy
          local.get 3
          call 3
          local.set 3
          local.get 2
          i32.const 1048576
          i32.gt_u
          br_if 0 (;@3;)
        end
      end
    end
    local.get 0
    local.get 1
    local.get 2
    memory.copy
    local.get 3
  )
  (func (;9;) (type 6) (param i32 i64) (result i64)
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
  (func (;10;) (type 5))
)

