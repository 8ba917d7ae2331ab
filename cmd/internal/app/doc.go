// Package app is where the parts of Tracekeep meet: it opens the stores a
// configuration names (embedded ones where it names none), joins them, and
// holds the use cases that need more than one part: registering people,
// recording punches, importing clock files, erasing a person, answering HR and
// checking the trail. The command line and the HTTP API are both thin over it.
//
// One process owns a data folder. A second one attaches to the stores that the
// first one runs (see [Config.Attach]) and leaves projecting, the trail and
// erasure effects to it.
package app
