package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// phone is an install that keeps punches until it has a verdict on each.
type phone struct {
	t     *testing.T
	id    uuid.UUID
	key   ed25519.PrivateKey
	to    devicebatch.SealingKey
	batch devicebatch.Batch
}

// carried enrols the phone of somebody, with punches of three years in it.
func carried(t *testing.T, a *app.App, punches int) *phone {
	t.Helper()
	person, err := a.RegisterPerson(t.Context(), httpapi.Intent{Principal: operator(a), Key: uuid.NewString()}, httpapi.Registration{
		LegalName: eventschema.Clear("Somebody Unmistakable"), ReceivedAt: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	receipt, id, err := a.AdmitDevice(t.Context(), httpapi.Intent{Principal: operator(a), Key: uuid.NewString()},
		httpapi.DeviceInvitation{Work: person.WorkID, At: time.Now()}, hex.EncodeToString(public))
	if err != nil {
		t.Fatal(err)
	}
	p := &phone{t: t, id: id, key: key, to: devicebatch.SealingKey{ID: receipt.SealingKey.ID, Public: receipt.SealingKey.PublicKey}}
	p.batch = devicebatch.Batch{Version: devicebatch.Version, DeviceID: id, Sequence: 1}
	for i := range punches {
		at := time.Date(2023+i%3, 3, 2, 8, 0, i, 0, time.UTC)
		p.batch.Punches = append(p.batch.Punches, devicebatch.Punch{
			Counter: int64(i + 1), OccurredAt: at.Format(time.RFC3339), Zone: "Europe/Berlin", Direction: []string{"in", "out"}[i%2], LocationDenied: true,
		})
	}
	return p
}

// send seals the batch anew and sends it, with the proof that a long one needs.
func (p *phone) send(url string) (*http.Response, error) {
	p.t.Helper()
	p.batch.SentAt = time.Now().Format(time.RFC3339Nano)
	sealed, err := devicebatch.Seal(p.batch, p.to, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := json.Marshal(sealed)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, url+"/v1/devices/"+p.id.String()+"/batches", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Batch-Proof", sealed.Prove(p.id, p.key).String())
	return http.DefaultClient.Do(request)
}

// A process that is killed in the midst of a batch has answered nothing: the device
// sends the batch again, to another process, and in the end each punch is recorded
// once. With TRACEKEEP_NIGHT=1 it is also killed at a hundred moments of chance.
//
// promise: ST-52
func TestKilledAmidABatchOfADeviceItIsRecordedOnce(t *testing.T) {
	const punches = 1800 // of three streams, some appends each
	var from *phone
	data := founded(t)
	making := &terminal{out: &bytes.Buffer{}, err: &bytes.Buffer{}, clock: time.Now, random: rand.Reader}
	if err := (dataFlags{Data: data}).withApp(t.Context(), making, true, func(_ context.Context, a *app.App) error {
		from = carried(t, a, punches)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	c := crashCase{t: t, data: data}
	c.diesAmid(from, crashAt+"=batch noted")
	c.diesAmid(from, crashAt+"=some of a batch recorded", crashAfter+"=4")
	if os.Getenv("TRACEKEEP_NIGHT") == "1" {
		for range 100 {
			c.diesAmid(from, crashAt+"=")
		}
	}
	withFolder(t, data, func(a *app.App) {
		d := &desk{t: t, a: a, data: data}
		for round := range 2 {
			response, err := from.send(d.wire())
			if err != nil {
				t.Fatal(err)
			}
			var told struct{ Verdicts []httpapi.VerdictBody }
			if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			verdicts := map[string]int{}
			for _, v := range told.Verdicts {
				verdicts[v.Verdict]++
			}
			fresh, known := verdicts["recorded"], verdicts["already_recorded"]
			switch {
			case response.StatusCode != http.StatusOK || fresh+known != punches || known == 0:
				t.Errorf("%d %v", response.StatusCode, verdicts)
			case round == 1 && fresh > 0:
				t.Errorf("sent again: %v", verdicts)
			case round == 0 && fresh == 0 && os.Getenv("TRACEKEEP_NIGHT") != "1":
				t.Error("nothing was left to record: nobody was killed in the midst")
			}
		}
		var replayed app.Replayed
		d.run("replay", "--json").last(t, &replayed)
		if replayed.ByType["punch-recorded.v3"] != punches || replayed.ByType["batch-received.v1"] != 1 {
			t.Errorf("%v", replayed.ByType)
		}
	})
}

// diesAmid serves in a process that is killed while it takes a batch: at the point
// that it is told, or, told of none, at a moment of chance.
func (c crashCase) diesAmid(from *phone, at ...string) {
	t := c.t
	t.Helper()
	server := child(t.Context(), t, c.command("serve", "--listen", "127.0.0.1:0")...)
	server.Env = append(server.Env, at...)
	out := &lockedBuffer{}
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "esdb://")
	url := out.waitFor(t, "http://")
	if len(at) == 1 && at[0] == crashAt+"=" {
		after, err := rand.Int(rand.Reader, big.NewInt(int64(400*time.Millisecond)))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(after.Int64()), func() { _ = server.Process.Kill() })
	}
	if response, err := from.send(url); err == nil {
		_ = response.Body.Close()
		if len(at) > 1 || at[0] != crashAt+"=" {
			t.Errorf("%s: answered %s", at, response.Status)
		}
	}
	if err := server.Wait(); !killed(server.ProcessState) {
		t.Fatalf("%s: the process did not die: %v\n%s", at, err, out.text.String())
	}
}
