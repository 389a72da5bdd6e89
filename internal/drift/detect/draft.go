package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// draft is a finding that is not complete: without id and hash, and with secrets.
type draft struct {
	finding.Finding
	resource *resource
	// values are what Hash is computed from, in a form that changes of form do not
	// change; nil are all fields that hold values.
	values []string
	// roles are those whose access a policy's difference concerns.
	roles []*resource
	// current findings do not depend on what a stack deployed, so that its update
	// does not make them stale.
	current bool
}

// setEffect sets how a change of policies changes the access of their roles.
func (d *draft) setEffect(e effect) {
	d.Direction, d.Changes, d.ChangesOmitted = e.direction, e.changes, e.omitted
	if e.same {
		d.Direction, d.Reason = finding.Changed, finding.EffectiveAccessSame
	}
}

// readError adds a call that failed.
func (d *draft) readError(target finding.Target, name string, err error) {
	d.Subject, d.Permission = failedAction(err), awserr.DeniedAction(err)
	d.ReadErrors = append(d.ReadErrors, finding.ReadError{Target: target, Name: name, Message: awserr.Message(err)})
	d.values = []string{string(target), name, d.Permission}
	switch {
	case d.Permission != "":
		d.Reason = finding.AccessDenied
	case awserr.IsThrottled(err):
		d.Reason = finding.Throttled
	default:
		d.Reason = finding.ReadFailed
	}
}

// failedAction returns the missing permission, or the action that failed;
// "unknown" if the error does not contain it.
func failedAction(err error) string {
	if p := awserr.DeniedAction(err); p != "" {
		return p
	}
	var operation *smithy.OperationError
	if !errors.As(err, &operation) {
		return "unknown"
	}
	if operation.ServiceID == "EventBridge" {
		return "events:" + operation.OperationName
	}
	return strings.ToLower(strings.ReplaceAll(operation.ServiceID, " ", "")) + ":" + operation.OperationName
}

// complete sets id and hash, and masks secrets.
func (d draft) complete(secrets []string) finding.Finding {
	f := d.Finding
	f.ID = digest(f.Stack, f.LogicalID, string(f.Kind), f.Subject)[:16]
	values := d.values
	if values == nil {
		data, _ := json.Marshal(
			[]any{f.Expected, f.Actual, f.Changes, f.Differences, f.Roles, f.ReadErrors},
		) // always marshal
		values = []string{string(data)}
	}
	mask := func(s string) string {
		for _, secret := range secrets {
			s = strings.ReplaceAll(s, secret, "****")
		}
		return strings.ReplaceAll(s, unknown, "?")
	}
	// Short secrets can be guessed from a hash.
	f.Hash = digest(append([]string{string(f.Direction)}, maskAll(values, mask)...)...)[:16]
	f.Subject, f.Expected, f.Actual = mask(f.Subject), maskValue(f.Expected, mask), maskValue(f.Actual, mask)
	f.Changes, f.Differences, f.ReadErrors = maskAll(
		f.Changes,
		mask,
	), slices.Clone(
		f.Differences,
	), slices.Clone(
		f.ReadErrors,
	)
	for i, d := range f.Differences {
		f.Differences[i] = finding.Difference{Path: mask(d.Path), Expected: mask(d.Expected), Actual: mask(d.Actual)}
	}
	for i := range f.ReadErrors {
		f.ReadErrors[i].Name, f.ReadErrors[i].Message = mask(f.ReadErrors[i].Name), mask(f.ReadErrors[i].Message)
	}
	slices.Sort(f.SeenBy)
	return f
}

func maskValue(v finding.Value, mask func(string) string) finding.Value {
	v.Text = mask(v.Text)
	if v.Document == nil {
		return v
	}
	masked := *v.Document
	masked.Statements = slices.Clone(masked.Statements)
	for i := range masked.Statements {
		s := &masked.Statements[i]
		for _, list := range []*[]string{
			&s.Actions, &s.NotActions, &s.Resources, &s.NotResources, &s.Principals, &s.NotPrincipals,
		} {
			*list = maskAll(*list, mask)
		}
	}
	v.Document = &masked
	return v
}

func maskAll(list []string, mask func(string) string) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = mask(out[i])
	}
	return out
}

// completeAll completes findings and sorts them, so that their order does not
// depend on which call returned first. Findings with the same id, such as two
// calls that need the same permission, become one.
func completeAll(drafts []draft, secrets []string) []finding.Finding {
	// The longest first: a secret may begin with another one.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	out := make([]finding.Finding, 0, len(drafts))
	byID := map[string]int{}
	for _, d := range drafts {
		f := d.complete(secrets)
		i, twice := byID[f.ID]
		if !twice {
			byID[f.ID] = len(out)
			out = append(out, f)
			continue
		}
		for _, source := range f.SeenBy {
			if !slices.Contains(out[i].SeenBy, source) {
				out[i].SeenBy = append(out[i].SeenBy, source)
				slices.Sort(out[i].SeenBy)
			}
		}
		for _, e := range f.ReadErrors {
			if !slices.Contains(out[i].ReadErrors, e) {
				out[i].ReadErrors = append(out[i].ReadErrors, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b finding.Finding) int { return strings.Compare(sortKey(a), sortKey(b)) })
	return out
}

// sortKey sorts findings by stack, resource, kind and subject.
func sortKey(f finding.Finding) string {
	return strings.Join([]string{f.Stack, f.LogicalID, string(f.Kind), f.Subject}, "\x00")
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
