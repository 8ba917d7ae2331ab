package generator

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// WritePeople writes the people file of a terminal (counted from 1): CSV with the
// header pin, display_name, email, phone, birth_date, employee_number. Some values
// are missing, as they are in offices. Errors: [ErrTerminal], those of w.
func (p Plan) WritePeople(w io.Writer, terminal int) error {
	staff, err := p.at(terminal)
	if err != nil {
		return err
	}
	draw, names := p.draw(terminal-1, describing), locales()
	to := csv.NewWriter(w)
	err = to.Write([]string{"pin", "display_name", "email", "phone", "birth_date", "employee_number"})
	for i := 0; i < len(staff) && err == nil; i++ {
		err = to.Write(p.describe(staff[i], names, draw))
	}
	to.Flush()
	if err == nil {
		err = to.Error()
	}
	if err != nil {
		return fmt.Errorf("write people file of terminal %d: %w", terminal, err)
	}
	return nil
}

func (p Plan) describe(w worker, names []locale, draw *rand.Rand) []string {
	const adult, career = 18, 47 // years
	born := p.first.AddDate(-adult-draw.IntN(career), 0, -draw.IntN(365)).Format(time.DateOnly)
	email := fmt.Sprintf("worker%06d@example.org", w.number+1)
	phone := fmt.Sprintf("+1 %d 555 01%02d", areaCodes[draw.IntN(len(areaCodes))], draw.IntN(100))
	for _, value := range []*string{&born, &email, &phone} {
		if draw.IntN(20) == 0 {
			*value = ""
		}
	}
	return []string{strconv.Itoa(w.pin), name(names, w.number), email, phone, born, fmt.Sprintf("E-%06d", w.number+1)}
}

// In every area 555-0100 to 555-0199 are kept free for fiction.
var areaCodes = [...]int{201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312}
