(module
  (type (;0;) (func (param f64 f32) (result f64)))
  (type (;1;) (func (param f64) (result f64)))
  (type (;2;) (func (param i64 i64) (result i64)))
  (type (;3;) (func (param i64) (result i64 i64)))
  (type (;4;) (func (param i64 i64) (result i64 i64)))
  (type (;5;) (func (param i64 i64 i64) (result i64 i64)))
  (type (;6;) (func (param i64 i64 i64 i64) (result i64 i64)))
  (type (;7;) (func (param i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;8;) (func (param i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (type (;9;) (func (param i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "fusee:host" "low" (func (;0;) (type 2) (param i64 i64) (result i64)))
  (global (;0;) (mut i64) i64.const 0)
  (global (;1;) (mut i64) i64.const 262144)
  (export "chain" (func 1))
  (export "signs" (func 2))
  (export "fusee:gas" (global 0))
  (func (;1;) (type 0) (param f64 f32) (result f64)
    (local i64 i64 f32 f64)
    global.get 0
    i64.const 54
    i64.sub
    local.tee 2
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 2
      i64.const 0
      call 3
      local.set 2
    end
    block (result f64) ;; label = @1
      local.get 1
      f32.sqrt
      f64.promote_f32
      local.tee 5
      f64.const nan (;=NaN;)
      local.get 5
      local.get 5
      f64.eq
      select
      local.get 0
      local.get 0
      local.get 0
      f64.mul
      f64.add
      f64.div
      local.tee 5
      f64.const nan (;=NaN;)
      local.get 5
      local.get 5
      f64.eq
      select
    end
    local.get 2
    global.set 0
  )
  (func (;2;) (type 1) (param f64) (result f64)
    (local i64 i64)
    global.get 0
    i64.const 2
    i64.sub
    local.tee 1
    i64.const 0
    i64.lt_s
    (@metadata.code.branch_hint "\00")
    if ;; label = @1
      local.get 1
      i64.const 0
      call 3
      local.set 1
    end
    block (result f64) ;; label = @1
      local.get 0
      f64.neg
    end
    local.get 1
    global.set 0
  )
  (func (;3;) (type 2) (param i64 i64) (result i64)
    local.get 0
    local.get 1
    call 0
  )
)

