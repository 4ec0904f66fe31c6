package moqt_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

var parrot = moqt.Extension{Option: 0x66730, Version: 1, Stream: 0x66731, UniStream: 0x66732}

// withParrot gives a server an extension that repeats what it hears, on the stream
// and on one of its own.
func withParrot(c *moqt.Config) {
	c.Extensions = []moqt.ServerExtension{{Extension: parrot, Serve: func(ctx context.Context, p *moqt.ExtensionPeer, st moqt.Stream) {
		heard, err := io.ReadAll(st)
		if err != nil {
			return
		}
		_, _ = st.Write(heard)
		_ = st.Close()
		uni, err := p.OpenUniStream(ctx, moqt.OrderBulk)
		if err != nil {
			return
		}
		_ = uni.Write(ctx, []byte("again: "), heard)
		_ = uni.Close()
	}}}
}

// hears is the client's side; what comes on unidirectional streams goes to the channel.
func hears(to chan<- string) []moqt.ClientExtension {
	return []moqt.ClientExtension{{Extension: parrot, Receive: func(_ context.Context, r moqt.ReceiveStream) {
		b, err := io.ReadAll(r)
		if err != nil {
			b = append(b, err.Error()...)
		}
		to <- string(b)
	}}}
}

func TestExtension(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, withParrot)
		o.group(o.track("video"), 1, 1)
		heard := make(chan string, 1)
		c, _ := o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{Extensions: hears(heard)})
		st, err := c.OpenExtension(t.Context(), parrot.Stream)
		must(t.T, err)
		_, err = st.Write([]byte("hello"))
		must(t.T, err)
		must(t.T, st.Close())
		if b, err := io.ReadAll(st); err != nil || string(b) != "hello" {
			t.Errorf("the stream gave %q, %v", b, err)
		}
		if got := <-heard; got != "again: hello" {
			t.Errorf("the other stream gave %q", got)
		}
		// MoQT beside it works.
		expect(t, subscribe(t, c, "video", moqt.SubscribeOptions{}), "1/0")
		if got := o.server.Sent(); got == 0 {
			t.Error("nothing was counted")
		}
	})
}

// Who does not name the extension has none, and who uses it all the same breaks the
// protocol: as without it.
func TestExtensionNotAgreedOn(t *testing.T) {
	drafts(t, func(t draftTest) {
		for name, change := range map[string]func(*moqt.Config){"server without": nil, "client without": withParrot, "another version": withParrot} {
			o := newOrigin(t, change)
			cfg := moqt.ClientConfig{Extensions: hears(make(chan string, 1))}
			switch name {
			case "client without":
				cfg = moqt.ClientConfig{}
			case "another version":
				cfg.Extensions[0].Version = 2
			}
			near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
			ended := o.serve(far)
			c, err := moqt.NewClient(context.Background(), near, cfg)
			must(t.T, err)
			if _, err := c.OpenExtension(t.Context(), parrot.Stream); !errors.Is(err, moqt.ErrNoExtension) {
				t.Errorf("%s: a stream could be opened: %v", name, err)
			}
			d, _ := wire.ByProtocol(t.protocol)
			st, err := near.OpenStream(t.Context())
			must(t.T, err)
			_, err = st.Write(d.AppendVarint(nil, parrot.Stream))
			must(t.T, err)
			wantSessionCode(t, <-ended, wire.ProtocolViolation)
			_ = c.Close()
		}
	})
}

// The unidirectional streams are the server's alone, and none is taken from a server
// that did not name the extension.
func TestExtensionStreamsOfTheWrongSide(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, withParrot)
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		p.uni(p.d.AppendVarint(nil, parrot.UniStream))
		p.wantEnd(wire.ProtocolViolation)
	})
}

// What is urgent goes out before the rest, whoever came first.
func TestExtensionOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, func(c *moqt.Config) {
			c.Extensions = []moqt.ServerExtension{{Extension: parrot, Serve: func(ctx context.Context, p *moqt.ExtensionPeer, _ moqt.Stream) {
				var tasks sync.WaitGroup
				defer tasks.Wait()
				for _, name := range []string{"first bulk", "second bulk", "urgent"} {
					order := moqt.OrderBulk
					if name == "urgent" {
						order = moqt.OrderUrgent
					}
					tasks.Go(func() {
						m, err := p.OpenUniStream(ctx, order)
						must(t, err)
						must(t, m.Write(ctx, nil, append([]byte(name+"\n"), make([]byte, 45<<10)...)))
						must(t, m.Close())
					})
					time.Sleep(time.Millisecond) // Less than its turn lasts.
				}
			}}}
		})
		// Less fits into the window than is written in one turn: when the turn is given on,
		// the reader has begun.
		release, begun := make(chan struct{}), make(chan string, 3)
		c, _ := o.dialConfig(moqttest.Config{ConnWindow: 12 << 10}, moqt.ClientConfig{Extensions: []moqt.ClientExtension{{
			Extension: parrot, Receive: func(_ context.Context, r moqt.ReceiveStream) {
				<-release
				name, err := bufio.NewReaderSize(r, 16).ReadString('\n')
				must(t, err)
				begun <- name
				_, _ = io.Copy(io.Discard, r)
			},
		}}})
		st, err := c.OpenExtension(t.Context(), parrot.Stream)
		must(t, err)
		time.Sleep(10 * time.Millisecond)
		close(release)
		for _, want := range []string{"first bulk\n", "urgent\n", "second bulk\n"} {
			if got := <-begun; got != want {
				t.Errorf("got %q; want %q", got, want)
			}
		}
		must(t, st.Close())
		synctest.Wait()
	})
}

// A peer that takes nothing loses its session, as with subscriptions.
func TestExtensionStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, func(c *moqt.Config) {
			c.Limits.StallTimeout = 3 * time.Second
			c.Extensions = []moqt.ServerExtension{{Extension: parrot, Serve: func(ctx context.Context, p *moqt.ExtensionPeer, _ moqt.Stream) {
				for ctx.Err() == nil {
					m, err := p.OpenUniStream(ctx, moqt.OrderBulk)
					if err != nil {
						return
					}
					_ = m.Write(ctx, nil, make([]byte, 1<<20))
					m.Cancel(wire.ResetDeliveryTimeout)
				}
			}}}
		})
		near, far := moqttest.Pair(moqttest.Config{StreamWindow: 1 << 10})
		ended := o.serve(far)
		c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{Extensions: []moqt.ClientExtension{{
			Extension: parrot, Receive: func(ctx context.Context, _ moqt.ReceiveStream) { <-ctx.Done() },
		}}})
		must(t, err)
		_, err = c.OpenExtension(t.Context(), parrot.Stream)
		must(t, err)
		if err := <-ended; !errors.Is(err, moqt.ErrStalled) {
			t.Errorf("the session ended with %v", err)
		}
		_ = c.Close()
	})
}

// What the hook refuses to a request it refuses to an extension.
func TestExtensionAuthorizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("not for you")
		got := make(chan error, 2)
		o := newOrigin(t, func(c *moqt.Config) {
			c.Authorize = func(_ context.Context, r moqt.Request) (moqt.Grant, error) {
				if r.Token == "sesame" && r.Namespace == cam {
					return moqt.Grant{}, nil
				}
				return moqt.Grant{}, refused
			}
			c.Extensions = []moqt.ServerExtension{{Extension: parrot, Serve: func(ctx context.Context, p *moqt.ExtensionPeer, _ moqt.Stream) {
				for _, ns := range []relay.Namespace{cam, "live/other"} {
					_, err := p.Authorize(ctx, moqt.ActionSubscribe, ns)
					got <- err
				}
			}}}
		})
		c, _ := o.dialConfig(moqttest.Config{}, moqt.ClientConfig{AuthToken: "sesame", Extensions: hears(make(chan string, 1))})
		_, err := c.OpenExtension(t.Context(), parrot.Stream)
		must(t, err)
		if err := <-got; err != nil {
			t.Error(err)
		}
		if err := <-got; !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	})
}
