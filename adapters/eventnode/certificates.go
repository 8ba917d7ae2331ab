package eventnode

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// certificates gives every handshake the certificate that the files hold now,
// so that it can be renewed while the node serves.
type certificates struct {
	certFile, keyFile string
	log               *zap.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]fileState
}

// fileState tells a file that was replaced.
type fileState struct {
	size     int64
	modified time.Time
}

func openCertificates(s *Security, log *zap.Logger) (*certificates, error) {
	c := &certificates{certFile: s.CertFile, keyFile: s.KeyFile, log: log}
	seen, err := c.look()
	if err != nil {
		return nil, fmt.Errorf("certificate of the node: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return nil, fmt.Errorf("certificate of the node in %s with the key in %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.seen = &pair, seen
	return c, nil
}

func (c *certificates) look() (seen [2]fileState, err error) {
	for i, name := range [...]string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return seen, err
		}
		seen[i] = fileState{info.Size(), info.ModTime()}
	}
	return seen, nil
}

// get goes on with the certificate it has while the files make no pair: one of
// the two may have been replaced and the other not yet.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, err := c.look()
	if err != nil || seen == c.seen {
		return c.current, nil //nolint:nilerr // files that are gone for a moment change nothing
	}
	c.seen = seen
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		c.log.Warn("changed certificate of the node cannot be used, the old one stays", zap.Error(err))
		return c.current, nil
	}
	c.log.Info("certificate of the node was renewed", zap.Time("valid_until", pair.Leaf.NotAfter))
	c.current = &pair
	return c.current, nil
}

// config is TLS as current clients speak it: 1.2 with forward secrecy and
// authenticated encryption, or 1.3.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:     []string{protocolH2, protocolH1},
		GetCertificate: c.get,
	}
}

// covers says why a client that connects to host would refuse the certificate.
func (c *certificates) covers(host string) error { return c.current.Leaf.VerifyHostname(host) }
