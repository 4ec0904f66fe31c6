package sweep

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/e2e/rig"
)

// checkHLS says what does not go together with LL-HLS.
func (t Target) checkHLS(foreign bool) error {
	if t.Kind == Bare || t.RawQUIC {
		return errors.New("LL-HLS is neither asked over raw QUIC nor of the bare server")
	}
	if !foreign {
		return nil
	}
	if t.Publish == "" {
		return errors.New("a foreign server of LL-HLS needs a URL that encoders push to")
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no URL of a playlist, which begins with http:// or https://", t.URL)
	}
	return nil
}

// startHLS starts the server, or finds it.
func (t Target) startHLS(ctx context.Context, dir string, cpus int) (s *server, err error) {
	switch t.Kind {
	case Ours:
		s, err = t.serve(ctx, dir, cpus)
	case Command:
		s, err = t.startLine(ctx, t.Line, dir)
	case Running:
		s = &server{name: "pid " + strconv.Itoa(t.PID), pid: t.PID}
	default:
		err = fmt.Errorf("%q is no kind of server of LL-HLS", t.Kind)
	}
	if err != nil {
		return nil, err
	}
	if t.Kind != Ours {
		s.url, s.publish = t.URL, t.Publish
	}
	if cpus > 0 {
		if err := pinTree(s.pid, 0, cpus); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// serve starts `freshet serve`.
func (t Target) serve(ctx context.Context, dir string, cpus int) (*server, error) {
	config := rig.GatewayConfig{Binary: t.Binary, Dir: dir, Name: "server"}
	if cpus > 0 {
		config.Env = []string{"GOMAXPROCS=" + strconv.Itoa(cpus)}
	}
	g, err := rig.StartGateway(ctx, config)
	if err != nil {
		return nil, err
	}
	const name = "live/sweep" + encoders.Placeholder
	return &server{
		name: string(Ours), pid: g.PID(), process: g.Process,
		url: g.HTTP("/" + name + "/index.m3u8"), publish: g.SRT() + "?streamid=publish:" + name,
	}, nil
}
