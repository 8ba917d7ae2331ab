package app

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// groundHold is why a text that names an erased person stays.
const groundHold = "legal_hold"

// reviewMentions looks through what others wrote for the values of a person who is
// about to be erased, while they can still be read. What names the person goes with
// them, each text under its own key, by the word of the officer who approved the
// erasure; what a legal hold on its author keeps stays. See domain/decisions/0167.
func (a *App) reviewMentions(ctx context.Context, s erasure.State) (erasure.Reviewed, error) {
	reviewed := erasure.Reviewed{ReviewedAt: a.clock()}
	if s.Scope != eventschema.ScopePerson {
		return reviewed, nil
	}
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return reviewed, err
	}
	if err := a.Await(ctx, last); err != nil {
		return reviewed, err
	}
	_, work, err := a.subjectsOf(ctx, s)
	if err != nil {
		return reviewed, err
	}
	names, err := a.valuesOf(ctx, s.PersonID)
	if err != nil {
		return reviewed, err
	}
	var found []eventschema.Mention
	err = projections.EachMessage(ctx, a.models.Querier(), a.tenant, func(m projections.Message) error {
		if m.SenderID == work { // goes with its author
			return nil
		}
		text, err := a.textOf(ctx, m, eventschema.UseAudit)
		if err != nil {
			return err
		}
		if open, ok := text.Reveal(); ok {
			reviewed.Texts++
			if mentions(open, names) {
				found = append(found, eventschema.Mention{SenderID: m.SenderID, MessageID: m.MessageID})
			}
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return reviewed, err
	}
	reviewed.ReviewedBy, reviewed.Mentions = s.ApprovedBy, len(found)
	if reviewed.Taken, err = a.unheld(ctx, found); err != nil {
		return reviewed, err
	}
	if reviewed.Left = len(found) - len(reviewed.Taken); reviewed.Left > 0 {
		reviewed.Ground = groundHold
	}
	return reviewed, nil
}

// valuesOf are the values of a person by which a text may name them, whole and in the
// folded case. Parts of a name are other people's names as well.
func (a *App) valuesOf(ctx context.Context, id uuid.UUID) ([]string, error) {
	row, err := projections.PersonByID(ctx, a.models.Querier(), a.tenant, id)
	if err != nil {
		return nil, err
	}
	person, err := a.openPerson(ctx, row, eventschema.UseAudit, map[uuid.UUID]*uint64{})
	if err != nil {
		return nil, err
	}
	var values []string
	for _, value := range []httpapi.Personal{person.LegalName, person.Email, person.Phone} {
		if text, ok := value.Personal.Reveal(); ok && strings.TrimSpace(text) != "" {
			values = append(values, folded(text))
		}
	}
	return values, nil
}

// folded writes a text so that case and the width of spaces make no difference.
func folded(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }

func mentions(text string, values []string) bool {
	text = folded(text)
	return slices.ContainsFunc(values, func(value string) bool { return strings.Contains(text, value) })
}

// unheld leaves out the texts whose authors' texts a legal hold keeps.
func (a *App) unheld(ctx context.Context, found []eventschema.Mention) ([]eventschema.Mention, error) {
	var senders []uuid.UUID
	for _, m := range found {
		senders = append(senders, m.SenderID)
	}
	holds, err := a.keys.Holds(ctx, a.tenant, senders...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(found), func(m eventschema.Mention) bool {
		for _, hold := range holds {
			if _, some := overlap([]eventschema.Purpose{eventschema.PurposeNotes}, hold.Purposes); some && hold.Subject == m.SenderID {
				return true
			}
		}
		return false
	}), nil
}

// mentionsIn are the keys of the texts of others that go with a person.
func mentionsIn(s erasure.State) []keyring.Target {
	var targets []keyring.Target
	for _, m := range s.Mentions {
		i := slices.IndexFunc(targets, func(t keyring.Target) bool { return t.Subject == m.SenderID })
		if i < 0 {
			i = len(targets)
			targets = append(targets, keyring.Target{Subject: m.SenderID, Purposes: []eventschema.Purpose{eventschema.PurposeNotes}})
		}
		targets[i].Items = append(targets[i].Items, m.MessageID)
	}
	return targets
}
