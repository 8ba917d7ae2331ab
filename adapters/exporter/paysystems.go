package exporter

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// writeADP writes paydata: a line for each person, and where jobs are asked for, for
// each of their jobs. Where there are no hours, the field is empty and never 0.
func writeADP(out *bufio.Writer, p Payroll, rows []PayRow) error {
	heading := []string{"Co Code", "Batch ID", "File #"}
	if len(p.Jobs) > 0 {
		heading = append(heading, "Temp Cost Number")
	}
	first := len(heading) // of the hours
	heading = append(heading, "Reg Hours", "O/T Hours", "Hours 3 Code", "Hours 3 Amount", "Hours 4 Code", "Hours 4 Amount")
	crlf(out, strings.Join(heading, ","))
	slices.SortStableFunc(rows, func(a, b PayRow) int {
		return cmp.Or(strings.Compare(a.Number, b.Number), strings.Compare(a.Job, b.Job))
	})
	for len(rows) > 0 {
		of := rows[0]
		begin := func() []string {
			line := make([]string, len(heading))
			line[0], line[1], line[2] = p.Company, p.Batch, fmt.Sprintf("%06s", of.Number)
			if len(p.Jobs) > 0 {
				line[3] = of.Job
			}
			return line
		}
		lines, next := [][]string{begin()}, first+2
		for ; len(rows) > 0 && rows[0].Number == of.Number && rows[0].Job == of.Job; rows = rows[1:] {
			row, hours := rows[0], hundredths(rows[0].Time, ".")
			switch row.Code {
			case "regular":
				lines[0][first] = hours
			case "overtime":
				lines[0][first+1] = hours
			default:
				if next == len(heading) { // a line has two places for further codes
					lines, next = append(lines, begin()), first+2
				}
				line := lines[len(lines)-1]
				line[next], line[next+1] = p.Codes[row.Code], hours
				next += 2
			}
		}
		for _, line := range lines {
			writeFields(out, ',', line)
			crlf(out, "")
		}
	}
	return nil
}

// writePaychex writes lines of the fixed order of SPI, without a heading.
func writePaychex(out *bufio.Writer, p Payroll, rows []PayRow) error {
	for _, row := range rows {
		line := make([]string, 16)
		line[0], line[1], line[3], line[4], line[7], line[9] = p.Company, row.Number, row.Job, p.Codes[row.Code], hundredths(row.Time, "."), day(row.Day, "01/02/2006")
		writeFields(out, ',', line)
		crlf(out, "")
	}
	return nil
}

// writeIIF writes timer activities. QuickBooks knows people by their name.
func writeIIF(out *bufio.Writer, p Payroll, rows []PayRow) error {
	crlf(out, "!TIMERHDR\tVER\tREL\tCOMPANYNAME\tIMPORTEDBEFORE\tFROMTIMER\tCOMPANYCREATETIME",
		"TIMERHDR\t8\t0\t"+p.Company+"\tN\tY\t"+p.Batch,
		"!TIMEACT\tDATE\tJOB\tEMP\tITEM\tPITEM\tDURATION\tPROJ\tNOTE\tBILLINGSTATUS\tXFERTOPAYROLL")
	for _, row := range rows {
		length := row.Time.Round(time.Minute)
		if length >= 24*time.Hour {
			return ErrLength
		}
		crlf(out, strings.Join([]string{"TIMEACT", day(row.Day, "01/02/06"), row.Job, iifText(row.Name), "", p.Codes[row.Code], HoursMinutes(length), "", "", "0", "Y"}, "\t"))
	}
	return nil
}

// iifText keeps a name in its field: the format has no quotes for a tab or the end
// of a line. Nor for a formula, because no spreadsheet reads it.
func iifText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}

// writeLodas writes movements of hours (Bearbeitungsschlüssel 1) of whole months.
func writeLodas(out *bufio.Writer, p Payroll, rows []PayRow) error {
	crlf(out, "[Allgemein]", "Ziel=LODAS", "Version_SST=1.0", "BeraterNr="+p.Company, "MandantenNr="+p.Batch,
		"Feldtrennzeichen=;", "Zahlenkomma=,", "Datumsformat=TT/MM/JJJJ", "",
		"[Satzbeschreibung]",
		"1;u_lod_bwd_buchung_standard;abrechnung_zeitraum#bwd;pnr#bwd;la_eigene#bwd;bs_nr#bwd;bs_wert_butab#bwd;kostenstelle#bwd;", "",
		"[Bewegungsdaten]")
	for _, row := range rows {
		crlf(out, strings.Join([]string{"1", day(row.Day, "02/01/2006"), row.Number, p.Codes[row.Code], "1", hundredths(row.Time, ","), row.Job, ""}, ";"))
	}
	return nil
}

// writeLohn writes the hours of each day.
func writeLohn(out *bufio.Writer, p Payroll, rows []PayRow) error {
	crlf(out, "Personalnummer;Kalendertag;Ausfallschluessel;Lohnartennummer;Stundenanzahl;Tagesanzahl;Wert;Abw. Faktor;Abw. Lohnveraenderung;Kostenstelle;Kostentraeger")
	for _, row := range rows {
		crlf(out, strings.Join([]string{row.Number, day(row.Day, "02.01.2006"), "", p.Codes[row.Code], hundredths(row.Time, ","), "", "", "", "", row.Job, ""}, ";"))
	}
	return nil
}
