// Package place tells the network and the country of an address, by files in the MMDB
// format (https://maxmind.github.io/MaxMind-DB/) that the operator gets from whoever
// makes them: of autonomous systems, of countries, or one of both.
package place

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/freshet-live/freshet/transport/swarm"
)

// Database implements swarm.Places.
type Database struct {
	// Set by Open, then read-only.
	asn, country *maxminddb.Reader
}

var _ swarm.Places = (*Database)(nil)

// Open opens the files of autonomous systems and of countries; an empty name is none.
func Open(asn, country string) (*Database, error) {
	d := new(Database)
	for _, f := range []struct {
		name string
		to   **maxminddb.Reader
	}{{asn, &d.asn}, {country, &d.country}} {
		if f.name == "" {
			continue
		}
		r, err := maxminddb.Open(f.name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", f.name, err), d.Close())
		}
		*f.to = r
	}
	return d, nil
}

// Close lets go of the files.
func (d *Database) Close() error {
	var errs []error
	for _, r := range []*maxminddb.Reader{d.asn, d.country} {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}

// Place implements swarm.Places. What a file does not know, or says in another form
// than others do, is not known.
func (d *Database) Place(a netip.Addr) swarm.Place {
	var p swarm.Place
	if !a.IsValid() {
		return p
	}
	if d.asn != nil {
		_ = d.asn.Lookup(a).DecodePath(&p.ASN, "autonomous_system_number")
	}
	if d.country != nil {
		_ = d.country.Lookup(a).DecodePath(&p.Country, "country", "iso_code")
	}
	return p
}
