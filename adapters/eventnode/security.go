package eventnode

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// DefaultPassword is that of admin and ops until somebody chooses another,
	// as on a real node.
	DefaultPassword = "changeit"

	userAdmin = "admin"
	userOps   = "ops"

	roleAdmins    = "$admins"
	roleOps       = "$ops"
	roleEverybody = "$all" // in an access control list
)

// Security is how a node keeps out whom it does not know: TLS on the whole
// port, a name and a password with every call, and rights by the metadata of
// streams. Without it, in insecure mode, everybody may do everything in clear
// text.
type Security struct {
	// CertFile and KeyFile are the certificate chain and the private key of the
	// node in PEM. They are read again when they change. Required.
	CertFile, KeyFile string
	// AdminPassword and OpsPassword are those of the two users that every node
	// has. Empty leaves what the folder has, which is DefaultPassword at first.
	AdminPassword, OpsPassword string
	// Users are all others. They exist for as long as they are listed.
	Users []User
}

// User is somebody who may call a secure node.
type User struct {
	Name     string
	Password string
	// Groups are the roles that access control lists name. Members of $admins
	// may do everything, those of $ops may change persistent subscriptions.
	Groups []string
}

// validate reports everything that is wrong at once, and no password.
func (s *Security) validate() error {
	if s == nil {
		return nil
	}
	var errs []error
	if s.CertFile == "" || s.KeyFile == "" {
		errs = append(errs, errors.New("Security.CertFile and Security.KeyFile are both required"))
	}
	seen := []string{userAdmin, userOps}
	for i, u := range s.Users {
		at := fmt.Sprintf("Security.Users[%d]", i)
		switch {
		case u.Name == "" || strings.ContainsRune(u.Name, ':') || strings.HasPrefix(u.Name, "$") || !utf8.ValidString(u.Name):
			errs = append(errs, fmt.Errorf("%s: a name is text that holds no colon and does not start with $", at))
		case slices.Contains(seen, u.Name):
			errs = append(errs, fmt.Errorf("%s: the name %q is taken", at, u.Name))
		}
		if u.Password == "" || len(u.Password) > longestPassword {
			errs = append(errs, fmt.Errorf("%s: a password has 1 to %d bytes", at, longestPassword))
		}
		if slices.Contains(u.Groups, "") || slices.Contains(u.Groups, roleEverybody) {
			errs = append(errs, fmt.Errorf("%s: everybody is in %s already, and no group is without a name", at, roleEverybody))
		}
		seen = append(seen, u.Name)
	}
	if len(s.AdminPassword) > longestPassword {
		errs = append(errs, fmt.Errorf("Security.AdminPassword is longer than %d bytes", longestPassword))
	}
	if len(s.OpsPassword) > longestPassword {
		errs = append(errs, fmt.Errorf("Security.OpsPassword is longer than %d bytes", longestPassword))
	}
	return errors.Join(errs...)
}
