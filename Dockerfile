# The gateway as one static binary in an empty image.
#
#   docker build -t freshet .
#   docker run --rm --network host freshet
#
# Without "auth" in the configuration only clients on the loopback are served: enough
# with --network host, too little with -p, where they come from the bridge
# (docs/authorisation.md).
#
# There is no shell inside, so no HEALTHCHECK: probe http://HOST:9464/livez and
# /readyz from outside (set metrics.address to ":9464" for that). Mount a
# configuration over /etc/freshet/freshet.yaml, and certificates beside it.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /out/freshet ./cmd/freshet

FROM scratch
# The certificates that outgoing connections are checked against.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/configs/freshet.yaml /etc/freshet/freshet.yaml
COPY --from=build /out/freshet /freshet
COPY --from=build /src/LICENSE /LICENSE
# Nobody: every default port is above 1024.
USER 65532:65532
# SRT; plain HTTP; HTTPS over TCP, and over UDP HTTP/3, WebTransport and QUIC.
EXPOSE 8890/udp 8080/tcp 4443/tcp 4443/udp
# The operator's listener: not for the public.
EXPOSE 9464/tcp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/freshet"]
CMD ["serve", "--config", "/etc/freshet/freshet.yaml"]
