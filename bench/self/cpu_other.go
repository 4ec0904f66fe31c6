//go:build !unix

package self

import "time"

// CPU is not known here, and zero.
func CPU() time.Duration { return 0 }
