// Package postgres keeps the read models in Postgres.
//
// A page of events is decoded once, for all projections, and applied in one
// transaction together with the checkpoints: after any crash the rows say
// exactly what the checkpoint says they say. A page that was applied before, in
// whole or in part, changes nothing.
//
// All tables of one build stand in one schema, with their checkpoints and the
// record of their migrations. A rebuild fills the same tables in a schema of its
// own beside the live one and then takes its name, in one transaction; readers
// go on throughout. A check fills a third one and compares. A replay fills one
// with the world at a moment and keeps it.
package postgres
