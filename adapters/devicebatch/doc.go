// Package devicebatch is the format in which enrolled devices send what they
// recorded, online or weeks later: sealed to the server and signed by the device.
// Whoever writes an app writes it after this page; the files in testdata hold it to
// its bytes, and `tracekeep devices seal` makes batches to try with.
//
// # Enrolment
//
// Somebody makes a code (POST /v1/devices, or tracekeep devices invite) and gets a
// device id with it. The install draws an Ed25519 key pair, keeps the private key
// where the system keeps keys (it goes when the app is uninstalled), and posts to
// /v1/devices/{device_id}/enrolment:
//
//	{"code": "…", "public_key": "<64 hex digits>", "signature": "<base64>"}
//
// The signature is over "tracekeep device enrolment v1", a zero byte, the 16 bytes
// of the device id, and the code. Sending the same again changes nothing.
//
// # A batch
//
// A batch is a JSON object in UTF-8 without members that are not listed at [Batch]
// and [Punch]. It is sealed with HPKE (RFC 9180) in base mode: DHKEM(X25519,
// HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, no additional data, and as info
//
//	"tracekeep device batch v1"  a zero byte  device id (16 bytes)  key id (8 bytes)
//
// The sealing key comes from GET /v1/devices/sealing-key; its id is the first 8
// bytes of the SHA-256 of the public key, written in hex. What is sealed is the
// encapsulated key (32 bytes) and behind it the ciphertext. The device signs the info
// and behind it what is sealed, with its Ed25519 key, and posts to
// /v1/devices/{device_id}/batches:
//
//	{"sealing_key": "<16 hex digits>", "sealed": "<base64>", "signature": "<base64>"}
//
// Base64 is that of RFC 4648 section 4, with padding.
//
// # A long batch
//
// A body of more than 64 KiB, some 250 punches, is read only when a header has shown
// who sends it:
//
//	Batch-Proof: <base64 of 96 bytes>
//
// They are the SHA-256 of what is sealed, and the device's signature over "tracekeep
// device batch proof v1", a zero byte, the 16 bytes of the device id, and that
// SHA-256. Any batch may have it, and what strangers send then keeps no device
// waiting.
//
// # The answer
//
// There is one verdict for each punch, in the order of the batch: recorded,
// already_recorded, or refused with a code. What was recorded is on disk by then. A
// device keeps a punch until it has a verdict on it, and sends a batch again, under
// the same sequence, when it got no answer; that changes nothing. Batches may come in
// any order. A punch that is refused may be sent again once the cause is gone; the
// claim is kept with the batch in any case.
//
// Answers about the whole batch: 403 unproven (no such device, or not its
// signature) and 403 revoked (enrol again); 422 with unknown_sealing_key (fetch the
// key and seal again), not_sealed, bad_batch, other_device or too_many_punches; 413
// (longer than was proven: send the proof, or less); 429, to be repeated after the
// seconds that Retry-After says; 503, to be repeated.
package devicebatch
