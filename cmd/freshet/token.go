package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/freshet-live/freshet/auth"
)

type tokenCommand struct {
	Key     tokenKeyCommand     `cmd:"" help:"Make a pair of keys: NAME.key mints tokens, NAME.pem goes to gateways."`
	Mint    tokenMintCommand    `cmd:"" help:"Sign a token."`
	Explain tokenExplainCommand `cmd:"" help:"Say what a token grants, until when, and whether it counts."`
}

type tokenKeyCommand struct {
	Name      string `arg:"" help:"What the files are called, before .key and .pem."`
	Algorithm string `name:"alg" help:"EdDSA, ES256 or RS256." default:"EdDSA" enum:"EdDSA,ES256,RS256"`
}

func (c tokenKeyCommand) Run(con console) error {
	private, public, err := auth.GenerateKey(c.Algorithm)
	if err != nil {
		return err
	}
	if err := create(c.Name+".key", private, 0o600); err != nil {
		return err
	}
	if err := create(c.Name+".pem", public, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.out, "%s.key signs tokens: keep it where they are minted.\n%s.pem verifies them: auth.keys of every gateway.\n", c.Name, c.Name)
	return err
}

// create writes a file that must not be there yet: a key that is overwritten is lost.
func create(name string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

type tokenMintCommand struct {
	Key      string        `required:"" help:"The private key, a PEM file." placeholder:"FILE"`
	KeyID    string        `name:"kid" help:"The key's ID in a JWK Set." placeholder:"ID"`
	Root     string        `help:"A path that --put and --get begin at." placeholder:"PATH"`
	Put      []string      `sep:"none" help:"May publish this path and all below; \"\" is everything below the root." placeholder:"PATH"`
	Get      []string      `sep:"none" help:"May watch this path and all below." placeholder:"PATH"`
	For      time.Duration `help:"How long the token counts." default:"24h"`
	Subject  string        `help:"Who the token is for." placeholder:"NAME"`
	Audience []string      `help:"Which gateways it is for (auth.audience)." placeholder:"NAME"`
}

func (c tokenMintCommand) Run(con console) error {
	private, err := os.ReadFile(c.Key)
	if err != nil {
		return err
	}
	if c.For <= 0 {
		return errors.New("--for: the token would be expired")
	}
	now := time.Now()
	token, err := auth.Mint(private, c.KeyID, auth.Claims{
		Root: c.Root, Put: c.Put, Get: c.Get,
		RegisteredClaims: jwt.RegisteredClaims{
			Subject: c.Subject, Audience: c.Audience,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(c.For)),
		},
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.out, token)
	return err
}

type tokenExplainCommand struct {
	Token     string `arg:"" optional:"" help:"The token; - reads it from standard input, out of other people's sight." default:"-"`
	Keys      string `help:"A file of public keys, as auth.keys." placeholder:"FILE"`
	JWKS      string `name:"jwks" help:"The URL of a JWK Set, as auth.jwks." placeholder:"URL"`
	Audience  string `help:"As auth.audience." placeholder:"NAME"`
	Publish   string `help:"May it publish this broadcast?" placeholder:"NAME"`
	Subscribe string `help:"May it watch this broadcast?" placeholder:"NAME"`
}

func (c tokenExplainCommand) Run(ctx context.Context, con console) error {
	token := c.Token
	if token == "-" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, 64<<10))
		if err != nil {
			return err
		}
		token = string(text)
	}
	guard, err := auth.New(auth.Config{KeyFile: c.Keys, KeyURL: c.JWKS, Audience: c.Audience})
	if err != nil {
		return err
	}
	e := guard.Explain(ctx, strings.TrimSpace(token))
	text, good := c.verdict(e)
	if _, err := io.WriteString(con.out, text); err != nil {
		return err
	}
	if !good {
		return errors.New("the token does not count")
	}
	return nil
}

// verdict says all there is to say, and whether the token counts for what was asked.
func (c tokenExplainCommand) verdict(e auth.Explanation) (text string, good bool) {
	var b strings.Builder
	good = true
	line := func(name, value string) { fmt.Fprintf(&b, "%-11s %s\n", name, value) }
	check := func(name string, err error, fine string) {
		if err == nil {
			line(name, fine)
			return
		}
		good = false
		line(name, "NO: "+err.Error())
	}
	if e.Claims == nil {
		check("token", e.Signature, "")
		return b.String(), false
	}
	describe(line, e)
	check("valid", e.Validity, "yes")
	if c.Keys == "" && c.JWKS == "" {
		line("signature", "not checked: give --keys or --jwks")
	} else {
		check("signature", e.Signature, "by one of the keys")
	}
	if c.Publish != "" {
		check("publish", e.Claims.Allow(auth.Publish, c.Publish), "may publish "+c.Publish)
	}
	if c.Subscribe != "" {
		check("subscribe", e.Claims.Allow(auth.Subscribe, c.Subscribe), "may watch "+c.Subscribe)
	}
	return b.String(), good
}

// describe gives the claims in words.
func describe(line func(name, value string), e auth.Explanation) {
	line("algorithm", e.Algorithm)
	if e.KeyID != "" {
		line("key ID", e.KeyID)
	}
	if e.Claims.Subject != "" {
		line("subject", e.Claims.Subject)
	}
	if len(e.Claims.Audience) > 0 {
		line("audience", strings.Join(e.Claims.Audience, ", "))
	}
	line("may publish", paths(e.Claims.Root, e.Claims.Put))
	line("may watch", paths(e.Claims.Root, e.Claims.Get))
	if e.Claims.IssuedAt != nil {
		line("issued", when(e.Claims.IssuedAt.Time))
	}
	if e.Claims.NotBefore != nil {
		line("not before", when(e.Claims.NotBefore.Time))
	}
	if e.Claims.ExpiresAt != nil {
		line("expires", when(e.Claims.ExpiresAt.Time))
	}
}

func paths(root string, list auth.Paths) string {
	if len(list) == 0 {
		return "nothing"
	}
	out := make([]string, len(list))
	for i, p := range list {
		if out[i] = strings.Trim(root+"/"+p, "/"); out[i] == "" {
			out[i] = "everything"
		} else {
			out[i] += " and below"
		}
	}
	return strings.Join(out, ", ")
}

// when gives a time, and how far it is.
func when(t time.Time) string {
	d := time.Until(t).Round(time.Second)
	if d < 0 {
		return fmt.Sprintf("%s, %v ago", t.UTC().Format(time.RFC3339), -d)
	}
	return fmt.Sprintf("%s, in %v", t.UTC().Format(time.RFC3339), d)
}
