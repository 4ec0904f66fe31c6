package auth

// Reason is why a request was refused: a closed set, for metrics and for callers.
type Reason string

// The reasons. The first group asks for another token, the second for nothing that
// the peer could show.
const (
	NoToken       Reason = "no_token"
	Malformed     Reason = "malformed_token"
	WrongKey      Reason = "wrong_key"
	Expired       Reason = "expired"
	NotYetValid   Reason = "not_yet_valid"
	WrongAudience Reason = "wrong_audience"

	WrongPath Reason = "wrong_path"
	NotOpen   Reason = "not_open"
)

// Error is a refusal. Its text is for the peer, and says what would help.
type Error struct {
	Reason Reason
	Text   string
}

func (e *Error) Error() string { return e.Text }

// Forbidden tells that no other token of the kind would help: the peer is known, or
// need not be.
func (e *Error) Forbidden() bool { return e.Reason == WrongPath || e.Reason == NotOpen }
