package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/mediastore"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

const (
	captionCanary = "Zaphira Quillfeather at the guard rail 7731"
	cameraCanary  = "N48.8583701 E2.2944813 Pixel-Canary"
)

// picture is an image that no other is like.
func picture(seed uint64) image.Image {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a picture
	img := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			img.Set(x, y, color.RGBA{R: uint8(random.UintN(256)), G: uint8(random.UintN(256)), B: uint8(random.UintN(256)), A: 255})
		}
	}
	return img
}

// snapshot is a picture as a phone makes one: with a record of where it was taken.
func snapshot(t *testing.T, seed uint64) []byte {
	t.Helper()
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, picture(seed), nil); err != nil {
		t.Fatal(err)
	}
	record := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00"), cameraCanary...)
	segment := append([]byte{0xFF, 0xE1, byte((len(record) + 2) >> 8), byte(len(record) + 2)}, record...)
	return bytes.Join([][]byte{plain.Bytes()[:2], segment, plain.Bytes()[2:]}, nil)
}

func drawing(t *testing.T, seed uint64) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, picture(seed)); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// attach attaches and waits until the read models know.
func (h *house) attach(person uuid.UUID, class eventschema.MediaClass, content []byte) httpapi.MediaReceipt {
	h.t.Helper()
	got, err := h.AttachMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaOrder{
		Person: person, Class: class, Caption: eventschema.Clear(captionCanary), FileName: eventschema.Clear("quillfeather.jpg"), ReceivedAt: h.clock(),
	}, bytes.NewReader(content))
	if err != nil {
		h.t.Fatal(err)
	}
	h.caughtUp()
	return got
}

// content reads an item, or its portrait for the nil id.
func (h *house) content(person, item uuid.UUID) ([]byte, error) {
	h.t.Helper()
	var out bytes.Buffer
	err := h.ReadMedia(h.t.Context(), h.as(httpapi.RoleHR), httpapi.MediaQuestion{Person: person, Item: item, Operation: "media-read-test"}, func(httpapi.MediaBegun) {}, &out)
	return out.Bytes(), err
}

func (h *house) remove(person, item uuid.UUID) (uuid.UUID, error) {
	h.t.Helper()
	asked, err := h.RemoveMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaRemoval{Person: person, Item: item, Reason: "no_longer_needed", ReceivedAt: h.clock()})
	return asked.CaseID, err
}

// stored lists the files of an item.
func (h *house) stored(item uuid.UUID) []string {
	h.t.Helper()
	found, err := filepath.Glob(filepath.Join(h.data, "media", eventschema.Hex(item)[:2], eventschema.Hex(item)+".*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

func wantErased(t *testing.T, what string, err error, under uuid.UUID) {
	t.Helper()
	var erased *httpapi.Erased
	if !errors.As(err, &erased) || erased.Case != under {
		t.Errorf("%s: %v, want erased under %s", what, err, under)
	}
}

// TestMedia goes through the life of photos and documents, in one house.
func TestMedia(t *testing.T) {
	set := &traps{}
	h := openHouse(t, func(h *house) { h.fault = set.fault })
	for _, test := range []struct {
		rule string
		run  func(*house, *traps)
	}{
		{"what is attached is read as it was, without the camera's record, and stands nowhere in clear", attachedAndSealed},
		{"what the content is decides, and not its name", refusedContent},
		{"one item is removed, and the others stay", oneItemRemoved},
		{"a hold keeps an item from being removed", heldItem},
		{"a person who is erased takes every file along, and the certificate says so", personTakesFiles},
		{"a file that no event names is swept, and never one that an event names", leftoversSwept},
		{"the same upload twice is one item", sameUploadTwice},
		{"a portrait takes the place of the one before", portraitReplaced},
		{"a file that was changed, lost or put there is found without a key", defectsFound},
		{"media given anew after their erasure stay", givenAnew},
	} {
		t.Run(test.rule, func(t *testing.T) { h.in(t, func() { test.run(h, set) }) })
	}
}

// promise: ST-11
func attachedAndSealed(h *house, _ *traps) {
	who := h.register("Zaphira Quillfeather")
	original := snapshot(h.t, 1)
	got := h.attach(who.PersonID, eventschema.MediaSafety, original)
	read, err := h.content(who.PersonID, got.ItemID)
	if err != nil {
		h.t.Fatal(err)
	}
	if bytes.Contains(read, []byte(cameraCanary)) || !bytes.Contains(original, []byte(cameraCanary)) {
		h.t.Error("the camera's record came in")
	}
	shown, err := jpeg.Decode(bytes.NewReader(read))
	if err != nil {
		h.t.Fatal(err)
	}
	if meant, _ := jpeg.Decode(bytes.NewReader(original)); !samePixels(shown, meant) {
		h.t.Error("the picture is another one")
	}
	views, err := h.MediaOf(h.t.Context(), h.as(httpapi.RoleHR), who.PersonID)
	if err != nil || len(views) != 1 || views[0].Class != eventschema.MediaSafety || views[0].MediaType != eventschema.MediaJPEG {
		h.t.Fatalf("%+v %v", views, err)
	}
	if caption, clear := views[0].Caption.Personal.Reveal(); !clear || caption != captionCanary {
		h.t.Errorf("the caption is %s", views[0].Caption.State())
	}
	pixels := read[len(read)-200 : len(read)-100]
	if at := h.whereIs(pixels, []byte(captionCanary), []byte(cameraCanary), []byte("quillfeather.jpg")); len(at) > 0 {
		h.t.Errorf("in clear in %v", at)
	}
	if len(h.stored(got.ItemID)) != 1 {
		h.t.Error("it is in no file")
	}
	planted := filepath.Join(h.data, "media", "planted")
	if err := os.WriteFile(planted, append([]byte("before"), pixels...), 0o600); err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = os.Remove(planted) }()
	if at := h.whereIs(pixels); len(at) != 1 {
		h.t.Errorf("the search finds a planted picture in %v", at)
	}
}

func samePixels(one, other image.Image) bool {
	if one.Bounds() != other.Bounds() {
		return false
	}
	for y := range one.Bounds().Dy() {
		for x := range one.Bounds().Dx() {
			if one.At(x, y) != other.At(x, y) {
				return false
			}
		}
	}
	return true
}

// whereIs lists the files of the data folder that hold any of the needles.
func (h *house) whereIs(needles ...[]byte) (found []string) {
	h.t.Helper()
	err := filepath.WalkDir(h.data, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !entry.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		for _, needle := range needles {
			if bytes.Contains(content, needle) {
				found = append(found, path)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // a store removed it meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

func refusedContent(h *house, _ *traps) {
	who := h.register("Ada Example")
	whole := snapshot(h.t, 2)
	for rule, c := range map[string]struct {
		class   eventschema.MediaClass
		content []byte
		code    string
	}{
		"a script that is called a photo": {eventschema.MediaWork, []byte("<svg onload=alert(1)>"), "bad_media_type"},
		"nothing at all":                  {eventschema.MediaWork, nil, "bad_media_type"},
		"a photo that was cut off":        {eventschema.MediaWork, whole[:len(whole)-40], "damaged_content"},
		"a document as a portrait":        {eventschema.MediaPortrait, []byte("%PDF-1.7\n%%EOF\n"), "bad_media_type"},
		"a document with a phone's photo": {eventschema.MediaWork, append(append([]byte("%PDF-1.7\n"), whole...), "\n%%EOF\n"...), "camera_metadata"},
		"a class that there is not":       {"selfie", whole, "bad_class"},
	} {
		_, err := h.AttachMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaOrder{Person: who.PersonID, Class: c.class, ReceivedAt: h.clock()}, bytes.NewReader(c.content))
		h.wantRefusal(rule, err, c.code)
	}
	for rule, c := range map[string]struct {
		person  uuid.UUID
		content io.Reader
		want    error
	}{
		"more than is taken in": {who.PersonID, io.MultiReader(bytes.NewReader(whole), io.LimitReader(endless{}, mediastore.DefaultLimit)), httpapi.ErrTooLarge},
		"nobody's":              {uuid.New(), bytes.NewReader(whole), httpapi.ErrNotFound},
	} {
		_, err := h.AttachMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaOrder{Person: c.person, Class: eventschema.MediaWork, ReceivedAt: h.clock()}, c.content)
		if !errors.Is(err, c.want) {
			h.t.Errorf("%s: %v, want %v", rule, err, c.want)
		}
	}
	if left, err := os.ReadDir(filepath.Join(h.data, "media", "incoming")); err != nil || len(left) > 0 {
		h.t.Errorf("left behind: %v %v", left, err)
	}
	h.mediaRules.Photos = "forbidden"
	defer func() { h.mediaRules.Photos = "" }()
	for class, code := range map[eventschema.MediaClass]string{eventschema.MediaPortrait: "photos_forbidden", eventschema.MediaWork: "bad_media_type"} {
		_, err := h.AttachMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaOrder{Person: who.PersonID, Class: class, ReceivedAt: h.clock()}, bytes.NewReader(whole))
		h.wantRefusal("a photo where photos are forbidden", err, code)
	}
	h.attach(who.PersonID, eventschema.MediaWork, []byte("%PDF-1.7\n%%EOF\n"))
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func oneItemRemoved(h *house, _ *traps) {
	who := h.register("Ada Example")
	gone, stays := h.attach(who.PersonID, eventschema.MediaWork, snapshot(h.t, 3)), h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 4))
	files := h.stored(gone.ItemID)
	copied, err := os.ReadFile(files[0])
	if err != nil {
		h.t.Fatal(err)
	}
	id, err := h.remove(who.PersonID, gone.ItemID)
	if err != nil {
		h.t.Fatal(err)
	}
	h.certified(id)
	_, err = h.content(who.PersonID, gone.ItemID)
	wantErased(h.t, "the item", err, id)
	if read, err := h.content(who.PersonID, stays.ItemID); err != nil || !bytes.HasPrefix(read, []byte("\x89PNG")) {
		h.t.Errorf("the other one: %v", err)
	}
	if left := h.stored(gone.ItemID); len(left) > 0 {
		h.t.Errorf("its file is there: %v", left)
	}
	if sum := sha256.Sum256(copied); hex.EncodeToString(sum[:]) != gone.SHA256 {
		h.t.Error("a copy of the file does not fit its event any more")
	}
	if err := os.WriteFile(files[0], copied, 0o600); err != nil { // as a restored folder would
		h.t.Fatal(err)
	}
	err = h.media.Read(h.t.Context(), eventschema.MediaBlob(h.tenant, who.PersonID, gone.ItemID), eventschema.UseAudit,
		mediastore.Blob{Item: gone.ItemID, SHA256: gone.SHA256}, 100, io.Discard)
	var withheld *mediastore.WithheldError
	if !errors.As(err, &withheld) || withheld.State != eventschema.StateErased || withheld.Case != id {
		h.t.Errorf("a copy of the file after the shred: %v", err)
	}
	if swept, done, err := h.sweepMedia(h.t.Context()); swept != 1 || !done || err != nil {
		h.t.Errorf("swept %d, %t, %v", swept, done, err)
	}
	again, err := h.remove(who.PersonID, gone.ItemID)
	if err != nil || again != id {
		h.t.Errorf("removed again under %s, %v", again, err)
	}
	if _, err := h.remove(h.register("Ben Example").PersonID, stays.ItemID); !errors.Is(err, httpapi.ErrNotFound) {
		h.t.Errorf("removed as somebody else's: %v", err)
	}
	events := h.streamOf(eventschema.MediaStream(h.tenant, gone.ItemID))
	if removed, ok := events[len(events)-1].Event.(*eventschema.MediaRemoved); !ok || removed.CaseID != id || len(events) != 3 {
		h.t.Errorf("the stream ends with %T", events[len(events)-1].Event)
	}
}

func heldItem(h *house, _ *traps) {
	who := h.register("Ada Example")
	item := h.attach(who.PersonID, eventschema.MediaSafety, drawing(h.t, 5))
	matter := h.hold(who.PersonID, eventschema.PurposeMedia)
	id, err := h.remove(who.PersonID, item.ItemID)
	if err != nil {
		h.t.Fatal(err)
	}
	if phase, err := h.AwaitRemoval(h.t.Context(), id); err != nil || phase != erasure.PhaseHeld {
		h.t.Errorf("the case is %s, %v", phase, err)
	}
	if _, err := h.content(who.PersonID, item.ItemID); err != nil {
		h.t.Errorf("a held item: %v", err)
	}
	h.lift(matter)
	h.certified(id)
	_, err = h.content(who.PersonID, item.ItemID)
	wantErased(h.t, "after the hold", err, id)
}

func personTakesFiles(h *house, set *traps) {
	who, other := h.register("Ada Example"), h.register("Ben Example")
	items := []httpapi.MediaReceipt{h.attach(who.PersonID, eventschema.MediaWork, snapshot(h.t, 6)), h.attach(who.PersonID, eventschema.MediaPortrait, drawing(h.t, 7))}
	kept := h.attach(other.PersonID, eventschema.MediaWork, drawing(h.t, 8))
	set.at("media deleted", func() { // as if the process had died there: the step comes again
		if len(h.stored(items[0].ItemID))+len(h.stored(items[1].ItemID)) == 2 {
			h.t.Error("nothing was deleted yet")
		}
	})
	id := h.erase(who.PersonID)
	for _, item := range items {
		if left := h.stored(item.ItemID); len(left) > 0 {
			h.t.Errorf("a file is there: %v", left)
		}
		_, err := h.content(who.PersonID, item.ItemID)
		wantErased(h.t, "an item of an erased person", err, id)
	}
	view, err := h.Certificate(h.t.Context(), h.as(httpapi.RolePrivacy), id, eventschema.CertificateEffective)
	if err != nil {
		h.t.Fatal(err)
	}
	if c, err := VerifyCertificate(view.Certificate, h.verifierKey); err != nil || c.Files != 2 {
		h.t.Errorf("the certificate says %d files: %v", c.Files, err)
	}
	if _, err := h.content(other.PersonID, kept.ItemID); err != nil {
		h.t.Errorf("somebody else's: %v", err)
	}
	_, err = h.AttachMedia(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.MediaOrder{Person: who.PersonID, Class: eventschema.MediaWork, ReceivedAt: h.clock()}, bytes.NewReader(drawing(h.t, 9)))
	wantErased(h.t, "another one", err, id)
}

func leftoversSwept(h *house, set *traps) {
	who := h.register("Ada Example")
	kept := h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 10))
	ctx, die := context.WithCancel(h.t.Context())
	set.at("media stored", die) // between the file and its event
	intent := h.intent(h.as(httpapi.RoleHR))
	order := httpapi.MediaOrder{Person: who.PersonID, Class: eventschema.MediaWork, ReceivedAt: h.clock()}
	if _, err := h.AttachMedia(ctx, intent, order, bytes.NewReader(drawing(h.t, 11))); err == nil {
		h.t.Fatal("attached by a process that died")
	}
	orphan := h.mediaItem(intent.Key)
	if len(h.stored(orphan)) != 1 {
		h.t.Fatal("there is no leftover to sweep")
	}
	half := filepath.Join(h.data, "media", "incoming", "half")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	writing, err := h.media.Begin()
	if err != nil {
		h.t.Fatal(err)
	}
	if swept, done, err := h.sweepMedia(h.t.Context()); swept != 0 || done || err != nil {
		h.t.Errorf("swept %d beside a writer, %t, %v", swept, done, err)
	}
	writing.End()
	h.onModels(`DELETE FROM ` + h.models.Schema() + `.media`) // whatever the read models say, the event store knows best
	if swept, done, err := h.sweepMedia(h.t.Context()); swept != 1 || !done || err != nil {
		h.t.Errorf("swept %d, %t, %v", swept, done, err)
	}
	if _, err := os.Stat(half); len(h.stored(orphan)) > 0 || len(h.stored(kept.ItemID)) != 1 || !errors.Is(err, fs.ErrNotExist) {
		h.t.Errorf("left over %v, kept %v, half %v", h.stored(orphan), h.stored(kept.ItemID), err)
	}
	if _, err := h.Rebuild(h.t.Context(), nil); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.AttachMedia(h.t.Context(), intent, order, bytes.NewReader(drawing(h.t, 11))); err != nil {
		h.t.Errorf("the upload again: %v", err)
	}
	h.caughtUp()
	if _, err := h.content(who.PersonID, orphan); err != nil {
		h.t.Error(err)
	}
}

func sameUploadTwice(h *house, set *traps) {
	who := h.register("Ada Example")
	intent := h.intent(h.as(httpapi.RoleHR))
	order := httpapi.MediaOrder{Person: who.PersonID, Class: eventschema.MediaWork, ReceivedAt: h.clock()}
	var inner httpapi.MediaReceipt
	set.at("media stored", func() { // the second overtakes the first
		var err error
		if inner, err = h.AttachMedia(h.t.Context(), intent, order, bytes.NewReader(drawing(h.t, 12))); err != nil {
			h.t.Error(err)
		}
	})
	outer, err := h.AttachMedia(h.t.Context(), intent, order, bytes.NewReader(drawing(h.t, 12)))
	if err != nil || outer.ItemID != inner.ItemID || outer.SHA256 != inner.SHA256 || !outer.Repeated {
		h.t.Fatalf("%+v %+v %v", inner, outer, err)
	}
	if files := h.stored(outer.ItemID); len(files) != 1 || filepath.Ext(files[0]) != "."+outer.SHA256 {
		h.t.Errorf("stored as %v, the event says %s", files, outer.SHA256)
	}
	h.caughtUp()
	if _, err := h.content(who.PersonID, outer.ItemID); err != nil {
		h.t.Error(err)
	}
	order.Class = eventschema.MediaSafety
	_, err = h.AttachMedia(h.t.Context(), intent, order, bytes.NewReader(drawing(h.t, 12)))
	h.wantRefusal("the key for another class", err, "item_id_used")
}

func portraitReplaced(h *house, _ *traps) {
	who := h.register("Ada Example")
	first := h.attach(who.PersonID, eventschema.MediaPortrait, drawing(h.t, 13))
	work := h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 14))
	second := h.attach(who.PersonID, eventschema.MediaPortrait, drawing(h.t, 15))
	portrait, err := h.content(who.PersonID, uuid.Nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if latest, _ := h.content(who.PersonID, second.ItemID); !bytes.Equal(portrait, latest) {
		h.t.Error("the portrait is not the latest one")
	}
	until(h.t, func() bool { return len(h.stored(first.ItemID)) == 0 })
	if len(h.stored(work.ItemID)) != 1 || len(h.stored(second.ItemID)) != 1 {
		h.t.Error("more than the earlier portrait went")
	}
	self := httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: who.PersonID, Work: who.WorkID}
	removal := httpapi.MediaRemoval{Person: who.PersonID, Item: work.ItemID, Reason: "mine", ReceivedAt: h.clock()}
	_, err = h.RemoveMedia(h.t.Context(), h.intent(self), removal)
	h.wantRefusal("what the office keeps, by the person", err, "not_the_own_portrait")
	removal.Item = second.ItemID
	if _, err := h.RemoveMedia(h.t.Context(), h.intent(self), removal); err != nil {
		h.t.Errorf("the own portrait: %v", err)
	}
	until(h.t, func() bool { return len(h.stored(second.ItemID)) == 0 })
	h.caughtUp()
	if _, err := h.content(who.PersonID, uuid.Nil); !errors.Is(err, httpapi.ErrNotFound) {
		h.t.Errorf("a portrait that is none: %v", err)
	}
}

func defectsFound(h *house, _ *traps) {
	who := h.register("Ada Example")
	changed, lost := h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 16)), h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 17))
	until(h.t, func() bool { // until earlier removals are through
		report, err := h.VerifyMedia(h.t.Context(), nil)
		return err == nil && report.OK
	})
	file := h.stored(changed.ItemID)[0]
	content, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	spoilt := bytes.Clone(content)
	spoilt[len(spoilt)-1] ^= 1
	stray := filepath.Join(filepath.Dir(file), eventschema.Hex(changed.ItemID)+"."+hex.EncodeToString(make([]byte, 32)))
	gone := h.stored(lost.ItemID)[0]
	if err := errors.Join(os.WriteFile(file, spoilt, 0o600), os.WriteFile(stray, nil, 0o600), os.Rename(gone, gone+".away")); err != nil {
		h.t.Fatal(err)
	}
	report, err := h.VerifyMedia(h.t.Context(), nil)
	found := map[MediaDefect]bool{}
	for _, d := range report.Defects {
		found[d] = true
	}
	if err != nil || report.OK || len(found) != 3 || !found[MediaDefect{changed.ItemID, "changed"}] || !found[MediaDefect{lost.ItemID, "missing"}] || !found[MediaDefect{changed.ItemID, "left_over"}] {
		h.t.Errorf("%+v %v", report, err)
	}
	if _, err := h.content(who.PersonID, changed.ItemID); !errors.Is(err, mediastore.ErrCorrupt) {
		h.t.Errorf("a changed file is read: %v", err)
	}
	if err := errors.Join(os.WriteFile(file, content, 0o600), os.Remove(stray), os.Rename(gone+".away", gone)); err != nil {
		h.t.Fatal(err)
	}
}

func givenAnew(h *house, set *traps) {
	who := h.register("Ada Example")
	old := h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 18))
	var fresh httpapi.MediaReceipt
	set.at(string(eventschema.StepPursue)+" intended", func() { fresh = h.attach(who.PersonID, eventschema.MediaWork, drawing(h.t, 19)) })
	id := h.erase(who.PersonID, eventschema.PurposeMedia)
	_, err := h.content(who.PersonID, old.ItemID)
	wantErased(h.t, "what was there", err, id)
	if _, err := h.content(who.PersonID, fresh.ItemID); err != nil {
		h.t.Errorf("what was given anew: %v", err)
	}
}
