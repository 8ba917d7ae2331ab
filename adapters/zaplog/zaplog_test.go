package zaplog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"tracekeep/adapters/zaplog"
)

func TestLevels(t *testing.T) {
	core, seen := observer.New(zap.DebugLevel)
	log := zaplog.New(zap.New(core))
	log.Trace("trace", nil)
	log.Debug("debug", nil)
	log.Info("info", nil)
	log.Error("error", errors.New("cause"), nil)
	want := []zapcore.Level{zap.DebugLevel, zap.DebugLevel, zap.InfoLevel, zap.ErrorLevel}
	for i, entry := range seen.All() {
		if entry.Level != want[i] {
			t.Errorf("%s is logged at %s", entry.Message, entry.Level)
		}
	}
	if got := seen.FilterMessage("error").All()[0].ContextMap()["error"]; got != "cause" {
		t.Errorf("error is logged as %v", got)
	}
}

func TestFieldsAddUp(t *testing.T) {
	core, seen := observer.New(zap.InfoLevel)
	zaplog.New(zap.New(core)).With(watermill.LogFields{"topic": "$all"}).Info("line", watermill.LogFields{"pages": 3, "took": time.Second})
	got := fmt.Sprint(seen.All()[0].ContextMap())
	if want := "map[pages:3 took:1s topic:$all]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// promise: no payload reaches a log.
func TestPayloadsAreNamedNotWritten(t *testing.T) {
	core, seen := observer.New(zap.DebugLevel)
	log := zaplog.New(zap.New(core))
	const canary = "Canary-7f3a"
	msg := message.NewMessage("id", []byte(canary))
	msg.Metadata.Set("name", canary)
	for _, value := range []any{[]byte(canary), msg, message.Payload(canary), msg.Metadata, struct{ Name string }{canary}, []string{canary}} {
		log.Error("line", nil, watermill.LogFields{"value": value})
		log.With(watermill.LogFields{"value": value}).Trace("line", nil)
	}
	for _, entry := range seen.All() {
		if text := fmt.Sprint(entry.ContextMap()); strings.Contains(text, canary) {
			t.Errorf("logged %s", text)
		}
	}
}
