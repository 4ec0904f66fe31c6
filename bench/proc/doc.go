// Package proc reads from /proc (proc(5), Linux) what processes cost: processor time
// and resident memory, of one or of a program with all its children, and how busy the
// machine is. The server under test is measured so, apart from who loads it.
package proc
