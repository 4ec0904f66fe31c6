// Package foreign tests the gateway's protocols with implementations of others.
// It is a module of its own, so that their dependencies stay out of Freshet's.
package foreign
