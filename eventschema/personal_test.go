package eventschema_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"tracekeep/eventschema"
)

const canary = "Wren Ōkafor 7731"

// leaks says in which form a text gives the canary away, or nothing.
func leaks(text string) string {
	octets := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	for form, needle := range map[string]string{
		"plain": canary, "hex": hex.EncodeToString([]byte(canary)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"spaced hex": fmt.Sprintf("% x", canary), "quoted": strings.Trim(fmt.Sprintf("%+q", canary), `"`), "bytes": octets,
		"Go bytes": strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(canary)), "[]byte"), "{}"),
		"base64":   base64.RawStdEncoding.EncodeToString([]byte(canary))[:16], "binary": strings.Trim(fmt.Sprintf("%b", []byte(canary)), "[]"),
	} {
		if strings.Contains(text, needle) {
			return form
		}
	}
	return ""
}

func TestTheSearchFindsAPlantedValue(t *testing.T) {
	for form, text := range map[string]string{
		"plain": fmt.Sprintf("%v", struct{ name string }{canary}), "quoted": fmt.Sprintf("%+q", canary), "hex": fmt.Sprintf("%x", canary),
		"HEX": fmt.Sprintf("%X", canary), "spaced hex": fmt.Sprintf("% x", canary), "bytes": fmt.Sprint([]byte(canary)),
		"Go bytes": fmt.Sprintf("%#v", []byte(canary)), "base64": base64.StdEncoding.EncodeToString([]byte(canary)), "binary": fmt.Sprintf("%b", []byte(canary)),
	} {
		if got := leaks("before " + text + " after"); got != form {
			t.Errorf("the search finds %q in %s, want %s", got, text, form)
		}
	}
}

// holders puts a personal value everywhere a value can be.
func holders() map[string]any {
	value := eventschema.Clear(canary)
	type exported struct{ Name eventschema.Personal }
	type unexported struct{ name eventschema.Personal }
	type deep struct{ inner struct{ names []unexported } }
	var d deep
	d.inner.names = []unexported{{value}}
	return map[string]any{
		"value": value, "pointer": &value, "pointer to pointer": pointer(&value),
		"slice": []eventschema.Personal{value}, "slice of pointers": []*eventschema.Personal{&value}, "array": [1]eventschema.Personal{value},
		"map value": map[string]eventschema.Personal{"name": value}, "map key": map[eventschema.Personal]int{value: 1},
		"any": []any{value}, "exported field": exported{value}, "pointer to struct": &exported{value},
		"unexported field": unexported{value}, "deep below unexported fields": d, "pointer to deep": &d,
		"event":     &eventschema.PersonRegistered{PersonID: id("person"), LegalName: value, Email: value},
		"section":   (&eventschema.WorkOpened{PayrollName: value}).Sections(),
		"error":     fmt.Errorf("register %v: %w", value, errors.Join(fmt.Errorf("with %#v", unexported{value}))),
		"decoded":   eventschema.Decoded{Event: &eventschema.PersonRegistered{LegalName: value}},
		"interface": fmt.Stringer(value),
	}
}

// promise: ST-02
func TestAPersonalValueIsNeverPrinted(t *testing.T) {
	for holder, value := range holders() {
		for _, verb := range strings.Split("v +v #v s +s #s q +q #q x X #x d b c e E f F g G o O p t T U w 10v -10s 10.3s", " ") {
			if form := leaks(fmt.Sprintf("%"+verb, value)); form != "" {
				t.Errorf("%%%s of %s leaks it, %s", verb, holder, form)
			}
		}
		if form := leaks(fmt.Sprint(value) + fmt.Sprintln(value)); form != "" {
			t.Errorf("Print of %s leaks it, %s", holder, form)
		}
	}
}

func TestAPersonalValueIsNeverEncoded(t *testing.T) {
	for holder, value := range holders() {
		var out bytes.Buffer
		for encoder, encode := range map[string]func() error{
			"json":        func() error { return json.NewEncoder(&out).Encode(value) },
			"json indent": func() error { _, err := json.MarshalIndent(value, "", " "); return err },
			"xml":         func() error { return xml.NewEncoder(&out).Encode(value) },
			"gob":         func() error { return gob.NewEncoder(&out).Encode(value) },
			"template": func() error {
				return template.Must(template.New("").Parse("{{.}} {{printf `%s` .}}")).Execute(&out, value)
			},
		} {
			out.Reset()
			err := encode()
			if form := leaks(out.String() + fmt.Sprint(err)); form != "" {
				t.Errorf("%s of %s leaks it, %s", encoder, holder, form)
			}
		}
	}
	value := eventschema.Clear(canary)
	if _, err := json.Marshal(value); !errors.Is(err, eventschema.ErrUnsealed) {
		t.Errorf("json answers %v, want ErrUnsealed: a value that vanished would be as bad", err)
	}
	if _, err := json.Marshal(map[eventschema.Personal]int{value: 1}); err == nil {
		t.Error("json takes a personal value as the key of a map")
	}
	if _, err := xml.Marshal(value); !errors.Is(err, eventschema.ErrUnsealed) {
		t.Errorf("xml answers %v, want ErrUnsealed", err)
	}
	if err := json.Unmarshal([]byte(`"`+canary+`"`), &value); !errors.Is(err, eventschema.ErrUnsealed) {
		t.Errorf("reading one from JSON answers %v, want ErrUnsealed", err)
	}
}

func TestAPersonalValueIsNeverLogged(t *testing.T) {
	var out bytes.Buffer
	core := zapcore.NewTee(
		zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel),
		zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&out), zap.DebugLevel),
	)
	zapped := zap.New(core)
	text, lines := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for holder, value := range holders() {
		out.Reset()
		zapped.Info("punch", zap.Any("value", value), zap.Reflect("reflected", value), zap.Stringer("stringer", eventschema.Clear(canary)))
		zapped.Sugar().Infow("punch", "value", value)
		zapped.Sugar().Infof("punch of %v", value)
		text.Info("punch", "value", value)
		lines.Info("punch", "value", value)
		if form := leaks(out.String()); form != "" {
			t.Errorf("logging %s leaks it, %s: %s", holder, form, out.String())
		}
	}
}

func TestAPersonalValueSaysWhatIsKnownOfIt(t *testing.T) {
	erasure := id("case")
	for state, of := range map[string]struct {
		value eventschema.Personal
		state eventschema.State
		text  string
		clear bool
	}{
		"never given":                          {eventschema.Personal{}, eventschema.StateAbsent, "", false},
		"given empty is not given":             {eventschema.Clear(""), eventschema.StateAbsent, "", false},
		"given":                                {eventschema.Clear(canary), eventschema.StateClear, canary, true},
		"erased is not empty":                  {eventschema.Withheld(eventschema.StateErased, erasure), eventschema.StateErased, "", false},
		"restricted":                           {eventschema.Withheld(eventschema.StateRestricted, erasure), eventschema.StateRestricted, "", false},
		"withheld as clear still has no value": {eventschema.Withheld(eventschema.StateClear, erasure), eventschema.StateClear, "", false},
	} {
		t.Run(state, func(t *testing.T) {
			if text, clear := of.value.Reveal(); text != of.text || clear != of.clear {
				t.Errorf("reveals %q, %t", text, clear)
			}
			if of.value.State() != of.state {
				t.Errorf("state is %q, want %q", of.value.State(), of.state)
			}
		})
	}
	if eventschema.Withheld(eventschema.StateErased, erasure).Case() != erasure {
		t.Error("an erased value names its case")
	}
}

func TestPersonalValuesAreEqualWhenTheySayTheSame(t *testing.T) {
	erased := eventschema.Withheld(eventschema.StateErased, id("case"))
	for rule, pair := range map[string]struct {
		a, b eventschema.Personal
		want bool
	}{
		"the same text":                    {eventschema.Clear("a"), eventschema.Clear("a"), true},
		"another text":                     {eventschema.Clear("a"), eventschema.Clear("b"), false},
		"two absent values":                {eventschema.Clear(""), eventschema.Personal{}, true},
		"absent and erased":                {eventschema.Personal{}, erased, false},
		"clear and sealed":                 {eventschema.Clear("a"), eventschema.Withheld(eventschema.StateSealed, id("")), false},
		"erased under the same case":       {erased, eventschema.Withheld(eventschema.StateErased, id("case")), true},
		"erased under two different cases": {erased, eventschema.Withheld(eventschema.StateErased, id("other")), false},
	} {
		if pair.a.Equal(pair.b) != pair.want || pair.b.Equal(pair.a) != pair.want {
			t.Errorf("%s: want equal %t", rule, pair.want)
		}
	}
}
