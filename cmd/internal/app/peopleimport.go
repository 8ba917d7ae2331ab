package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/domain"
	"tracekeep/domain/field"
	"tracekeep/domain/person"
	"tracekeep/eventschema"
)

// peopleImport takes the batches of a table of people. It implements
// [importer.PeopleSink].
type peopleImport struct {
	clockImport
	defined field.State
	dry     bool
}

// ImportPeople runs a table of people into the store. A dry run records nothing: its
// summary is that of the import that would follow.
func (a *App) ImportPeople(ctx context.Context, options importer.PeopleOptions, dry bool) (importer.PeopleSummary, error) {
	correlation, err := a.newID()
	if err != nil {
		return importer.PeopleSummary{}, err
	}
	defined, err := a.currentFields(ctx)
	if err != nil {
		return importer.PeopleSummary{}, err
	}
	options.Now, options.Fields = a.clock(), map[string]eventschema.FieldKind{}
	for code, f := range defined {
		if !f.Retired {
			options.Fields[code] = f.Kind
		}
	}
	sink := &peopleImport{defined: defined, dry: dry, clockImport: clockImport{
		app: a, actor: eventschema.Actor{ID: a.operator, Role: importActorRole}, source: eventschema.SourceImport, correlation: correlation,
	}}
	return importer.RunPeople(ctx, options, sink)
}

// peopleReasonOfImport is the reason code of values that an import sets.
const peopleReasonOfImport = "import"

// entering is one row of a batch on its way.
type entering struct {
	at     int // in the batch
	who    newcomer
	wanted field.Values
}

// Enter implements [importer.PeopleSink].
func (p *peopleImport) Enter(ctx context.Context, station string, batch []importer.PersonRow) ([]importer.Verdict, error) {
	keys := make([]string, len(batch))
	for i := range batch {
		keys[i] = badgeToken(station, batch[i].Key)
	}
	found, err := p.app.keys.Find(ctx, p.app.tenant, tokenBadge, keys...)
	if err != nil {
		return nil, fmt.Errorf("look up the keys of people: %w", err)
	}
	verdicts := make([]importer.Verdict, len(batch))
	var known, fresh []entering
	for i, row := range batch {
		e := entering{at: i, wanted: valuesOfRow(row)}
		if err := p.defined.Check(e.wanted); err != nil {
			if verdicts[i] = refusedRow(err); verdicts[i].Told == "" {
				return nil, err
			}
			continue
		}
		who, indexed := found[keys[i]]
		switch {
		case indexed:
			e.who = importedPerson(row.Person, who.Person, who.Work)
			known = append(known, e)
		case row.Person.Name == "":
			verdicts[i] = importer.Verdict{Told: importer.ToldRefused, Reason: importer.UnknownPerson}
		default:
			if e.who, err = p.draw(station, row.Key, row.Person); err != nil {
				return nil, err
			}
			e.who.fields = field.Setting{Defined: p.defined, Wanted: e.wanted}
			fresh = append(fresh, e)
			verdicts[i].Told = importer.ToldNew
		}
	}
	if err := p.register(ctx, fresh); err != nil {
		return nil, err
	}
	return verdicts, p.setAll(ctx, known, verdicts)
}

func valuesOfRow(row importer.PersonRow) field.Values {
	values := make(field.Values, len(row.Fields))
	for code, text := range row.Fields {
		values[code] = eventschema.Clear(text)
	}
	return values
}

func (p *peopleImport) register(ctx context.Context, fresh []entering) error {
	if p.dry || len(fresh) == 0 {
		return nil
	}
	newcomers := make([]newcomer, len(fresh))
	for i := range fresh {
		newcomers[i] = fresh[i].who
	}
	if err := p.admitAll(ctx, newcomers); err != nil {
		return err
	}
	_, err := p.enterAll(ctx, newcomers)
	return err
}

// setAll sets the fields of people who are known: first of everybody what is not held for
// work, then what is, in an order of its own and under keys that nothing leads to, because
// side by side the two would show who belongs to what.
func (p *peopleImport) setAll(ctx context.Context, known []entering, verdicts []importer.Verdict) error {
	shuffled, err := p.app.shuffle(len(known))
	if err != nil {
		return err
	}
	changed := make([]bool, len(known))
	each := func(order []int, set func(context.Context, *entering) (bool, error)) error {
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(importWriters)
		for _, i := range order {
			e := &known[i]
			if verdicts[e.at].Told == importer.ToldRefused {
				continue
			}
			group.Go(func() error {
				new, err := set(gctx, e)
				changed[i] = changed[i] || new
				verdict := refusedRow(err)
				if verdict.Told == "" {
					return err
				}
				verdicts[e.at] = verdict
				return nil
			})
		}
		return group.Wait()
	}
	inOrder := make([]int, len(known))
	for i := range inOrder {
		inOrder[i] = i
	}
	if err := each(inOrder, p.setOfPerson); err != nil {
		return err
	}
	if err := each(shuffled, p.setOfWork); err != nil {
		return err
	}
	for i, e := range known {
		switch {
		case verdicts[e.at].Told == importer.ToldRefused:
		case changed[i]:
			verdicts[e.at].Told = importer.ToldChanged
		default:
			verdicts[e.at].Told = importer.ToldUnchanged
		}
	}
	return nil
}

// setOfPerson sets what is not held for work. Somebody whose registration a crash cut off
// is registered.
func (p *peopleImport) setOfPerson(ctx context.Context, e *entering) (bool, error) {
	if err := p.app.refuseErased(ctx, e.who.person); err != nil {
		return false, err
	}
	request, err := p.request(p.correlation)
	if err != nil {
		return false, err
	}
	set := httpapi.FieldSetting{PersonID: e.who.person, Values: e.wanted, Reason: peopleReasonOfImport, At: p.app.clock().UTC()}
	if p.dry {
		return p.wouldChange(ctx, eventschema.PersonStream(p.app.tenant, e.who.person), e, eventschema.PurposeIdentity, eventschema.PurposeContact, eventschema.PurposeThirdParty)
	}
	outcome, err := p.app.setPersonFields(ctx, p.app.bulk, set, p.defined, request)
	if _, named := e.who.name.Reveal(); errors.Is(err, person.ErrNotRegistered) && named {
		if _, err = p.app.enterPerson(ctx, p.app.bulk, e.who, p.actor, uuid.Nil); err == nil {
			err = p.app.openWork(ctx, p.app.bulk, e.who, p.actor)
		}
		if err == nil {
			outcome, err = p.app.setPersonFields(ctx, p.app.bulk, set, p.defined, request)
		}
	}
	return len(outcome.Events) > 0, err
}

// setOfWork sets what is held for work.
func (p *peopleImport) setOfWork(ctx context.Context, e *entering) (bool, error) {
	if len(p.defined.Only(e.wanted, eventschema.PurposeWork)) == 0 {
		return false, nil
	}
	if p.dry {
		return p.wouldChange(ctx, eventschema.WorkStream(p.app.tenant, e.who.work), e, eventschema.PurposeWork)
	}
	request, err := p.request(uuid.Nil)
	if err != nil {
		return false, err
	}
	set := httpapi.FieldSetting{Values: e.wanted, Reason: peopleReasonOfImport, At: p.app.clock().UTC()}
	outcome, err := p.app.setWorkFields(ctx, p.app.bulk, e.who.work, set, p.defined, request)
	return len(outcome.Events) > 0, err
}

// request is one under a key that is used once: what was recorded before is known by its
// values.
func (p *peopleImport) request(correlation uuid.UUID) (domain.Request, error) {
	key, err := p.app.newID()
	return domain.Request{Key: "fields " + key.String(), Actor: p.actor, CorrelationID: correlation}, err
}

// wouldChange says whether values in a stream differ from those that are wanted.
func (p *peopleImport) wouldChange(ctx context.Context, stream eventschema.StreamName, e *entering, purposes ...eventschema.Purpose) (bool, error) {
	now, _, err := p.app.valuesIn(ctx, stream, p.defined)
	if err != nil {
		return false, err
	}
	changes, err := field.Setting{Defined: p.defined, Now: now, Wanted: p.defined.Only(e.wanted, purposes...)}.Changes()
	return len(changes) > 0, err
}

// refusedRow is the verdict on a row that a rule refuses; none for any other error.
func refusedRow(err error) importer.Verdict {
	var erased *httpapi.Erased
	reason := importer.Reason("")
	switch {
	case errors.Is(err, field.ErrNumber):
		reason = importer.BadNumber
	case errors.Is(err, field.ErrChoice):
		reason = importer.BadChoice
	case errors.Is(err, field.ErrDate):
		reason = importer.BadFieldDate
	case errors.Is(err, field.ErrText):
		reason = importer.BadText
	case errors.Is(err, person.ErrClosed):
		reason = importer.ClosedAccount
	case errors.As(err, &erased), errors.Is(err, errBeingErased):
		reason = importer.ErasedUser
	default:
		return importer.Verdict{}
	}
	verdict := importer.Verdict{Told: importer.ToldRefused, Reason: reason}
	if of := new(field.ValueError); errors.As(err, &of) {
		verdict.Field = of.Field
	}
	return verdict
}
