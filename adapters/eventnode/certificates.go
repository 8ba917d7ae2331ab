package eventnode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
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

// Names below the folder of certificates.
const (
	CAFile   = "ca/ca.crt"
	caKey    = "ca/ca.key"
	NodeCert = "node/node.crt"
	NodeKey  = "node/node.key"
)

// How long made certificates are valid: that of the node for as long as
// clients accept one.
const (
	caLife   = 10 * 365 * 24 * time.Hour
	nodeLife = 825 * 24 * time.Hour
)

// MakeCertificates makes an authority and a certificate of a node for the given
// host names and addresses, in the files named above. It overwrites nothing.
func MakeCertificates(dir string, hosts []string, now time.Time) error {
	if len(hosts) == 0 {
		return errors.New("certificate of the node: name a host")
	}
	for _, name := range []string{CAFile, caKey, NodeCert, NodeKey} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", filepath.Join(dir, name), errors.Join(fs.ErrExist, err))
		}
	}
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "tracekeep event store authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	node := &x509.Certificate{
		Subject: pkix.Name{CommonName: "eventstoredb-node"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(nodeLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			node.IPAddresses = append(node.IPAddresses, ip)
		} else {
			node.DNSNames = append(node.DNSNames, h)
		}
	}
	authority, err := issue(dir, CAFile, caKey, ca, nil)
	if err != nil {
		return err
	}
	_, err = issue(dir, NodeCert, NodeKey, node, authority)
	return err
}

// issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a key and its certificate, signed by another or by itself.
func issue(dir, certFile, keyFile string, template *x509.Certificate, by *issuer) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of a certificate: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, fmt.Errorf("number of a certificate: %w", err)
	}
	if by == nil {
		by = &issuer{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("key of a certificate: %w", err)
	}
	if err := errors.Join(
		writePEM(filepath.Join(dir, keyFile), "PRIVATE KEY", private, 0o600),
		writePEM(filepath.Join(dir, certFile), "CERTIFICATE", der, 0o644),
	); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &issuer{cert, key}, nil
}

func writePEM(name, kind string, der []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // certificates are public, keys have a mode of their own
		return fmt.Errorf("folder of certificates: %w", err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
}
