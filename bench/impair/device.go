package impair

import (
	"fmt"
	"net/netip"
	"strings"
)

// Device is a TUN device to make: its name, the address it gets, if any, and the
// network namespace it lies in, if it is not ours; in text
// "imp0=10.9.0.1/24@left".
type Device struct {
	Name      string
	Address   netip.Prefix // IPv4.
	Namespace string
}

// maxDeviceName is IFNAMSIZ without its zero.
const maxDeviceName = 15

// UnmarshalText reads "NAME[=ADDRESS/BITS][@NAMESPACE]".
func (d *Device) UnmarshalText(text []byte) error {
	rest, namespace, _ := strings.Cut(string(text), "@")
	name, address, addressed := strings.Cut(rest, "=")
	read := Device{Name: name, Namespace: namespace}
	if name == "" || len(name) > maxDeviceName || strings.ContainsAny(namespace, "/") {
		return fmt.Errorf("%q is no device such as imp0=10.9.0.1/24@left", text)
	}
	if addressed {
		prefix, err := netip.ParsePrefix(address)
		if err != nil || !prefix.Addr().Is4() {
			return fmt.Errorf("%q is no device: %q is no IPv4 prefix such as 10.9.0.1/24", text, address)
		}
		read.Address = prefix
	}
	*d = read
	return nil
}
