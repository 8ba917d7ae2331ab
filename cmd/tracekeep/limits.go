package main

import (
	"time"

	"tracekeep/adapters/eventnode"
)

// limitFlags bound what clients can make the embedded event store hold. Zero
// takes the store's own default.
type limitFlags struct {
	Connections   int           `name:"store-connections" help:"Connections to the embedded event store at a time; 0: 256." env:"TRACEKEEP_STORE_CONNECTIONS" placeholder:"N"`
	Subscriptions int           `name:"store-subscriptions" help:"Subscriptions, consumers and bulk appends at a time; 0: 256." env:"TRACEKEEP_STORE_SUBSCRIPTIONS" placeholder:"N"`
	QueueMiB      int64         `name:"store-queue-mib" help:"MiB of events that may wait to be written; beyond, writers wait and are then told that it is busy; 0: 64." env:"TRACEKEEP_STORE_QUEUE_MIB" placeholder:"N"`
	QueueWait     time.Duration `name:"store-queue-wait" help:"How long a writer waits for room before it is told so; 0: 2s." env:"TRACEKEEP_STORE_QUEUE_WAIT" placeholder:"TIME"`
	StopTime      time.Duration `name:"store-stop-within" help:"How long the embedded event store may take to stop; 0: 10s." env:"TRACEKEEP_STORE_STOP_WITHIN" placeholder:"TIME"`
}

func (f limitFlags) limits() eventnode.Limits {
	return eventnode.Limits{
		Connections: f.Connections, Subscriptions: f.Subscriptions, QueueBytes: f.QueueMiB << 20, QueueWait: f.QueueWait, StopTime: f.StopTime,
	}
}
