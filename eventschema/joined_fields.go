package eventschema

import (
	"encoding/json"
	"errors"
)

// ErrJoin refuses to join values that cannot be read here.
var ErrJoin = errors.New("a value that is not readable cannot be joined with others")

// JoinFields makes one personal value of values by the codes of their fields: a JSON
// object, sealed as a whole. An absent value is null, which clears the field. No values
// make an absent one. Error: [ErrJoin].
func JoinFields(values map[string]Personal) (Personal, error) {
	if len(values) == 0 {
		return Personal{}, nil
	}
	texts := make(map[string]*string, len(values))
	for name, value := range values {
		switch text, clear := value.Reveal(); {
		case clear:
			texts[name] = &text
		case value.State() == StateAbsent:
			texts[name] = nil
		default:
			return Personal{}, ErrJoin
		}
	}
	joined, err := json.Marshal(texts)
	if err != nil {
		return Personal{}, ErrJoin
	}
	return Clear(string(joined)), nil
}

// PartFields is the inverse of [JoinFields]. A value that cannot be read parts into
// nothing: nobody knows which fields it holds. Error: [ErrPayload].
func PartFields(joined Personal) (map[string]Personal, error) {
	text, clear := joined.Reveal()
	if !clear {
		return nil, nil
	}
	var texts map[string]*string
	if err := unmarshalObject([]byte(text), &texts); err != nil {
		return nil, ErrPayload
	}
	values := make(map[string]Personal, len(texts))
	for name, text := range texts {
		values[name] = Personal{}
		if text != nil {
			values[name] = Clear(*text)
		}
	}
	return values, nil
}

// JoinsFields says whether the values of an event's sections are joined ones.
func JoinsFields(eventType string) bool {
	return eventType == "person-fields-set" || eventType == "work-fields-set"
}
