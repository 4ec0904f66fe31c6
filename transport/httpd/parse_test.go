package httpd

import "testing"

func TestParsePriority(t *testing.T) {
	tests := []struct {
		value       string
		urgency     int8
		incremental bool
		bad         bool
	}{
		{value: "u=1", urgency: 1},
		{value: "u=0, i", urgency: 0, incremental: true},
		{value: "i", urgency: 3, incremental: true},
		{value: "u=5,i=?0", urgency: 5},
		{value: "u=2;x=1, other=9", urgency: 2},
		{value: "u=8", bad: true},
		{value: "u=-1", bad: true},
		{value: "u=high", bad: true},
		{value: "u=(1 2)", bad: true},
		{value: "i=1", bad: true},
		{value: "u=", bad: true},
	}
	for _, tt := range tests {
		urgency, incremental, err := parsePriority(tt.value)
		if (err != nil) != tt.bad || err == nil && (urgency != tt.urgency || incremental != tt.incremental) {
			t.Errorf("%q: %d %t %v", tt.value, urgency, incremental, err)
		}
	}
}

func FuzzParsePriority(f *testing.F) {
	f.Add("u=1, i")
	f.Add("u=(1 2);a")
	f.Fuzz(func(t *testing.T, value string) {
		if urgency, _, err := parsePriority(value); err == nil && (urgency < 0 || urgency > 7) {
			t.Errorf("%q: urgency %d", value, urgency)
		}
	})
}

func TestHostname(t *testing.T) {
	for host, want := range map[string]string{
		"a.example:8080": "a.example", "a.example": "a.example", "[::1]:80": "::1", "[::1]": "::1", "": "",
	} {
		if got := hostname(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
