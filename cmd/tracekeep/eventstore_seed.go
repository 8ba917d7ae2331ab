package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
	"tracekeep/eventschema"
)

// seedLine is a recorded event as a line of JSON has it.
type seedLine struct {
	Position    int64     `json:"pos"`
	Stream      string    `json:"stream"`
	Revision    int64     `json:"rev"`
	ID          uuid.UUID `json:"id"`
	Type        string    `json:"type"`
	ContentType string    `json:"contentType"`
	Ticks       int64     `json:"ticks"`
	Data        []byte    `json:"data"`
	Metadata    []byte    `json:"meta"`
}

// seed fills the folder with recorded events. No client can ask for that; it is
// for tests that compare with what another store recorded.
func (c eventstoreRun) seed(cfg eventnode.Config) error {
	file, err := os.Open(c.Seed)
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	defer file.Close()
	records, broken := seedRecords(file)
	if err := eventnode.Import(cfg, records); err != nil {
		return err
	}
	if err := broken(); err != nil {
		return fmt.Errorf("seed %s: %w", c.Seed, err)
	}
	return nil
}

// seedRecords reads lines until the end or the first that is broken, of which
// the function it also gives tells afterwards.
func seedRecords(r io.Reader) (iter.Seq[eventnode.ImportRecord], func() error) {
	var broken error
	return func(yield func(eventnode.ImportRecord) bool) {
		in := bufio.NewReader(r)
		for number := 1; ; number++ {
			line, err := in.ReadBytes('\n')
			if line = bytes.TrimSpace(line); len(line) > 0 {
				var l seedLine
				if err := json.Unmarshal(line, &l); err != nil {
					broken = fmt.Errorf("line %d: %w", number, err)
					return
				}
				if !yield(l.record()) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				broken = err
				return
			}
		}
	}, func() error { return broken }
}

func (l seedLine) record() eventnode.ImportRecord {
	return eventnode.ImportRecord{
		Position: l.Position, Stream: l.Stream, Revision: l.Revision, ID: l.ID, Type: l.Type,
		JSON: l.ContentType == eventschema.ContentTypeJSON, Ticks: l.Ticks, Data: l.Data, Metadata: l.Metadata,
	}
}
