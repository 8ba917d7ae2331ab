package eventschema_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

var (
	personalType = reflect.TypeFor[eventschema.Personal]()
	timeType     = reflect.TypeFor[time.Time]()
	uuidType     = reflect.TypeFor[uuid.UUID]()
)

// leaf is one value at the end of the walk through an event.
type leaf struct {
	path     string // JSON names of the skeleton, section field names of personal values
	kind     string
	personal *eventschema.Personal
}

// walker visits every field of an event that it fills on the way, so that no
// slice, map or pointer is empty and hides what is inside.
type walker struct {
	leaves   []leaf
	problems []string
	ids      map[uuid.UUID]string // which field an id was put into
}

func (w *walker) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *walker) walk(v reflect.Value, path string) {
	switch v.Type() {
	case personalType:
		if !v.CanAddr() {
			w.problem("%s: a personal value here cannot be sealed, nothing can point to it", path)
			return
		}
		w.leaves = append(w.leaves, leaf{path: path, personal: v.Addr().Interface().(*eventschema.Personal)})
		return
	case timeType:
		v.Set(reflect.ValueOf(time.Date(2026, 3, 5, 8, 0, 12, 0, time.UTC)))
		w.leaves = append(w.leaves, leaf{path: path, kind: "instant"})
		return
	case uuidType:
		filled := id(path)
		w.ids[filled] = path
		v.Set(reflect.ValueOf(filled))
		w.leaves = append(w.leaves, leaf{path: path, kind: "id"})
		return
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.String:
		kind := v.Kind().String()
		if v.Type().PkgPath() != "" {
			kind = v.Type().Name() // a closed list of words, such as Direction
		}
		w.leaves = append(w.leaves, leaf{path: path, kind: kind})
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		w.walk(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		w.walk(v.Index(0), path+"[]")
	case reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), path+"[]")
		}
	case reflect.Map:
		w.walk(reflect.New(v.Type().Key()).Elem(), path+"{key}")
		w.walk(reflect.ValueOf(reflect.New(v.Type().Elem()).Elem().Interface()), path+"{}")
	case reflect.Struct:
		w.fields(v, path)
	default:
		w.problem("%s: a field of kind %s cannot be classified", path, v.Kind())
	}
}

func (w *walker) fields(v reflect.Value, path string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		personal := field.Type == personalType
		switch {
		case !field.IsExported():
			w.problem("%s%s: an unexported field is never stored", path, field.Name)
			continue
		case personal && name != "-":
			w.problem("%s%s: a personal value must be kept out of the skeleton with json:\"-\"", path, field.Name)
		case !personal && (name == "" || name == "-"):
			w.problem("%s%s: a field of the skeleton needs a stored name", path, field.Name)
		case name == "sealed" && path == "":
			w.problem("%s: this name belongs to the sealed sections", field.Name)
		}
		if personal {
			name = field.Name
		}
		if path != "" {
			name = path + "." + name
		}
		w.walk(v.Field(i), name)
	}
}

// register holds a section to what the record of processing says of its purpose.
func (w *walker) register(section eventschema.Section, subject string) {
	activity, ok := eventschema.Activity(section.Purpose)
	if !ok {
		w.problem("section %s: purpose %q is not in the register", section.Name, section.Purpose)
		return
	}
	_, item := w.ids[section.Item]
	got := keyed{owner: "other id", period: section.Period != "", item: item}
	if subject == "person_id" || subject == "work_id" || subject == "sender_id" {
		got.owner = subject
	}
	if want := keyedAs[activity.Key]; got != want {
		w.problem("section %s: its key is per %+v, and the register wants for %s a key per %s: %+v", section.Name, got, section.Purpose, activity.Key, want)
	}
}

// keyed says what a section names its key by.
type keyed struct {
	owner        string
	period, item bool
}

var keyedAs = map[eventschema.Granularity]keyed{
	eventschema.PerPerson:        {owner: "person_id"},
	eventschema.PerWork:          {owner: "work_id"},
	eventschema.PerWorkMonth:     {owner: "work_id", period: true},
	eventschema.PerItem:          {owner: "person_id", item: true},
	eventschema.PerWorkMonthItem: {owner: "sender_id", period: true, item: true},
	eventschema.PerTenantDay:     {owner: "other id", period: true},
	eventschema.PerCase:          {owner: "other id"},
	eventschema.PerPackage:       {owner: "other id"},
}

// classify walks an event and answers one line for each of its fields, and
// whatever keeps a field from being classified.
func classify(event eventschema.Event) (lines, problems []string) {
	w := &walker{ids: map[uuid.UUID]string{}}
	w.walk(reflect.ValueOf(event).Elem(), "")
	held := map[*eventschema.Personal][]string{}
	names := map[string]bool{}
	for _, section := range event.Sections() {
		if names[section.Name] {
			w.problem("section %s exists twice", section.Name)
		}
		names[section.Name] = true
		subject, ok := w.ids[section.Subject]
		if !ok {
			w.problem("section %s: the subject is no id of this event", section.Name)
		}
		w.register(section, subject)
		if section.Period != "" {
			subject += " and month"
		}
		for _, field := range section.Fields {
			held[field.Value] = append(held[field.Value], fmt.Sprintf("%s.%s, purpose %s, key per %s", section.Name, field.Name, section.Purpose, subject))
		}
	}
	for _, l := range w.leaves {
		if l.personal == nil {
			lines = append(lines, fmt.Sprintf("%s %s: skeleton, %s", event.EventType(), l.path, l.kind))
			continue
		}
		if len(held[l.personal]) != 1 {
			w.problem("%s: a personal value must be in exactly one section, it is in %d", l.path, len(held[l.personal]))
		}
		lines = append(lines, fmt.Sprintf("%s %s: personal, %s", event.EventType(), l.path, strings.Join(held[l.personal], " and ")))
		delete(held, l.personal)
	}
	if len(held) > 0 {
		w.problem("a section points to %d values that are not fields of this event", len(held))
	}
	return lines, w.problems
}

// The file is the record of processing: it changes only by hand, by somebody who
// can say why a value is held and when its key goes.
func TestEveryFieldIsClassified(t *testing.T) {
	var lines []string
	for _, definition := range newRegistry(t).Definitions() {
		found, problems := classify(definition.New())
		lines = append(lines, found...)
		for _, problem := range problems {
			t.Errorf("%s: %s", definition.Type, problem)
		}
	}
	text, err := os.ReadFile("testdata/personal_fields.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(text)), "\n"), lines); diff != "" {
		t.Errorf("a field is new, gone or held differently; say so in the golden file by hand (-golden +code):\n%s", diff)
	}
}

func TestTheClassifierSeesPlantedMistakes(t *testing.T) {
	for mistake, planted := range map[string]struct {
		event eventschema.Event
		want  string
	}{
		"a personal value in no section":                 {new(forgotten), "exactly one section, it is in 0"},
		"a personal value in two sections":               {new(twice), "exactly one section, it is in 2"},
		"a personal value in the list of a nested part":  {new(nested), "parts[].Name: a personal value must be in exactly one section"},
		"a personal value in a map":                      {new(mapped), "nothing can point to it"},
		"a personal value behind a pointer":              {new(pointed), "exactly one section, it is in 0"},
		"a personal value in the skeleton":               {new(marshalled), "kept out of the skeleton"},
		"an unexported field":                            {new(unexported), "an unexported field is never stored"},
		"a field that can hold anything":                 {new(anything), "cannot be classified"},
		"a skeleton field without a stored name":         {new(unnamed), "needs a stored name"},
		"a skeleton field named like the sections":       {new(sealedName), "belongs to the sealed sections"},
		"a section that points elsewhere":                {new(elsewhere), "not fields of this event"},
		"a section for a purpose that is not registered": {new(purposeless), "not in the register"},
		"a section with a key that covers too much":      {new(tooCoarse), "for location a key per work id and month"},
		"a section with the key of somebody else":        {new(wrongSubject), "for work a key per work id:"},
		"an item without a key of its own":               {new(itemless), "for notes a key per item"},
		"a section whose subject is not in the event":    {new(subjectless), "the subject is no id"},
	} {
		t.Run(mistake, func(t *testing.T) {
			_, problems := classify(planted.event)
			if !strings.Contains(strings.Join(problems, "\n"), planted.want) {
				t.Errorf("the classifier says %q, want %q", problems, planted.want)
			}
		})
	}
}
