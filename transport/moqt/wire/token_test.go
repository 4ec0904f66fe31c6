package wire_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Laid out by hand from "AUTHORIZATION TOKEN Parameter".
func TestTokens(t *testing.T) {
	for hex, want := range map[string]wire.Token{
		"0300616263": {AliasType: wire.TokenUseValue, Value: []byte("abc")},
		"0107106162": {AliasType: wire.TokenRegister, Alias: 7, Type: 16, Value: []byte("ab")},
		"0207":       {AliasType: wire.TokenUseAlias, Alias: 7},
		"0007":       {AliasType: wire.TokenDelete, Alias: 7},
	} {
		for _, d := range wire.Dialects {
			got, err := d.ParseToken(unhex(t, hex))
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", hex, err, diff)
			}
			if diff := cmp.Diff(unhex(t, hex), d.AppendToken(nil, want)); diff != "" {
				t.Errorf("%s written:\n%s", hex, diff)
			}
		}
	}
	for _, hex := range []string{"", "03", "04", "02", "020700", "0107"} {
		_, err := wire.Draft18.ParseToken(unhex(t, hex))
		if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != wire.KeyValueFormatting {
			t.Errorf("%q: %v", hex, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add([]byte{3, 0, 'a'})
	f.Add([]byte{1, 7, 0, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range wire.Dialects {
			if got, err := d.ParseToken(b); err == nil {
				again, err := d.ParseToken(d.AppendToken(nil, got))
				if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
					t.Errorf("%v\n%s", err, diff)
				}
			}
		}
	})
}
