package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// ExportCalendar writes the intervals of work of some days as an iCalendar feed:
// of one person, or of everybody whose work began at one station. An event is
// known by the punch that began it, so that a feed written again after a correction
// moves it.
func (w *World) ExportCalendar(ctx context.Context, by httpapi.Principal, order ExportOrder) (Exported, error) {
	x := w.export(by, order)
	var err error
	if x.order.Works, err = projections.WorksOfIntervals(ctx, w.q, w.a.tenant, order.days(), order.Station); err != nil {
		return Exported{}, err
	}
	names, err := x.disclosed(ctx, x.order.Works)
	if err != nil {
		return Exported{}, err
	}
	called := order.Station
	if called == "" {
		called = "Work"
	}
	return x.write(func(to io.Writer) error {
		feed := exporter.NewCalendar(to, called)
		if len(x.order.Works) > 0 {
			err := projections.EachPlaced(ctx, w.q, w.a.tenant, x.order.days(), order.Station, func(i projections.PlacedInterval) error {
				name, _ := x.told(names[i.WorkID])
				x.done.Rows++
				return feed.Write(exporter.CalendarEvent{
					UID: i.In.String() + "@tracekeep", Start: i.Start, End: i.End, Location: i.InAt.Station,
					Summary: fmt.Sprintf("%s, %s h", name, exporter.HoursMinutes(time.Duration(i.Seconds)*time.Second)),
				})
			})
			if err != nil {
				return err
			}
		}
		return feed.Close()
	})
}
