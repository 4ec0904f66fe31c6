// Package tiers tries out what a cluster promises: it starts one (bench/fleet) with an
// encoder and an audience (bench/view), does to it what a Scenario says, and reports
// after each step what the viewers saw of it.
package tiers
