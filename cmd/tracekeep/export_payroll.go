package main

import (
	"context"

	"tracekeep/adapters/exporter"
	"tracekeep/cmd/internal/app"
)

type exportPayroll struct {
	exportFlags
	System string `help:"adp (Workforce Now paydata), paychex (Flex SPI), quickbooks-iif (Desktop, TIMEACT), datev-lodas or datev-lug (Lohn und Gehalt)." enum:"adp,paychex,quickbooks-iif,datev-lodas,datev-lug" required:""`
	planFlags
	From    string            `help:"First day of the pay period, 2006-01-02." required:"" placeholder:"DAY"`
	To      string            `help:"Last day." required:"" placeholder:"DAY"`
	Person  string            `help:"One person: an id, a work id, or a part of the name." placeholder:"WHO"`
	Company string            `help:"The program's code of the company: ADP Co Code, Paychex Client ID, QuickBooks company name, DATEV Beraternummer." placeholder:"CODE"`
	Batch   string            `help:"ADP Batch ID, QuickBooks COMPANYCREATETIME (from a timer export of that company), DATEV Mandantennummer." placeholder:"CODE"`
	Code    map[string]string `help:"The program's name or number of a pay code, as overtime=1010; codes are regular, overtime, double_time, premium and guarantee. May be repeated." placeholder:"CODE=OWN"`
	Job     map[string]string `help:"The program's own cost centre (DATEV), cost number (ADP), job number (Paychex) or customer:job (QuickBooks) of a job, as night_watch=4711; hours of each are lines of their own. May be repeated." placeholder:"JOB=OWN"`
}

// Help implements kong's help provider.
func (exportPayroll) Help() string {
	return `Works out what is owed for the days (as tracekeep hours report does) and writes it as the file that a payroll program reads:
hours by code, of each person and day, or of the period (ADP) or month (LODAS) where the format has one line for it. People are
known by their employee number, in QuickBooks by their payroll name. Premium hours and what a guarantee adds are codes of their own.

Hours of a job that --job names are lines of their own, with the job in the field that is documented for it: Temp Cost Number of ADP,
Job Number of Paychex, JOB of QuickBooks, Kostenstelle of DATEV. Hours of other jobs are one line without. With --plan, hours are worked out by the rules of each group; rates are not needed, because the file holds time.

The columns are those that the vendors, or for Paychex, LODAS and Lohn und Gehalt their integrators, document; decision 111 says
what is documented and what is not. Import one person first. For QuickBooks Online no format is documented.

Exit code 3: somebody with hours is not in the file, because no number of theirs can be read or fits the program, or something in
the hours needs a look before it is paid, or there are adjustments of locked periods, which no file holds because they may take
hours away (tracekeep hours report says what).

Examples:
  tracekeep export payroll --data ./records --system adp --company ABC --batch KJ260927 --code double_time=D --code premium=P \
      --rules california --zone America/Los_Angeles --from 2026-09-14 --to 2026-09-27 --to-file PRABCEPI.csv \
      --officer 6d1e… --recipient payroll_bureau --purpose payroll --reason processor
  tracekeep export payroll --data ./records --system datev-lodas --company 1001 --batch 1 --code regular=1000 --code overtime=1010 \
      --rules flsa --zone Europe/Berlin --from 2026-04-01 --to 2026-04-30 --to-file lodas.txt \
      --officer 6d1e… --recipient payroll_bureau --purpose payroll --reason processor`
}

// Run exports what is owed.
func (c exportPayroll) Run(ctx context.Context, t *terminal) error {
	order, err := c.order(t, "payroll", c.From, c.To)
	if err != nil {
		return err
	}
	report, err := hoursReport{planFlags: c.planFlags, From: c.From, To: c.To}.order()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	payroll := exporter.Payroll{System: exporter.System(c.System), Company: c.Company, Batch: c.Batch, Codes: c.Code, Jobs: c.Job}
	var done app.Exported
	err = c.run(ctx, t, order, c.Person, func(ctx context.Context, a *app.App, w *app.World, order app.ExportOrder) (_ app.Exported, err error) {
		done, err = w.ExportPayroll(ctx, operator(a), order, report, payroll)
		return done, err
	})
	if err != nil {
		return err
	}
	if open := done.Open(); open != nil {
		return &coded{code: exitRejected, err: open}
	}
	return nil
}
