// Package pgcluster runs a private Postgres cluster from the Postgres binaries
// of this machine, so that one command brings a running product with a real
// database in it.
//
// One folder holds one cluster:
//
//	data/          the Postgres data directory, made once and never deleted
//	socket/        the unix socket, unless the path is too long for one
//	postgres.log   what the server says
//	in-use.lock    held by the process that started the cluster
//
// There is no TCP port. The socket stands in a directory of mode 0700, so the
// file system decides who may connect, and the server trusts whoever can.
//
// Postgres refuses to run as root. A root process therefore starts it as an
// unprivileged account, gives that account the folder, and leaves every other
// directory as it is: a folder below a closed directory is refused with
// [ErrUnreachable], and only directories that Start makes itself are opened for
// passing through (mode 0711).
//
// A postmaster outlives a process that is killed. The next Start on the folder
// stops such a leftover and starts anew; while the process that started it
// lives, Start answers [ErrInUse]. Tying the server to its parent with
// PR_SET_PDEATHSIG was rejected: the signal follows the operating-system thread
// that forked, and the Go runtime ends threads while the program goes on.
package pgcluster
