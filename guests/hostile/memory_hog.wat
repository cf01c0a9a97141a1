;; Declares the largest memory there is: 4 GiB at the start.
(module $memory_hog
  (memory (export "memory") 65536)
  (func (export "deploy"))
  (func (export "run")
    (i32.store8 (i32.const -1) (i32.const 1))))
