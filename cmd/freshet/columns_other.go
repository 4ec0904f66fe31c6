//go:build !unix

package main

import "io"

// columns is not known here.
func columns(io.Writer) func() int { return func() int { return 0 } }
