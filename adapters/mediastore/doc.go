// Package mediastore keeps photos and documents: each a sealed file in one folder, beside
// the event store.
//
//	media/
//	  lock                                 shared by writers, see [Store.Alone]
//	  incoming/<item>                      being written; noise after a crash
//	  <first two digits>/<item>.<sha256>   what an event may name
//
// # Order
//
// [Writing.Put] is durable when it returns: the file is written beside its place, synced,
// renamed, and its folder is synced. Only then is its event appended. A crash in between
// leaves a file that no event names; [Store.Blobs] lists files so that whoever opens the
// folder alone finds those and removes them.
//
// # Sealing
//
// A file is an age file (age-encryption.org/v1): chunks of 64 KiB, each authenticated
// with its number and the last with its being the last, so that a changed, cut, moved or
// added byte is refused and no more than a chunk is in memory. Its key is sealed, in the
// header, by the keyring under the key of the item. So no raw key leaves the keyring, and
// destroying that key, or the one of the person that wraps it, makes the file noise
// (decision 163).
//
// Behind the content come zeros up to a length that many files have (at most an eighth
// more), because the exact length of a known photo would tell which one it was.
//
// # What is taken in
//
// JPEG, PNG and PDF, told by their content. Of an image its pixels are kept and what shows
// them as they were meant: no EXIF but the orientation, so no place, time, device or
// thumbnail, no comments, nothing behind its end (decision 164).
package mediastore
