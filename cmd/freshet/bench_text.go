package main

import "io"

// text is where people read along: standard output, or standard error when that has
// the JSON lines; nowhere with --quiet.
func (o benchOutput) text(con console) io.Writer {
	switch {
	case o.Quiet:
		return io.Discard
	case o.JSON == "-":
		return con.err
	}
	return con.out
}
