package postgres_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tracekeep/adapters/postgres"
)

// cpuTicks is the unit of /proc: a hundredth of a second.
const cpuTicks = 10 * time.Millisecond

// cpu is the time that this process and the server of models have spent on
// their processors, which moves less between machines than a rate does. It is
// 0 for the server when that does not run on this machine.
func cpu(tb testing.TB, models *postgres.ReadModels) (ours, server time.Duration) {
	tb.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	var backend int
	if err := models.Querier().QueryRow(tb.Context(), `SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		tb.Fatal(err)
	}
	postmaster := procStat(backend)[1]
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		stat := procStat(pid)
		switch {
		case strconv.Itoa(pid) == postmaster: // with the children it has seen end
			server += ticks(stat[11]) + ticks(stat[12]) + ticks(stat[13]) + ticks(stat[14])
		case stat[1] == postmaster:
			server += ticks(stat[11]) + ticks(stat[12])
		}
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), server
}

// procStat gives the fields of a process's stat from its state on.
func procStat(pid int) []string {
	content, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	return append(fields, make([]string, max(0, 15-len(fields)))...)
}

func ticks(field string) time.Duration {
	n, _ := strconv.Atoi(field)
	return time.Duration(n) * cpuTicks
}
