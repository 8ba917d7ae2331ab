package app

import (
	"context"
	"errors"
	"io"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
)

// Export implements [httpapi.Exports].
func (a *App) Export(ctx context.Context, by httpapi.Principal, o httpapi.ExportOrder, begin func(httpapi.ExportBegun), to io.Writer) error {
	var err error
	order := ExportOrder{
		What: o.What, From: o.From, To: o.To, Works: only(o.Work), Station: o.Station, Why: o.Why, Role: by.Role, Stream: to,
		Begin: func(e Exported) {
			begin(httpapi.ExportBegun{Disclosed: e.Disclosed, Withheld: e.Withheld, LeftOut: e.LeftOut, Adjustments: e.Adjustments, Findings: e.Findings})
		},
	}
	table := TableFormat{Format: exporter.Format(o.Format), BOM: o.ByteOrderMark}
	switch o.What {
	case "hours":
		_, err = a.Today().ExportHours(ctx, by, order, table)
	case "punches":
		_, err = a.Today().ExportPunches(ctx, by, order, table)
	case "payroll":
		period, invalid := daysOf(o.From, o.To)
		if invalid != nil {
			return invalid
		}
		_, err = a.Today().ExportPayroll(ctx, by, order, HoursOrder{Plan: o.Payroll.Plan, Earlier: o.Payroll.Earlier, Period: period}, exporter.Payroll{
			System: exporter.System(o.Payroll.System), Company: o.Payroll.Company, Batch: o.Payroll.Batch, Codes: o.Payroll.Codes, Jobs: o.Payroll.Jobs,
		})
	default:
		return httpapi.ErrNotFound
	}
	return outwardExport(err)
}

// outwardExport translates what a payroll program does not take.
func outwardExport(err error) error {
	for _, r := range []refusal{
		{exporter.ErrSystem, "bad_system", "/system"},
		{exporter.ErrCompany, "no_company", "/company"},
		{exporter.ErrCode, "no_code", "/codes"},
		{exporter.ErrJob, "bad_job", "/jobs"},
		{exporter.ErrNumber, "bad_number", ""},
		{exporter.ErrLength, "too_long", ""},
		{exporter.ErrTooBig, "too_big", "/format"},
		{errSameNumber, "same_number", ""},
	} {
		if errors.Is(err, r.err) {
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	return outward(err)
}
