package domain

import "strings"

// LongestCode is how many characters a code may have.
const LongestCode = 60

// IsCode says whether a text is a code: lower-case letters, digits and underscores,
// at most [LongestCode] of them. What a tenant calls sites, jobs and reasons is kept
// in clear for ever, so it must not be what a person could be told by.
func IsCode(text string) bool {
	return text != "" && len(text) <= LongestCode && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
