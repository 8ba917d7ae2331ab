package bundle

// readme is the first member: what a lawyer reads who opens the archive.
const readme = `This file is an audit bundle of Tracekeep.

It holds events of a record exactly as they were stored, and what shows that
they are in the log whose signed head is the member "checkpoint", that nothing
was changed, and, where the selection is a range or the whole log, that nothing
was left out. Personal values are sealed unless the member "opened.jsonl" is
there.

Check it with the program tracekeep-verify, which needs no connection and no
secret, and with a public key of the log that you got by another way than this
file:

    tracekeep-verify --key log.vkey this-file

If you kept a checkpoint of an earlier time, give it, too: it shows that the log
was continued and not written anew.

    tracekeep-verify --key log.vkey --earlier checkpoint-of-last-year this-file

The formats are open: the tree is the one of RFC 6962, checkpoints and
signatures are those of C2SP (tlog-checkpoint, signed-note, tlog-cosignature),
the rest is JSON, a value on each line.
`
