package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// draft is a finding in the making.
type draft struct {
	finding.Finding
	// values are what differs, in a form that changes of form do not change; they
	// go into the Hash, where Expected, Actual and Details would be too much or
	// too little.
	values []string
}

// What to do, where it is the same for several kinds.
const (
	adviceRevert    = "If nobody meant this, put it back: on the stack's page in the console, create a drift-aware change set with the template that is there, look at it, and execute it; or set OnDrift to revert."
	adviceMakeAgain = "If nobody meant this, have it made again: on the stack's page in the console, create a drift-aware change set with the template that is there, and execute it. CloudTrail tells who deleted it."
)

// effect takes over what a change comes to among all policies of a role; same is
// what to say where that is nothing.
func (f *draft) effect(e effect, same string) {
	f.Direction, f.Details = e.direction, e.details
	if e.same {
		f.Direction, f.Details = finding.Changed, append(f.Details, same)
	}
}

// readError words a call that did not answer.
func (f *draft) readError(what string, err error) {
	f.Permission = awserr.DeniedAction(err)
	f.Details = append(f.Details, "Not known: "+what+".", awserr.Message(err))
	f.values = []string{what, f.Permission}
	switch {
	case f.Permission != "":
		f.Advice = "Let the checker's role do " + f.Permission + " on " + f.PhysicalID + "; if it was allowed before, find out who took it away, for drift is not seen without it."
	case awserr.IsThrottled(err):
		f.Advice = "AWS was asked too often, by this account as a whole. The next run will look again."
	default:
		f.Advice = "The next run will look again. If it stays so, see the message above."
	}
}

// operationOf names what could not be done: the missing permission, or the call.
func operationOf(err error) string {
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

// finish gives the finding its id and its hash, and takes secrets out.
func (f draft) finish(secrets []string) finding.Finding {
	out := f.Finding
	out.ID = digest(out.Stack, out.LogicalID, string(out.Kind), out.Subject)[:16]
	values := f.values
	if values == nil {
		values = append([]string{out.Expected, out.Actual}, out.Details...)
	}
	out.Hash = digest(append([]string{string(out.Direction)}, values...)...)[:16]
	hide := func(s string) string { // before anything is cut: half a secret is too much
		for _, secret := range secrets {
			s = strings.ReplaceAll(s, secret, "****")
		}
		return strings.ReplaceAll(s, unknown, "?")
	}
	out.Subject, out.Expected, out.Actual, out.Advice = hide(out.Subject), cut(hide(out.Expected), maxShort), cut(hide(out.Actual), maxShort), hide(out.Advice)
	out.Details = slices.Clone(out.Details)
	for i := range out.Details {
		out.Details[i] = cut(hide(out.Details[i]), maxDetail)
	}
	slices.Sort(out.SeenBy)
	return out
}

// normalizeFindings takes secrets out, gives ids, and brings findings into an order that
// does not depend on which call came back first. What two eyes, or two calls,
// could not read for the same reason is one finding.
func normalizeFindings(findings []draft, secrets []string) []finding.Finding {
	// The longest first: one secret may begin as another does.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	out := make([]finding.Finding, 0, len(findings))
	at := map[string]int{}
	for _, d := range findings {
		f := d.finish(secrets)
		i, twice := at[f.ID]
		if !twice {
			at[f.ID] = len(out)
			out = append(out, f)
			continue
		}
		for _, eye := range f.SeenBy {
			if !slices.Contains(out[i].SeenBy, eye) {
				out[i].SeenBy = append(out[i].SeenBy, eye)
				slices.Sort(out[i].SeenBy)
			}
		}
		for _, line := range f.Details {
			if !slices.Contains(out[i].Details, line) {
				out[i].Details = append(out[i].Details, line)
			}
		}
	}
	slices.SortFunc(out, func(a, b finding.Finding) int { return strings.Compare(order(a), order(b)) })
	return out
}

// order sorts findings: by stack, resource, kind and subject.
func order(f finding.Finding) string {
	return strings.Join([]string{f.Stack, f.LogicalID, string(f.Kind), f.Subject}, "\x00")
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

const (
	maxShort  = 240  // of Expected and Actual, which people read in a mail
	maxDetail = 4000 // of one line of Details
)

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

func quoted(s string) string { return `"` + s + `"` }

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

// docs gives the documents that say something.
func docs(all ...document) []iampolicy.Document {
	var out []iampolicy.Document
	for _, d := range all {
		if d.err == nil && d.text != "" {
			out = append(out, d.Document)
		}
	}
	return out
}
