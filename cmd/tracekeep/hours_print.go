package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

func (c hoursReport) print(w io.Writer, o app.HoursOrder, owed []app.OwedHours, release httpapi.Release) error {
	if c.JSON {
		for _, one := range owed {
			if err := printJSON(w, owedJSON(o, one, release)); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := fmt.Fprintf(w, "%s by %s, version %d\n", o.Period, printable(o.Plan.Name), o.Plan.Version); err != nil {
		return err
	}
	rows := make([][]string, 0, len(owed))
	for _, one := range owed {
		r := one.Result
		rows = append(rows, []string{
			one.WorkID.String(), shown(one.Name, release), one.Group.Name, duration(one.Totals.Regular), duration(one.Totals.Overtime), duration(one.Totals.DoubleTime),
			strconv.Itoa(len(r.Premiums)), strconv.Itoa(len(r.Breaches)), strconv.Itoa(len(one.Findings) + len(r.Overlaps)), strconv.Itoa(len(r.Unjudged)),
		})
	}
	if err := table(w, "WORK ID|NAME|GROUP|REGULAR|OVERTIME|DOUBLE TIME|PREMIUM HOURS|BREACHES|EXCEPTIONS|DAYS NOT JUDGED", rows); err != nil {
		return err
	}
	if err := printPay(w, owed); err != nil {
		return err
	}
	if err := printAdjustments(w, owed); err != nil || !c.Explain {
		return err
	}
	for _, one := range owed {
		if _, err := fmt.Fprintf(w, "\n%s  %s\n", one.WorkID, shown(one.Name, release)); err != nil {
			return err
		}
		if err := table(w, "WHAT|JOB|FROM|TO|HOURS|RATE|RULE|SOURCE|PUNCHES", explained(one)); err != nil {
			return err
		}
	}
	return nil
}

func printPay(w io.Writer, owed []app.OwedHours) error {
	var rows [][]string
	for _, one := range owed {
		for _, p := range one.Pay {
			rows = append(rows, []string{
				one.WorkID.String(), p.Cycle, p.RateCause.Set, p.Straight.String(), p.Bonuses.String(), p.RegularRate.Decimals(4), p.Extra.String(), p.Premiums.String(), p.Guaranteed.String(), p.Gross.String(),
			})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(w)
	return table(w, "WORK ID|WEEK OF|RULES|STRAIGHT|BONUSES|REGULAR RATE|OVERTIME ADDS|PREMIUMS|GUARANTEED|GROSS", rows)
}

// printAdjustments prints what locked periods come to beyond what was paid for them.
func printAdjustments(w io.Writer, owed []app.OwedHours) error {
	var rows [][]string
	for _, one := range owed {
		for _, a := range one.Adjustments {
			rows = append(rows, []string{one.WorkID.String(), a.From + "/" + a.To, printable(a.Job), signedSeconds(a.Time.RegularSeconds), signedSeconds(a.Time.OvertimeSeconds), signedSeconds(a.Time.DoubleTimeSeconds), fmt.Sprintf("%+d", a.Time.PremiumHours), signedSeconds(a.Time.GuaranteedSeconds)})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(w, "\nadjustments of locked periods")
	return table(w, "WORK ID|PERIOD|JOB|REGULAR|OVERTIME|DOUBLE TIME|PREMIUM HOURS|GUARANTEED", rows)
}

func signedSeconds(n int64) string { return signed(time.Duration(n) * time.Second) }

// duration writes h:mm, rounded down to the minute.
func duration(d time.Duration) string { return hoursAndMinutes(int64(d / time.Second)) }
