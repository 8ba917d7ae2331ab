package bundle

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tracekeep/adapters/ledger/trail"
)

// Verify checks a bundle against what the auditor trusts. Whatever is wrong with
// the bundle is a finding of the report; the error is for what kept Verify from
// looking: ctx, a key of the auditor's that is none ([trail.ErrMalformed]).
//
// The file is read twice. progress may be nil and is told the bytes read and how
// many there are to read. Memory grows with the number of streams and of
// certificates, not of events.
func Verify(ctx context.Context, file io.ReaderAt, size int64, trust Trust, progress func(done, total int64)) (Report, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	v := &verification{trust: trust, report: Report{Bytes: uint64(size)}, roots: map[uint64]trail.Hash{}}
	if _, err := trail.ParseKey(trust.Key); err != nil {
		return v.report, err
	}
	c, err := openContainer(file, size)
	if err != nil {
		v.report.of(trail.KindCorrupt, err.Error())
		v.report.close()
		return v.report, nil
	}
	v.container = c
	err = c.measure(ctx, func(done int64) { progress(done, 2*size) })
	switch {
	case ctx.Err() != nil:
		return v.report, err
	case err != nil:
		v.report.of(trail.KindCorrupt, err.Error())
	}
	for _, step := range []func() error{
		v.readKeys, v.readManifest, v.readCheckpoint, v.readHeads, v.readSchema,
		func() error { return v.readEvents(ctx, func(done int64) { progress(size+done, 2*size) }) },
		v.readCertificates, v.readOpened, v.checkWitnesses, v.checkEarlier,
	} {
		if err := step(); err != nil {
			if ctx.Err() != nil {
				return v.report, err
			}
			v.report.of(trail.KindCorrupt, err.Error())
		}
	}
	progress(2*size, 2*size)
	v.report.Certified = v.certificates.Checked()
	v.report.close()
	return v.report, nil
}

// verification is the state of one verification.
type verification struct {
	trust     Trust
	container *container
	report    Report
	keys      trail.Keys
	manifest  manifest
	about     about
	head      trail.Head
	signed    bool                  // the log signed the checkpoint
	roots     map[uint64]trail.Hash // of the log at earlier sizes, proven against head
	types     map[string]bool       // of the schema catalogue
	witnessed []string              // checkpoints that witnesses may have signed

	certificates *trail.Certificates
	carried      []certificateLine   // as the events carry them; the texts are hashes
	opened       map[uint64]struct{} // leaves of events, when values were opened
}

// readKeys finds the keys of the log, from the one that is trusted.
func (v *verification) readKeys() error {
	text, err := v.container.small(handoversMember)
	if err == nil {
		v.keys, err = trail.ParseKeys(v.trust.Key, string(text))
	}
	if err != nil {
		var alone error
		if v.keys, alone = trail.OneKey(v.trust.Key); alone != nil {
			return alone
		}
		err = fmt.Errorf("%s does not lead to the given key: %w", handoversMember, err)
	}
	v.report.Keys, v.report.Key = len(v.keys.Terms()), v.keys.Current()
	v.certificates = trail.NewCertificates(v.keys)
	return err
}

// readManifest holds every member against what the log signed.
func (v *verification) readManifest() error {
	signed, err := v.container.small(manifestMember)
	if err != nil {
		return err
	}
	text, _, err := v.keys.OpenNote(string(signed))
	if err != nil {
		v.report.of(trail.KindBadSignature, "the manifest is not signed by a key of the log that you trust")
		return nil //nolint:nilerr // reported
	}
	if err := strictly([]byte(text), &v.manifest); err != nil || v.manifest.Format != manifestFormat {
		return fmt.Errorf("%s: %w", manifestMember, trail.ErrMalformed)
	}
	for _, said := range v.manifest.Members {
		if found := v.container.sums[said.Name]; found != said {
			v.report.of(trail.KindCorrupt, fmt.Sprintf("the member %s is not the one that was signed", said.Name))
		}
	}
	if len(v.manifest.Members)+1 != len(v.container.order) {
		v.report.of(trail.KindCorrupt, "the manifest names other members than there are")
	}
	return nil
}

// readCheckpoint settles which log the events are held against.
func (v *verification) readCheckpoint() error {
	described, err := v.container.small(aboutMember)
	if err == nil {
		err = strictly(described, &v.about)
	}
	if err == nil && v.about.Format != Format {
		err = trail.ErrMalformed
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", aboutMember, err)
	}
	v.head = trail.Head{Size: v.about.Size, Root: v.about.Root}
	v.report.Origin, v.report.Size, v.report.Root, v.report.Selection = v.about.Origin, v.about.Size, v.about.Root, v.about.Selection
	text, failed := v.container.small(checkpointMember)
	if failed != nil {
		return errors.Join(err, failed)
	}
	opened, failed := v.keys.OpenCheckpoint(string(text))
	switch {
	case failed != nil:
		v.report.of(trail.KindBadSignature, "the checkpoint is not signed by a key of the log that you trust")
	case err == nil && (opened.Head() != v.head || opened.Origin != v.about.Origin):
		v.report.of(trail.KindCorrupt, "the member "+aboutMember+" speaks of another log than the checkpoint")
		fallthrough
	default:
		v.signed, v.head = true, opened.Head()
		v.report.Origin, v.report.Size, v.report.Root, v.report.Checkpoint = opened.Origin, opened.Size, opened.Root, opened.Text
		v.witnessed = append(v.witnessed, string(text))
	}
	return err
}

// readHeads proves earlier states of the log.
func (v *verification) readHeads() error {
	v.roots[v.head.Size] = v.head.Root
	return v.container.lines(headsMember, func(_ uint64, text []byte) error {
		var l headLine
		if err := strictly(text, &l); err != nil {
			return err
		}
		if err := trail.CheckConsistency(l.Head, v.head, l.Consistency); err != nil {
			v.report.of(trail.KindForked, fmt.Sprintf("%s: the log does not continue its state of %d leaves", headsMember, l.Size))
			return nil //nolint:nilerr // reported
		}
		v.roots[l.Size] = l.Root
		if l.Checkpoint == "" {
			return nil
		}
		opened, err := v.keys.OpenCheckpoint(l.Checkpoint)
		switch {
		case err != nil:
			v.report.of(trail.KindBadSignature, fmt.Sprintf("%s: the checkpoint of %d leaves is not signed by a key of the log that you trust", headsMember, l.Size))
		case opened.Head() != l.Head:
			v.report.of(trail.KindForked, fmt.Sprintf("%s: the checkpoint of %d leaves is one of another log", headsMember, l.Size))
		default:
			v.witnessed = append(v.witnessed, l.Checkpoint)
		}
		return nil
	})
}

// rootAt is the root of the log at an earlier size, where it is proven.
func (v *verification) rootAt(size uint64) (trail.Hash, bool) {
	root, known := v.roots[size]
	return root, known
}

// readSchema learns which events the catalogue explains.
func (v *verification) readSchema() error {
	text, err := v.container.small(schemaMember)
	if err != nil {
		return err
	}
	var catalogue struct {
		Events []struct {
			Stored []string `json:"stored"`
		} `json:"events"`
	}
	if json.Unmarshal(text, &catalogue) != nil {
		return fmt.Errorf("%s: %w", schemaMember, trail.ErrMalformed)
	}
	v.types = map[string]bool{}
	for _, event := range catalogue.Events {
		for _, name := range event.Stored {
			v.types[name] = true
		}
	}
	return nil
}

// readCertificates holds the certificates that stand apart against those that the
// events carry.
func (v *verification) readCertificates() error {
	at := 0
	err := v.container.lines(certificatesMember, func(_ uint64, text []byte) error {
		var l certificateLine
		if err := strictly(text, &l); err != nil {
			return err
		}
		l.Certificate = sumOf(l.Certificate)
		if at >= len(v.carried) || v.carried[at] != l {
			v.report.add(trail.Finding{Position: l.Position, Leaf: l.Leaf, Kind: trail.KindFalseClaim, Detail: "no event carries this certificate"})
			return nil
		}
		at++
		return nil
	})
	if err == nil && at < len(v.carried) {
		err = fmt.Errorf("%s has %d of %d certificates: %w", certificatesMember, at, len(v.carried), trail.ErrMalformed)
	}
	return err
}

// readOpened counts the values in clear. That they are what was sealed is the
// word of the log's owner; no hash shows it.
func (v *verification) readOpened() error {
	if v.container.members[openedMember] == nil {
		return nil
	}
	return v.container.lines(openedMember, func(_ uint64, text []byte) error {
		var l Opened
		if err := strictly(text, &l); err != nil {
			return err
		}
		if _, given := v.opened[l.Leaf]; !given {
			v.report.add(trail.Finding{Leaf: l.Leaf, Kind: trail.KindFalseClaim, Detail: "a value was opened of an event that is not in the bundle"})
		}
		v.report.Opened++
		return nil
	})
}

// checkWitnesses finds the largest state of the log that the quorum signed.
func (v *verification) checkWitnesses() error {
	if v.trust.Policy == nil || !v.trust.Policy.Asks() {
		return nil
	}
	best := Witnessed{By: []string{}}
	for _, text := range v.witnessed {
		opened, err := v.keys.OpenCheckpoint(text)
		if err != nil {
			continue
		}
		satisfied := v.trust.Policy.Satisfied(text)
		if satisfied && !best.Satisfied || satisfied == best.Satisfied && opened.Size >= best.Size {
			best = Witnessed{Size: opened.Size, By: v.trust.Policy.Signed(text), Satisfied: satisfied}
		}
	}
	v.report.Witnessed = &best
	if !best.Satisfied {
		v.report.of(trail.KindUnwitnessed, "no checkpoint of the bundle is signed by the witnesses that the policy asks for")
	}
	return nil
}

// checkEarlier holds the log against the checkpoints that the auditor kept.
func (v *verification) checkEarlier() error {
	var earlier []trail.Checkpoint
	for _, text := range v.trust.Earlier {
		kept, err := v.keys.OpenCheckpoint(text)
		if err != nil {
			v.report.of(trail.KindBadSignature, "the earlier checkpoint is not signed by a key of the log that you trust")
			continue
		}
		earlier = append(earlier, kept)
	}
	slices.SortFunc(earlier, func(a, b trail.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	from := uint64(0) // up to here the log is the one that was kept
	for _, kept := range earlier {
		c := Continued{Size: kept.Size}
		root, known := v.rootAt(kept.Size)
		if kept.Size == 0 {
			root, known = trail.EmptyRoot(), true
		}
		switch {
		case kept.Size > v.head.Size:
			c.Known = true
			v.report.add(trail.Finding{
				Leaf: v.head.Size, Kind: trail.KindRolledBack,
				Detail: fmt.Sprintf("the log of the bundle has %d leaves, the checkpoint that you kept %d: it was rolled back, or the bundle is older", v.head.Size, kept.Size),
			})
		case known && root != kept.Root:
			c.Known = true
			v.report.add(trail.Finding{
				Leaf: from, Kind: trail.KindForked,
				Detail: fmt.Sprintf("leaves %d to %d are not those of the checkpoint of %d leaves that you kept: written anew", from, kept.Size-1, kept.Size),
			})
		case known:
			c.Known, c.Holds, from = true, true, kept.Size
		}
		v.report.Earlier = append(v.report.Earlier, c)
	}
	return nil
}
