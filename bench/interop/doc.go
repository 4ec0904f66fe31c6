// Package interop tests a MoQT relay, ours or anybody's, from outside: it publishes
// at one URL, subscribes at the same or another, and compares.
//
// The control cases are the six of englishm/moq-interop-runner
// (docs/tests/TEST-CASES.md), with its names, namespaces and time limits; the data
// cases are written from draft-ietf-moq-transport-16 and -18: what a relay has to
// keep of an object on its way (place, subgroup, forwarding preference, priority,
// properties, bytes), how subgroups end, what filters and updates let pass, and what
// FETCH brings. Payloads are a function of place and size, as in
// draft-afrind-moq-test, so that both ends know them.
//
// Run writes TAP version 14, which the runner and people read.
package interop
