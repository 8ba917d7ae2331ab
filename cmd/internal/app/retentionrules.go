package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"tracekeep/domain/retention"
)

// scheduleFile, in the data folder, sets how long the classes of an installation
// live where that differs from the register.
const scheduleFile = "retention.json"

// classRule is one entry of it.
type classRule struct {
	Class       retention.Class `json:"class"`
	Keep        string          `json:"keep,omitempty"` // 7y, 18m, 30d, 1y6m
	Floor       string          `json:"floor,omitempty"`
	FloorSource string          `json:"floor_source,omitempty"`
}

// readSchedule reads the schedule. A file that contradicts a law or a promise
// keeps the service from starting: a clock that runs too fast destroys.
func (a *App) readSchedule(context.Context, Config) error {
	path := a.folder.path(scheduleFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the retention schedule: %w", err)
	}
	if a.schedule, err = parseSchedule(string(text)); err != nil {
		return fmt.Errorf("retention schedule %s: %w", path, err)
	}
	return nil
}

func parseSchedule(text string) (retention.Schedule, error) {
	var file struct {
		Classes []classRule `json:"classes"`
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return retention.Schedule{}, err
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return retention.Schedule{}, errors.New("one JSON object is expected, and nothing behind it")
	}
	var overrides []retention.Override
	for _, c := range file.Classes {
		o := retention.Override{Class: c.Class, FloorSource: c.FloorSource}
		var errKeep, errFloor error
		o.Keep, errKeep = retention.ParseSpan(c.Keep)
		o.Floor, errFloor = retention.ParseSpan(c.Floor)
		if err := errors.Join(errKeep, errFloor); err != nil {
			return retention.Schedule{}, fmt.Errorf("%s: %w", c.Class, err)
		}
		overrides = append(overrides, o)
	}
	return retention.Configure(overrides...)
}

// Schedule is how long each class lives in this installation.
func (a *App) Schedule() retention.Schedule { return a.schedule }
