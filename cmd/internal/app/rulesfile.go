package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tracekeep/domain/payrules"
)

// rulesFile is a file of rules: the parts of [payrules.Rules] under the names of
// their tags, in YAML or JSON, and two conveniences.
type rulesFile struct {
	BasedOn        string `yaml:"based_on,omitempty"`         // a built-in set, of which the file says what is different
	BasedOnVersion int    `yaml:"based_on_version,omitempty"` // without it, the newest
	Starts         string `yaml:"starts,omitempty"`           // the day of the week on which the workweek begins
	payrules.Rules `yaml:",inline"`
}

// ErrRulesFile refuses a file of rules.
var ErrRulesFile = errors.New("this is no file of rules")

// rulesFileLimit is far more than any set of rules needs.
const rulesFileLimit = 1 << 20

// RulesOf finds rules by the name of a built-in set, or reads a file of them.
// Errors: [ErrRulesFile], [payrules.ErrRules], and those of the file system.
func RulesOf(nameOrFile string) (payrules.Rules, error) {
	if rules, ok := payrules.BuiltIn(nameOrFile); ok {
		return rules, nil
	}
	text, err := readSmall(nameOrFile)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(nameOrFile, "/.") {
		return payrules.Rules{}, fmt.Errorf("%w: there are no rules of the name %q; tracekeep hours rules lists them", ErrRulesFile, nameOrFile)
	}
	if err != nil {
		return payrules.Rules{}, fmt.Errorf("read rules: %w", err)
	}
	return ParseRules(text)
}

// readSmall reads a file up to just over the limit.
func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, rulesFileLimit+1))
}

// decodeStrictly reads one YAML document: a name it does not know, twice the same one
// or a second document is refused. Error: kind.
func decodeStrictly(text []byte, into any, kind error) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", kind, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it holds more than one document", kind)
	}
	return nil
}

// ParseRules reads a file of rules strictly: a name it does not know, twice the
// same one or a second document is refused. Errors: [ErrRulesFile], [payrules.ErrRules].
func ParseRules(text []byte) (payrules.Rules, error) {
	if len(text) > rulesFileLimit {
		return payrules.Rules{}, fmt.Errorf("%w: it is larger than %d bytes", ErrRulesFile, rulesFileLimit)
	}
	var base struct {
		BasedOn        string `yaml:"based_on"`
		BasedOnVersion int    `yaml:"based_on_version"`
	}
	if err := yaml.Unmarshal(text, &base); err != nil {
		return payrules.Rules{}, fmt.Errorf("%w: %w", ErrRulesFile, err)
	}
	if base.BasedOn == "" && base.BasedOnVersion != 0 {
		return payrules.Rules{}, fmt.Errorf("%w: based_on_version goes with based_on", ErrRulesFile)
	}
	var file rulesFile
	if base.BasedOn != "" {
		builtIn, ok := payrules.BuiltIn(base.BasedOn)
		if !ok {
			return payrules.Rules{}, fmt.Errorf("%w: based_on: there is no built-in set of the name %q", ErrRulesFile, base.BasedOn)
		}
		if base.BasedOnVersion != 0 {
			if builtIn, ok = payrules.BuiltInVersion(base.BasedOn, base.BasedOnVersion); !ok {
				return payrules.Rules{}, fmt.Errorf("%w: based_on_version: the built-in set %q has no version %d", ErrRulesFile, base.BasedOn, base.BasedOnVersion)
			}
		}
		// Other rules are not those of the built-in set, whose name and version they lose.
		file.Rules = builtIn
		file.Name, file.Version = "", 0
	}
	if err := decodeStrictly(text, &file, ErrRulesFile); err != nil {
		return payrules.Rules{}, err
	}
	if err := file.startOn(); err != nil {
		return payrules.Rules{}, err
	}
	if _, taken := payrules.BuiltIn(file.Name); taken {
		return payrules.Rules{}, fmt.Errorf("%w: name: %q is a built-in set; choose another name", ErrRulesFile, file.Name)
	}
	if file.Zone != "" {
		if _, err := time.LoadLocation(file.Zone); err != nil || file.Zone == "Local" {
			return payrules.Rules{}, fmt.Errorf("%w: zone: %q is no IANA zone", ErrRulesFile, file.Zone)
		}
	}
	return file.Rules, file.Validate()
}

// startOn turns a day of the week into the anchor of the workweek.
func (f *rulesFile) startOn() error {
	if f.Starts == "" {
		return nil
	}
	days := []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	starts := slices.Index(days, f.Starts)
	if starts < 0 || f.Workweek.Days != 0 && f.Workweek.Days != 7 {
		return fmt.Errorf("%w: starts: a workweek of 7 days starts on one of %s", ErrRulesFile, strings.Join(days, ", "))
	}
	f.Workweek = payrules.Workweek(time.Weekday(starts), f.Workweek.At)
	return nil
}

// WriteRules writes rules as a file that [ParseRules] reads, once it has a name of
// its own.
func WriteRules(w io.Writer, rules payrules.Rules) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(rules); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return encoder.Close()
}
