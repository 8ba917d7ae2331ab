package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"tracekeep/adapters/importer"
)

// Rows of the files whose reading is measured.
const (
	benchRows     = 60_000
	benchBookRows = 6_000
	benchPIN      = "012345678901"
)

// knowsEverybody is a sink that keeps nothing: what is measured is the reading alone.
type knowsEverybody struct{ punches int }

func (*knowsEverybody) Resolve(_ context.Context, _ string, pins []string, _ map[string]importer.Person) (map[string]uuid.UUID, int, error) {
	known := make(map[string]uuid.UUID, len(pins))
	for _, pin := range pins {
		known[pin] = uuid.NewSHA1(uuid.Nil, []byte(pin))
	}
	return known, 0, nil
}

func (k *knowsEverybody) Record(_ context.Context, _ string, batch []importer.Punch) (recorded, already int, err error) {
	k.punches += len(batch)
	return len(batch), 0, nil
}

func (k *knowsEverybody) Declare(_ context.Context, _ string, batch []importer.Declaration) (recorded, already int, err error) {
	return len(batch), 0, nil
}

// readers measures how fast the rows of each kind of file are read, decided about and
// accounted for, without a store.
func (b *bench) readers(ctx context.Context) error {
	book, err := benchBook()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		format string
		rows   int
		text   []byte
	}{
		{"attlog", benchRows, benchText("", func(at, _ time.Time, i int) string {
			return fmt.Sprintf("%9d\t%s\t1\t%d\t0\t0\n", 1+i%80, at.Format(time.DateTime), i%2)
		})},
		{"adms", benchRows, benchText("", func(at, _ time.Time, i int) string {
			return fmt.Sprintf("%d\t%s\t%d\t1\t0\t0\t0\t0\t0\t0\t+28800\n", 1+i%80, at.Format(time.DateTime), i%2)
		})},
		{"afd", benchRows, benchText("", func(at, _ time.Time, i int) string {
			return fmt.Sprintf("%09d3%s%s\r\n", i+1, at.Format("020120061504"), benchPIN)
		})},
		{"toggl", benchRows, benchText("User,Email,Start date,Start time,End date,End time,Duration\n", func(at, end time.Time, i int) string {
			return fmt.Sprintf("U%d,u%d@example.org,%s,%s,\n", i%80, i%80, at.Format("2006-01-02,15:04:05"), end.Format("2006-01-02,15:04:05"))
		})},
		{"timewarrior", benchRows, benchText("", func(at, end time.Time, _ int) string {
			return fmt.Sprintf("inc %s - %s # work\n", at.Format("20060102T150405Z"), end.Format("20060102T150405Z"))
		})},
		{"org", benchRows, benchText("* Work\n", func(at, end time.Time, _ int) string {
			return fmt.Sprintf("  CLOCK: [%s]--[%s] =>  0:01\n", at.Format("2006-01-02 Mon 15:04"), end.Format("2006-01-02 Mon 15:04"))
		})},
		{"xlsx", benchBookRows, book},
	} {
		var rates []float64
		for range b.Runs {
			started := b.t.clock()
			sink := &knowsEverybody{}
			sum, err := importer.Run(ctx, importer.Options{
				Clock: bytes.NewReader(f.text), Format: f.format, Station: "1", Person: "7", Zone: time.UTC, Now: b.t.clock(),
			}, sink)
			if err != nil {
				return fmt.Errorf("read %s: %w", f.format, err)
			}
			if sum.Accepted != int64(f.rows) {
				return fmt.Errorf("read %s: %d rows of %d were taken", f.format, sum.Accepted, f.rows)
			}
			rates = append(rates, float64(f.rows)/b.t.clock().Sub(started).Seconds())
		}
		if err := b.report("read "+f.format+", nothing stored", median(rates), "rows/s", goal{}); err != nil {
			return err
		}
	}
	return nil
}

// benchText writes rows that are minutes apart and never overlap.
func benchText(header string, row func(at, end time.Time, i int) string) []byte {
	var text strings.Builder
	text.WriteString(header)
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range benchRows {
		text.WriteString(row(at, at.Add(time.Minute), i))
		at = at.Add(2 * time.Minute)
	}
	return []byte(text.String())
}

func benchBook() ([]byte, error) {
	file := excelize.NewFile()
	rows, err := file.NewStreamWriter("Sheet1")
	if err != nil {
		return nil, err
	}
	if err := rows.SetRow("A1", []any{"Emp. ID", "Employee", "Detail\nDate", "Start\nTime", "End \nTime", "Hours\nWorked"}); err != nil {
		return nil, err
	}
	for i := range benchBookRows {
		row := []any{fmt.Sprintf("%06d", 1+i%80), "X", 45292 + i/80, "0900", "1700", "0800"}
		if err := rows.SetRow(fmt.Sprintf("A%d", i+2), row); err != nil {
			return nil, err
		}
	}
	if err := rows.Flush(); err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	err = file.Write(&packed)
	return packed.Bytes(), err
}
