package eventnode

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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
	"time"
)

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
