package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/certificate"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// certify writes and signs a certificate: it waits for the trail to cover the
// destruction and proves its place. A final certificate rests on a verification
// of its own.
func (a *App) certify(ctx context.Context, s erasure.State, kind eventschema.CertificateKind) (erasure.Command, error) {
	position, err := a.positionOfDestruction(ctx, s.CaseID)
	if err != nil {
		return nil, err
	}
	if err := a.trailCovers(ctx, position); err != nil {
		return nil, err
	}
	proof, err := a.ledger.Prove(ctx, position)
	if err != nil {
		return nil, fmt.Errorf("place the destruction in the trail: %w", err)
	}
	probes := certificate.Probes{
		Credentials: s.Probes.Credentials, Tried: s.Probes.Tried, Erased: s.Probes.Erased, Keys: s.Probes.Keys, Lookups: s.Probes.Lookups,
	}
	if kind == eventschema.CertificateFinal {
		found, err := a.verifyErasure(ctx, s)
		if err != nil {
			return nil, err
		}
		probes = certificate.Probes{Credentials: found.Credentials, Tried: found.Tried, Erased: found.Erased, Keys: found.Keys, Lookups: found.Lookups}
	}
	now := a.clock().UTC()
	text, err := a.certificateOf(s, kind, now, proof, probes).Text()
	if err != nil {
		return nil, err
	}
	signed, err := a.ledger.SignNote(text)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return erasure.Certify{Kind: kind, CertifiedAt: now, Leaf: proof.Index, Position: position, Certificate: signed}, nil
}

func (a *App) certificateOf(s erasure.State, kind eventschema.CertificateKind, now time.Time, proof ledger.InclusionProof, probes certificate.Probes) certificate.Certificate {
	holders := s.Holders
	if holders.BoundedBy.IsZero() { // certified in the first release
		holders.BoundedBy = s.DestroyedAt.Add(cacheBound)
	}
	c := certificate.Certificate{
		Type: certificate.TypeV2, Kind: kind, Case: s.CaseID, Origin: s.Origin, Scope: s.Scope, Purposes: s.Purposes,
		RequestedAt: s.RequestedAt, DestroyedAt: s.DestroyedAt, EffectiveFrom: later(holders.BoundedBy, s.DestroyedAt), CertifiedAt: now,
		Keys: s.Keys, Lookups: s.Lookups, Files: s.Files, Retained: s.Retained,
		Caches:     certificate.Caches{Acknowledged: holders.Acknowledged, Silent: holders.Silent, BoundedBy: holders.BoundedBy},
		Probes:     probes,
		Recipients: certificate.Recipients{Listed: len(s.Recipients), Told: len(s.Notified)},
		ClaimHash:  s.ClaimHash,
		Place: certificate.Place{
			Origin: a.trailOrigin(), Position: proof.Position, Leaf: proof.Index, LeafHash: proof.Leaf.String(), Size: proof.Size,
			Hashes: make([]string, 0, len(proof.Hashes)), Checkpoint: proof.Checkpoint,
		},
	}
	for _, h := range proof.Hashes {
		c.Place.Hashes = append(c.Place.Hashes, h.String())
	}
	switch {
	case kind == eventschema.CertificateFinal:
		c.FinalFrom, c.Epochs = &s.RetiredAt, s.Epochs
	case a.policy.RotateByItself: // else nobody can say
		by := s.DestroyedAt.Add(a.finalAfter).Truncate(time.Second)
		c.FinalBy = &by
	}
	c.NotCovered = notCovered(s, kind)
	return c
}

func later(one, other time.Time) time.Time {
	if one.Before(other) {
		return other
	}
	return one
}

// notCovered says what no certificate of ours can vouch for.
func notCovered(s erasure.State, kind eventschema.CertificateKind) []string {
	var what []string
	if kind == eventschema.CertificateEffective {
		what = append(what, "copies of the key store made before the destruction, until the epochs that wrapped the keys are retired; the final certificate says when")
	}
	if untold := len(s.Recipients) - len(s.Notified); untold > 0 {
		what = append(what, fmt.Sprintf("%d recipients on record who have not been told yet", untold))
	}
	return append(what,
		"packages handed out before, and what those who have them keep",
		"devices not seen since, and lists outside Tracekeep that pair a name with an id",
	)
}

// Certificate implements [httpapi.Certificates].
func (a *App) Certificate(ctx context.Context, _ httpapi.Principal, id uuid.UUID, kind eventschema.CertificateKind) (httpapi.CertificateView, error) {
	loaded, err := a.loadCase(ctx, id)
	if err != nil {
		return httpapi.CertificateView{}, outward(err)
	}
	certified := loaded.State.Effective
	if kind == eventschema.CertificateFinal {
		certified = loaded.State.Final
	}
	if certified.Certificate == "" {
		return httpapi.CertificateView{}, httpapi.ErrNotFound
	}
	return httpapi.CertificateView{
		CaseID: id, Kind: kind, CertifiedAt: certified.At, Leaf: certified.Leaf, Position: certified.Position, Certificate: certified.Certificate,
	}, nil
}

// PrintCertificate implements [httpapi.Certificates].
func (a *App) PrintCertificate(ctx context.Context, by httpapi.Principal, id uuid.UUID, kind eventschema.CertificateKind) ([]byte, error) {
	view, err := a.Certificate(ctx, by, id, kind)
	if err != nil {
		return nil, err
	}
	read, err := VerifyCertificate(view.Certificate, a.verifierKey)
	if err != nil {
		return nil, err
	}
	return certificate.PDF(read, view.Certificate)
}

// VerifyCertificate checks a certificate offline: the key of the trail signed it,
// it is of a known format, and the place it names is in the log of the checkpoint
// it carries. Errors: [ledger.ErrSignature], [ledger.ErrProof],
// [ledger.ErrMalformed], [certificate.ErrMalformed].
func VerifyCertificate(signed, verifierKey string) (certificate.Certificate, error) {
	text, err := ledger.VerifyNote(signed, verifierKey)
	if err != nil {
		return certificate.Certificate{}, err
	}
	c, err := certificate.Parse(text)
	if err != nil {
		return certificate.Certificate{}, err
	}
	if c.Place.LeafHash == "" { // the first release carried no proof
		return c, nil
	}
	proof := ledger.InclusionProof{Position: c.Place.Position, Index: c.Place.Leaf, Size: c.Place.Size, Checkpoint: c.Place.Checkpoint}
	err = proof.Leaf.UnmarshalText([]byte(c.Place.LeafHash))
	for _, text := range c.Place.Hashes {
		var h ledger.Hash
		err = errors.Join(err, h.UnmarshalText([]byte(text)))
		proof.Hashes = append(proof.Hashes, h)
	}
	if err != nil {
		return certificate.Certificate{}, err
	}
	if err := ledger.VerifyPlace(proof, verifierKey); err != nil {
		return certificate.Certificate{}, fmt.Errorf("place in the log: %w", err)
	}
	if !strings.HasPrefix(proof.Checkpoint, c.Place.Origin+"\n") {
		return certificate.Certificate{}, fmt.Errorf("place in another log: %w", ledger.ErrProof)
	}
	return c, nil
}

// AwaitCertificate waits for the effective certificate of a case, also when
// another process executes it.
func (a *App) AwaitCertificate(ctx context.Context, id uuid.UUID) (httpapi.CertificateView, error) {
	const pause = 20 * time.Millisecond
	for {
		view, err := a.Certificate(ctx, httpapi.Principal{Tenant: a.tenant}, id, eventschema.CertificateEffective)
		if !errors.Is(err, httpapi.ErrNotFound) {
			return view, err
		}
		select {
		case <-ctx.Done():
			return httpapi.CertificateView{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}
