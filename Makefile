# `make test` is the whole of the checks, on a fresh Debian machine with Go and
# Node; it installs what is missing. Everything else is a part of it or a tool.
SHELL := /bin/bash -euo pipefail

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
DURATION ?= 30m
CHECKS ?= 300

.PHONY: build demo test tools lint web unit e2e fmt fuzz bench tiers soak schedules docker

build:
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X main.version=$(VERSION)" -o freshet ./cmd/freshet

demo:
	go run ./cmd/freshet demo

# In this order, so that the last lines are go test's own; make stops at the
# first that fails. The end-to-end tests run alone: they measure time.
test:
	scripts/install-tools
	scripts/check-go
	scripts/check-web
	scripts/test

tools:
	scripts/install-tools

lint: tools
	scripts/check-go

web: tools
	scripts/check-web

unit:
	scripts/test unit

e2e: tools
	scripts/test e2e

fmt: tools
	. scripts/env && golangci-lint fmt ./...

fuzz:
	scripts/fuzz

bench:
	scripts/bench

# A cluster of seven nodes in network namespaces (as root), 300 viewers: what dies,
# drains and goes away, with the figures printed. 20 minutes; half is an outage.
tiers: tools
	E2E_TIERS=full go test -count=1 -v -timeout 60m -run TestCluster ./e2e

soak:
	go run ./bench/soak -duration $(DURATION)
	go run ./bench/soak -duration $(DURATION) -edge

schedules:
	go test ./cmd/freshet/node -run TestSchedules -timeout 2h -rapid.checks=$(CHECKS)

docker:
	docker build --build-arg VERSION=$(VERSION) -t freshet .
