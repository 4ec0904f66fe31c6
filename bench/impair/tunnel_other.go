//go:build !linux

package impair

import "errors"

func newTunnel(string, [2]*lane, []Device) (carrier, error) {
	return nil, errors.New("TUN devices are made on Linux only")
}
