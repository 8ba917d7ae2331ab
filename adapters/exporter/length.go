package exporter

import (
	"fmt"
	"time"
)

// HoursMinutes writes a length as 8:05, seconds cut off.
func HoursMinutes(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", d/time.Hour, d/time.Minute%60)
}
