package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/adapters/mediastore"
	"tracekeep/eventschema"
)

// PhotoSummary says what became of the photos of a people file.
type PhotoSummary struct {
	Attached  int                 `json:"attached"`
	Unchanged int                 `json:"unchanged"` // the same as the portrait that is kept
	Rejected  int                 `json:"rejected"`
	Rejects   []importer.Rejected `json:"rejects,omitempty"`
}

// listedPhoto is somebody of a people file who occurred, and may have a photo.
type listedPhoto struct {
	person uuid.UUID // nil in a dry run, for somebody who is not registered yet
	key    string
	row    importer.Person
}

// photosOf finds those of a batch who may have one.
type photosOf struct {
	wanted bool
	listed []listedPhoto
}

func (p *photosOf) add(person uuid.UUID, key string, row importer.Person) {
	if p != nil && p.wanted && row.Line > 0 {
		p.listed = append(p.listed, listedPhoto{person, key, importer.Person{Photo: row.Photo, Line: row.Line}})
	}
}

// ImportWithPhotos is [App.Import] and then attaches, as portraits, the photos of those
// who occurred: the file that the row names, else one named like the key of the person,
// with .jpg, .jpeg or .png behind it. A row whose photo cannot be used is kept. A dry run
// looks at the photos and attaches none.
func (a *App) ImportWithPhotos(ctx context.Context, options importer.Options, photos *os.Root, dry bool) (importer.Summary, PhotoSummary, error) {
	listed := &photosOf{wanted: photos != nil}
	run := a.importListing
	if dry {
		run = a.tryListing
	}
	summary, err := run(ctx, options, listed)
	if err != nil || photos == nil {
		return summary, PhotoSummary{}, err
	}
	report := PhotoSummary{}
	if err := a.CatchUp(ctx, nil); err != nil { // it is asked which portraits are kept
		return summary, report, err
	}
	for _, one := range listed.listed {
		file, name, err := openPhoto(photos, one)
		if err == nil && file == nil {
			continue // nobody promised one
		}
		if err == nil {
			err = errors.Join(a.importPhoto(ctx, one, file, name, dry, &report), file.Close())
		}
		reason, rejected := reasonOfPhoto(err)
		switch {
		case rejected:
			report.Rejected++
			report.Rejects = append(report.Rejects, importer.RejectPhoto(one.row.Line, reason))
		case err != nil:
			return summary, report, fmt.Errorf("photo of line %d: %w", one.row.Line, err)
		}
	}
	return summary, report, nil
}

// openPhoto answers nil for somebody who has none.
func openPhoto(photos *os.Root, one listedPhoto) (*os.File, string, error) {
	if one.row.Photo != "" {
		file, err := openRegular(photos, one.row.Photo)
		return file, one.row.Photo, err
	}
	for _, extension := range []string{".jpg", ".jpeg", ".png"} {
		file, err := openRegular(photos, one.key+extension)
		if !errors.Is(err, errNoPhoto) {
			return file, one.key + extension, err
		}
	}
	return nil, "", nil
}

// errNoPhoto says that there is no such file in the folder. What leads out of it is none.
var errNoPhoto = errors.New("there is no such photo in the folder")

func openRegular(photos *os.Root, name string) (*os.File, error) {
	info, err := photos.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		return nil, errNoPhoto
	}
	return photos.Open(name)
}

// importPhoto attaches a photo unless it is the portrait that is kept.
func (a *App) importPhoto(ctx context.Context, one listedPhoto, file io.ReadSeeker, name string, dry bool, report *PhotoSummary) error {
	accept := eventschema.MediaTypesOf(eventschema.MediaPortrait, a.mediaRules.noPhotos())
	if len(accept) == 0 {
		return errPhotosForbidden
	}
	digest, err := mediastore.Digest(ctx, file, accept, a.media.Limit())
	if err != nil {
		return err
	}
	if one.person != uuid.Nil {
		kept, any, err := a.portraitDigest(ctx, one.person)
		if err != nil {
			return err
		}
		if any && kept == digest {
			report.Unchanged++
			return nil
		}
	}
	report.Attached++
	if dry {
		return nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	key, err := a.newID()
	if err != nil {
		return err
	}
	by := httpapi.Principal{Tenant: a.tenant, ID: a.operator, Role: importActorRole}
	_, err = a.AttachMedia(ctx, httpapi.Intent{Principal: by, Key: "photo " + key.String()}, httpapi.MediaOrder{
		Person: one.person, Class: eventschema.MediaPortrait, FileName: eventschema.Clear(name), ReceivedAt: a.clock(),
	}, file)
	return err
}

// portraitDigest is the digest of the portrait that is kept of somebody. It is compared
// with and goes nowhere, so it is no reading: nobody is shown anything.
func (a *App) portraitDigest(ctx context.Context, person uuid.UUID) (digest [sha256.Size]byte, any bool, err error) {
	m, err := a.mediaAsked(ctx, httpapi.MediaQuestion{Person: person})
	if errors.Is(err, httpapi.ErrNotFound) {
		return digest, false, nil
	}
	if err != nil {
		return digest, false, err
	}
	view, err := a.openMediaView(ctx, httpapi.Principal{Tenant: a.tenant, ID: a.operator}, m)
	if err != nil {
		return digest, false, err
	}
	length, clear := view.Bytes.Personal.Reveal()
	bytes, malformed := strconv.ParseInt(length, 10, 64)
	if !clear || malformed != nil { // restricted, or erased this moment
		return digest, false, a.readable(ctx, m, view)
	}
	sum := sha256.New()
	err = a.media.Read(ctx, eventschema.MediaBlob(a.tenant, person, m.ItemID), eventschema.UseService, mediastore.Blob{Item: m.ItemID, SHA256: m.SHA256}, bytes, sum)
	return [sha256.Size]byte(sum.Sum(nil)), err == nil, err
}

var errPhotosForbidden = errors.New("photos are forbidden here")

// reasonOfPhoto tells what is wrong with a photo from what is wrong with us.
func reasonOfPhoto(err error) (importer.Reason, bool) {
	for _, known := range []struct {
		err    error
		reason importer.Reason
	}{
		{errNoPhoto, importer.PhotoMissing}, {mediastore.ErrType, importer.PhotoNoImage}, {mediastore.ErrDamaged, importer.PhotoDamaged},
		{mediastore.ErrTooLarge, importer.PhotoTooLarge}, {errPhotosForbidden, importer.PhotoForbidden},
	} {
		if errors.Is(err, known.err) {
			return known.reason, true
		}
	}
	return "", false
}
