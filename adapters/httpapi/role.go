package httpapi

import "slices"

// Role is what a principal may be. The access table (access.go) says what each
// role may do.
type Role string

// The roles. A second privacy officer is another principal of RolePrivacy.
const (
	RoleWorker  Role = "worker"
	RoleManager Role = "manager"
	RoleHR      Role = "hr"
	RolePrivacy Role = "privacy"
	RoleAuditor Role = "auditor"
	RoleAdmin   Role = "admin"
)

// Roles lists every role.
func Roles() []Role {
	return []Role{RoleWorker, RoleManager, RoleHR, RolePrivacy, RoleAuditor, RoleAdmin}
}

func (r Role) known() bool { return slices.Contains(Roles(), r) }
