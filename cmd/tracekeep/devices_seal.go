package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
)

type devicesSeal struct {
	MakeKey    string    `name:"make-key" help:"Draw the key of an install, write it to this new file, and print the public one." xor:"what" required:"" placeholder:"FILE"`
	Key        string    `help:"File with the key of the install." xor:"what" required:"" placeholder:"FILE"`
	Device     uuid.UUID `help:"Device id."`
	Code       string    `help:"Code of the invitation: print what enrols the install, and seal nothing." placeholder:"CODE"`
	SealingKey string    `name:"sealing-key" help:"Public key that batches are sealed to, 64 hex digits; tracekeep devices sealing-key shows it." placeholder:"HEX"`
	Proof      string    `help:"Also write the header that a batch of more than 64 KiB needs to this file, for curl -H @FILE." placeholder:"FILE"`
	In         string    `help:"The batch as JSON; - is standard input. Left out in it: version, device_id, and sent_at, which is now." default:"-" placeholder:"FILE"`
}

// Help implements kong's help provider.
func (devicesSeal) Help() string {
	return `Prints the body of a request, to be posted with any HTTP client.

Examples:
  tracekeep devices seal --make-key phone.key
  tracekeep devices seal --key phone.key --device 91aa… --code MZXW6YTBOI4TQMRQGQZDKMZSGE > enrolment.json
  tracekeep devices seal --key phone.key --device 91aa… --sealing-key 8520f009… --in batch.json --proof proof.txt > body.json
  curl -H 'Content-Type: application/json' -H @proof.txt --data @body.json http://127.0.0.1:8080/v1/devices/91aa…/batches`
}

// Run seals.
func (c devicesSeal) Run(t *terminal) error {
	if c.MakeKey != "" {
		return c.makeKey(t)
	}
	signer, err := readSigner(c.Key)
	if err != nil {
		return err
	}
	if c.Device == uuid.Nil {
		return &coded{code: exitUsage, err: errors.New("--device is required")}
	}
	if c.Code != "" {
		return printJSON(t.out, map[string]any{
			"code": c.Code, "public_key": hex.EncodeToString(signer.Public().(ed25519.PublicKey)), "signature": devicebatch.SignEnrolment(c.Device, c.Code, signer),
		})
	}
	public, err := hex.DecodeString(c.SealingKey)
	if err != nil || len(public) != 32 {
		return &coded{code: exitUsage, err: errors.New("--sealing-key takes 64 hex digits")}
	}
	batch, err := c.read(t)
	if err != nil {
		return err
	}
	sealed, err := devicebatch.Seal(batch, devicebatch.SealingKey{ID: devicebatch.KeyID(public), Public: public}, signer)
	if err != nil {
		return err
	}
	if c.Proof != "" {
		header := "Batch-Proof: " + sealed.Prove(c.Device, signer).String() + "\n"
		if err := os.WriteFile(c.Proof, []byte(header), 0o600); err != nil {
			return fmt.Errorf("write the proof: %w", err)
		}
	}
	return printJSON(t.out, sealed)
}

func (c devicesSeal) makeKey(t *terminal) error {
	public, private, err := ed25519.GenerateKey(t.random)
	if err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	file, err := os.OpenFile(c.MakeKey, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	_, err = fmt.Fprintln(file, hex.EncodeToString(private.Seed()))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	_, err = fmt.Fprintln(t.out, hex.EncodeToString(public))
	return err
}

func readSigner(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the command line names
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s holds no key: 64 hex digits, as --make-key writes them", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (c devicesSeal) read(t *terminal) (devicebatch.Batch, error) {
	in := t.in
	if in == nil {
		in = strings.NewReader("")
	}
	if c.In != "-" {
		file, err := os.Open(c.In)
		if err != nil {
			return devicebatch.Batch{}, fmt.Errorf("read the batch: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, devicebatch.MaxBytes))
	if err != nil {
		return devicebatch.Batch{}, fmt.Errorf("read the batch: %w", err)
	}
	batch := devicebatch.Batch{Version: devicebatch.Version, DeviceID: c.Device, SentAt: t.clock().Format(time.RFC3339)}
	if err := json.Unmarshal(text, &batch); err != nil {
		return devicebatch.Batch{}, fmt.Errorf("read the batch: %w", err)
	}
	return batch, nil
}
