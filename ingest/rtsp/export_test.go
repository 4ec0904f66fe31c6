package rtsp

// MaxConnections is for tests.
const MaxConnections = maxConnections
