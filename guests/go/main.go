// A contract in Go, with what needs its runtime: maps, goroutines, a clock.
package main

import (
	"strconv"
	"time"
	"unsafe"
)

//go:wasmimport fusee output_write
func outputWrite(from unsafe.Pointer, length uint32)

//go:wasmimport wasi_snapshot_preview1 proc_exit
func procExit(code uint32)

//go:wasmexport empty
func empty() {}

//go:wasmexport report
func report() {
	squares := map[int]int{}
	done := make(chan int)
	for n := range 10 {
		go func() { done <- n * n }()
	}
	for range 10 {
		square := <-done
		squares[square] = square
	}
	before := time.Now()
	time.Sleep(5 * time.Millisecond)
	text := strconv.Itoa(len(squares)) + " " + strconv.Itoa(squares[81]) + " " +
		before.UTC().Format(time.RFC3339Nano) + " " + time.Since(before).String()
	println("reported", text)
	bytes := []byte(text)
	outputWrite(unsafe.Pointer(&bytes[0]), uint32(len(bytes)))
}

//go:wasmexport panics
func panics() {
	panic("on purpose")
}

//go:wasmexport leaves
func leaves() {
	procExit(3)
}

func main() {}
