// Package sweep finds how much a server bears: it ramps one dimension of a load
// (viewers, bitrate, broadcasts, loss towards the server) until objects come late or
// not at all, and says what the server cost at the knee.
//
// Search decides which load comes next and knows nothing of servers. A Load is put on
// a Server for a few seconds: a Feed publishes even chunks that tell when they were
// published, and a crowd of viewers counts them. The server's processes are measured
// from /proc, apart from this one, and a Verdict says whose limit it was.
package sweep
