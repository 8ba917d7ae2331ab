// Package zaplog lets watermill log through zap.
package zaplog

import (
	"fmt"
	"slices"

	"github.com/ThreeDotsLabs/watermill"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger is watermill's logger over zap. Watermill's trace level becomes zap's
// debug level. It writes text, numbers, flags and names; of any other value, a
// payload above all, it writes the type only.
type Logger struct{ log *zap.Logger }

var _ watermill.LoggerAdapter = (*Logger)(nil)

// New makes a logger that writes to log.
func New(log *zap.Logger) *Logger { return &Logger{log: log.WithOptions(zap.AddCallerSkip(2))} }

// Error implements [watermill.LoggerAdapter].
func (l *Logger) Error(msg string, err error, fields watermill.LogFields) {
	l.write(zap.ErrorLevel, msg, fields, zap.Error(err))
}

// Info implements [watermill.LoggerAdapter].
func (l *Logger) Info(msg string, fields watermill.LogFields) { l.write(zap.InfoLevel, msg, fields) }

// Debug implements [watermill.LoggerAdapter].
func (l *Logger) Debug(msg string, fields watermill.LogFields) { l.write(zap.DebugLevel, msg, fields) }

// Trace implements [watermill.LoggerAdapter].
func (l *Logger) Trace(msg string, fields watermill.LogFields) { l.write(zap.DebugLevel, msg, fields) }

// With implements [watermill.LoggerAdapter].
func (l *Logger) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return &Logger{log: l.log.With(translate(fields)...)}
}

func (l *Logger) write(level zapcore.Level, msg string, fields watermill.LogFields, more ...zap.Field) {
	if entry := l.log.Check(level, msg); entry != nil {
		entry.Write(append(translate(fields), more...)...)
	}
}

// translate orders fields by name, so that equal lines are equal.
func translate(fields watermill.LogFields) []zap.Field {
	out := make([]zap.Field, 0, len(fields)+1)
	for name, value := range fields {
		out = append(out, field(name, value))
	}
	slices.SortFunc(out, func(a, b zap.Field) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return out
}

func field(name string, value any) zap.Field {
	switch v := value.(type) {
	case string, bool, error, fmt.Stringer,
		int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return zap.Any(name, v)
	default:
		return zap.String(name, fmt.Sprintf("[%T]", value))
	}
}
