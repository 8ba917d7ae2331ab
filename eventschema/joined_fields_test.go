package eventschema_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

// What was joined parts into the same values, those that clear a field included.
func TestJoinedFieldsPartAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]eventschema.Personal{}
		for name, text := range rapid.MapOf(rapid.StringMatching(`[a-z][a-z0-9_]{0,10}`), rapid.String()).Draw(t, "values") {
			values[name] = eventschema.Clear(text) // the empty text is an absent value
		}
		joined, err := eventschema.JoinFields(values)
		if err != nil {
			t.Fatal(err)
		}
		parted, err := eventschema.PartFields(joined)
		if err != nil || len(parted) != len(values) {
			t.Fatalf("%d of %d values came back, %v", len(parted), len(values), err)
		}
		for name, value := range values {
			if !value.Equal(parted[name]) {
				t.Errorf("%s is %q, and was %q", name, parted[name].State(), value.State())
			}
		}
	})
}

func TestWhatCannotBeReadIsNotJoined(t *testing.T) {
	erased := eventschema.Withheld(eventschema.StateErased, uuid.New())
	if _, err := eventschema.JoinFields(map[string]eventschema.Personal{"a": eventschema.Clear("x"), "b": erased}); !errors.Is(err, eventschema.ErrJoin) {
		t.Errorf("joined an erased value: %v", err)
	}
	if parted, err := eventschema.PartFields(erased); err != nil || len(parted) > 0 {
		t.Errorf("an erased value parts into %d, %v", len(parted), err)
	}
	for _, text := range []string{"null", "[]", `{"a":1}`, `"a"`, "{"} {
		if _, err := eventschema.PartFields(eventschema.Clear(text)); !errors.Is(err, eventschema.ErrPayload) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
