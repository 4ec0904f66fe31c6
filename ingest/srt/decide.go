package srt

import (
	"context"
	"fmt"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	engine "github.com/freshet-live/freshet/transport/srt"
)

// protocol is this package's name among the doors.
const protocol = "srt"

// decide takes a caller in, or says why not.
func (l *Listener) decide(ctx context.Context, req *engine.Request) (StreamID, *connection, error) {
	id, err := l.identify(req)
	if err != nil {
		return id, nil, err
	}
	passphrase, own := l.cfg.Passphrases.lookup(id.Name)
	if err := unlock(req, passphrase); err != nil {
		return id, nil, err
	}
	c := &connection{
		listener:  l,
		name:      id.Name,
		remote:    req.RemoteAddr().String(),
		encrypted: passphrase != "",
	}
	c.log = l.log.With("name", c.name, "remote", c.remote)
	session, err := l.cfg.Sessions.Open(ctx, ingest.Request{
		Name: id.Name, Protocol: protocol, Remote: c.remote, User: id.User, Token: id.Token,
		Passphrase: passphrase != "", OwnPassphrase: passphrase != "" && own,
		Stats: func() any { return c.Stats() },
	})
	if err != nil {
		return id, nil, err
	}
	socket, err := req.Accept()
	if err != nil {
		session.Close()
		return id, nil, fmt.Errorf("accept: %w", err)
	}
	c.session = session
	c.demuxer = mpegts.New(mpegts.Config{Sink: session, Metrics: l.ts, Logger: c.log})
	c.attach(socket)
	return id, c, nil
}

// identify finds the name that the caller means.
func (l *Listener) identify(req *engine.Request) (StreamID, error) {
	id, err := ParseStreamID(req.StreamID())
	if err != nil {
		return id, err
	}
	if id.Name == "" {
		id.Name = l.cfg.DefaultStream
	}
	if id.Name == "" {
		return id, ErrNoStreamID
	}
	return id, ingest.ValidateName(id.Name)
}

// unlock matches the caller's encryption with the stream's passphrase. A caller
// of handshake version 4 exchanges keys later, if it wants to, so it cannot
// prove itself and may send in clear only.
func unlock(req *engine.Request, passphrase string) error {
	switch {
	case passphrase == "" && req.Encrypted():
		return ErrPassphraseUnexpected
	case passphrase == "":
		return nil
	case !req.Encrypted():
		return ErrPassphraseMissing
	}
	if err := req.SetPassphrase(passphrase); err != nil {
		return fmt.Errorf("%w: %w", ErrWrongPassphrase, err)
	}
	return nil
}
