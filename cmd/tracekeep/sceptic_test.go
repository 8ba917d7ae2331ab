package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sceptic lists what would convince somebody who believes nothing (design of keys
// and erasure, section 7), and the tests that show it. A test below holds the list
// to the tests there are.
var sceptic = []struct {
	shown string
	by    []string
}{
	{"no value lies in any file, encoded in any way: event store, heap, indexes, write-ahead log, logs, exports, backups", []string{
		"cmd/tracekeep.TestWhatWasErasedIsLookedForEverywhere", "cmd/tracekeep.TestDemoShowsTheWholePromise", "adapters/keyring.TestNoFileOfTheKeyStoreHoldsAValueOrAKey",
	}},
	{"nor did it before the erasure", []string{"cmd/tracekeep.TestDemoShowsTheWholePromise", "adapters/keyring.TestNoFileOfTheKeyStoreHoldsAValueOrAKey"}},
	{"and the search finds what is planted, in every form and place", []string{
		"adapters/forensics.TestSearchFindsAValueInEveryFormAndPlace", "adapters/forensics.TestSearchFindsASpellingOfTheValue", "adapters/forensics.TestWhateverIsLookedForIsFound",
		"adapters/forensics.TestTheRowsOfTheIndexAreSearched", "cmd/tracekeep.TestARunWithoutItsControlsProvesNothing",
	}},
	{"a dump of the key store stolen before opens until the epoch retires, and not after", []string{
		"adapters/keyring.TestAStolenDumpOpensBeforeTheEpochRetiresAndNotAfter", "adapters/keyring.TestWhatACopyOfTheKeyStoreStillOpens", "cmd/tracekeep.TestWhatWasErasedIsLookedForEverywhere",
	}},
	{"kill -9 at each step, of the process that carries it out", []string{
		"cmd/tracekeep.TestKilledAtAnyStepAnErasureEndsTheSame", "cmd/tracekeep.TestKilledWhileItIsStoppedACaseOpensThePersonAgain", "adapters/keyring.TestARotationIsKilledAndComesToTheSameEnd",
	}},
	{"and of the others that take part", []string{"cmd/tracekeep.TestKilledBesideItAnErasureEndsTheSame"}},
	{"old and new copies of each store beside each other", []string{
		"cmd/internal/app.TestNoCopyOfAStoreBringsAPersonBack", "cmd/internal/app.TestARestoredKeyStoreBringsNobodyBack",
	}},
	{"tampering is located", []string{
		"adapters/ledger.TestEveryTamperingWithTheStoreIsNamed", "adapters/ledger.TestEveryTamperingWithTheTrailIsNamed",
		"adapters/ledger/bundle.TestEveryTamperingWithABundleIsLocated", "cmd/tracekeep.TestAChangedTrailIsFoundAndSaid",
	}},
	{"a destroyed key is used no longer than the bound, whatever clocks and notifications do", []string{
		"adapters/keyring.TestWithoutNotificationsADestroyedKeyEndsWithItsTime", "adapters/keyring.TestWithoutNotificationsASealerStopsWithinTenSeconds",
		"adapters/keyring.TestASilentHolderIsWaitedForUntilItsTimeHasRunOut", "adapters/keyring.TestNothingIsUsedOnceTheLeaseIsOver",
	}},
	{"a rebuild is the same before and after an erasure", []string{
		"cmd/internal/app.TestARebuildIsTheSameBeforeAndAfterAnErasure", "cmd/internal/app.TestHardCasesOfErasure",
	}},
	{"every answer about an erased person says so, with its place in the trail", []string{
		"cmd/tracekeep.TestEveryAnswerAboutAnErasedPersonSaysErased", "cmd/tracekeep.TestAnErasedPersonIsErasedInEveryWorld", "cmd/tracekeep.TestAnErasureNeedsTwoOfficersAndEverythingThenSaysErased",
	}},
	{"what is parsed from outside is fuzzed: envelopes, associated data, certificates, escrows, dumps", []string{
		"adapters/keyring.FuzzEnvelope", "adapters/keyring.FuzzPadding", "adapters/keyring.TestNoTwoPlacesShareTheirAssociatedData",
		"adapters/certificate.FuzzParse", "adapters/keyring.FuzzEscrowFile", "adapters/keyring.FuzzCopyFrom", "adapters/forensics.FuzzSearch",
	}},
}

func TestWhatASkepticIsShownExists(t *testing.T) {
	for _, line := range sceptic {
		if len(line.by) == 0 {
			t.Errorf("nothing shows that %s", line.shown)
		}
		for _, name := range line.by {
			folder, test, _ := strings.Cut(name, ".")
			if !declares(t, filepath.Join("..", "..", folder), test) {
				t.Errorf("%s: there is no test %s", line.shown, name)
			}
		}
	}
}

// declares says whether a folder has a test.
func declares(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(test) + `\(`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if declaration.Match(source) {
			return true
		}
	}
	return false
}
