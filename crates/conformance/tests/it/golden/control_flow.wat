(module
  (type (;0;) (func (param i32) (result i64 i32)))
  (type (;1;) (func (param i64 i64) (result i64)))
  (type (;2;) (func (param i64) (result i64 i64)))
  (type (;3;) (func (param i64 i64) (result i64 i64)))
  (type (;4;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;5;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;6;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;9;) (func (result i64 i32)))
  (import "fusee:host" "low" (func (;0;) (type 1) (param i64 i64) (result i64)))
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 262144)
  (export "count" (func $count))
  (export "fusee:gas" (global 0))
  (func $count (;1;) (type 0) (param $n i32) (result i64 i32)
    (local $sum i64) (local i64 i64)
    global.get 0
    i64.const 0
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
    block (type 9) (result i64 i32) ;; label = @1
      block ;; label = @2
        loop ;; label = @3
          local.get 2
          i64.const 3
          i64.sub
          local.tee 2
          i64.const 0
          i64.lt_s
          (@metadata.code.branch_hint "\00")
          if ;; label = @4
            local.get 2
            i64.const 0
            call 2
            local.set 2
          end
          local.get $n
          i32.eqz
          br_if 1 (;@2;)
          local.get 2
          i64.const 4
          i64.sub
          local.set 2
          local.get $n
          i32.const 1
          i32.and
          if ;; label = @4
            local.get 2
            i64.const 4
            i64.sub
            local.set 2
            local.get $sum
            i64.const 1
            i64.add
            local.set $sum
          else
            local.get 2
            i64.const 3
            i64.sub
            local.set 2
            i64.const -1
            i32.const 0
            br 3 (;@1;)
          end
          local.get 2
          i64.const 5
          i64.sub
          local.set 2
          local.get $n
          i32.const 1
          i32.sub
          local.set $n
          br 0 (;@3;)
        end
      end
      local.get 2
      i64.const 2
      i64.sub
      local.set 2
      local.get $sum
      i32.const 1
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

