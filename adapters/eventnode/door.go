package eventnode

import (
	"net"
	"sync"

	"go.uber.org/zap"
)

// door lets in so many connections of one protocol and closes the others.
type door struct {
	*limit
	protocol string
	metrics  *metrics
	slow     *zap.Logger // says the same thing now and then only
}

func newDoor(protocol string, most int, m *metrics, slow *zap.Logger) *door {
	return &door{limit: newLimit(most), protocol: protocol, metrics: m, slow: slow}
}

// admit gives the connection as one that is counted until it is closed; nil
// when it was turned away.
func (d *door) admit(c net.Conn) net.Conn {
	if d.enter() {
		return &countedConn{Conn: c, door: d}
	}
	d.metrics.turnedAway(refusedConnection)
	d.slow.Warn("event store: connection refused, as many are open as may be; close some, or raise the limit",
		zap.String("protocol", d.protocol), zap.Int64("limit", d.most), zap.Stringer("client", c.RemoteAddr()))
	_ = c.Close() // there is nobody to tell
	return nil
}

// silent drops a connection that did not say what it is.
func (d *door) silent(c net.Conn) {
	d.metrics.turnedAway(refusedSilent)
	_ = c.Close()
}

// countedConn leaves through the door once, however often it is closed.
type countedConn struct {
	net.Conn
	door *door
	once sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(c.door.leave)
	return c.Conn.Close()
}
