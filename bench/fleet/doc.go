// Package fleet is a cluster of real processes on machines of their own, which are
// network namespaces on one switch: the two origins, two mids and three edges of
// configs/tiers-*.yaml, with their directory. The links between the tiers, to the
// encoder and to the viewers may be bad ones (bench/impair), and can be cut.
//
// The tests of clusters (e2e) and `freshet bench tiers` use it alike. It needs Linux,
// ip(8) and root. Close leaves nothing behind; what a process left that was killed is
// removed by the next one.
package fleet
