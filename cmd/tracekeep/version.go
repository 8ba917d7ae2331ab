package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Run prints the build.
func (c versionCommand) Run(_ context.Context, t *terminal) error {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this binary carries no build information")
	}
	version := build.Main.Version
	if version == "" {
		version = "(devel)"
	}
	if c.JSON {
		return printJSON(t.out, map[string]string{"version": version, "go": build.GoVersion})
	}
	_, err := fmt.Fprintf(t.out, "tracekeep %s, %s\n", version, build.GoVersion)
	return err
}
