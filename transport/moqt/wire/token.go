package wire

import "slices"

// Alias types of a Token ("AUTHORIZATION TOKEN Parameter").
const (
	TokenDelete   = 0x0
	TokenRegister = 0x1
	TokenUseAlias = 0x2
	TokenUseValue = 0x3
)

// Token is the value of an AUTHORIZATION TOKEN option or parameter.
type Token struct {
	AliasType uint64
	Alias     uint64 // Not of TokenUseValue.
	Type      uint64 // Of TokenRegister and TokenUseValue, as Value.
	Value     []byte
}

// AppendToken appends a token.
func (d *Dialect) AppendToken(b []byte, t Token) []byte {
	c := coder{d: d, writing: true, buf: b}
	c.token(&t)
	return c.buf
}

// ParseToken reads a token, which fills b.
func (d *Dialect) ParseToken(b []byte) (Token, error) {
	c := coder{d: d, buf: b}
	var t Token
	c.token(&t)
	if c.err != nil {
		return Token{}, &Error{Code: KeyValueFormatting, Reason: "token cannot be decoded"}
	}
	return t, nil
}

func (c *coder) token(t *Token) {
	c.varint(&t.AliasType)
	if t.AliasType > TokenUseValue {
		c.fail(Violation("token alias type %d", t.AliasType))
	}
	if t.AliasType != TokenUseValue {
		c.varint(&t.Alias)
	}
	if t.AliasType == TokenDelete || t.AliasType == TokenUseAlias {
		if c.err == nil && !c.writing && len(c.buf) > 0 {
			c.fail(Violation("token with a value too many"))
		}
		return
	}
	c.varint(&t.Type)
	if c.writing {
		c.buf = append(c.buf, t.Value...)
		return
	}
	t.Value = slices.Clone(c.buf)
	c.buf = nil
}
