package faultinjection

import "fmt"

// Side is whose call breaks.
type Side string

const (
	// Function is the provisioner's calls to CloudFormation.
	Function Side = "function"
	// Answer is the provisioner's answer to CloudFormation's custom resource.
	Answer Side = "answer"
	// Stacks is CloudFormation's calls, with the stack role, for the permission
	// stacks.
	Stacks Side = "stacks"
	// Check is the calls of the drift check, and of putting right what it found.
	// They are made side by side: a call is known by what it asks, not by a number.
	Check Side = "drift check"
)

// Sides lists the sides in the order of reports.
var Sides = []Side{Function, Answer, Stacks, Check}

// Break is how a call fails.
type Break string

const (
	Throttled Break = "throttled"
	Denied    Break = "denied"
	Failing   Break = "500"
	Silent    Break = "no answer"      // the client gives up
	Lost      Break = "answer lost"    // the call took effect
	Expired   Break = "time runs out"  // the function's time ends while it waits for the answer
	NotYet    Break = "not assumable"  // the stack role cannot be assumed yet
	Kill      Break = "killed before"  // the function dies before the call is made
	KillAfter Break = "killed after"   // the function dies when the call took effect
	KillSoon  Break = "killed, hurry"  // as KillAfter, and the next event comes while work is under way
	Twice     Break = "event repeated" // the event is delivered a second time after its answer
)

// Scope is how long a fault lasts.
type Scope string

const (
	// Once breaks one call.
	Once Scope = "once"
	// Event breaks that call and all of its kind until the event was handled.
	Event Scope = "for the event"
	// Lasting breaks them through CloudFormation's own rollback, too, until a
	// person mends the cause and asks again.
	Lasting Scope = "until mended"
)

// Kind is a way to fail.
type Kind struct {
	Break Break
	Scope Scope
}

func (k Kind) String() string {
	switch k.Break {
	case Kill, KillAfter, KillSoon, Expired, Twice:
		return string(k.Break)
	}
	return fmt.Sprintf("%s %s", k.Break, k.Scope)
}

// Kinds lists the ways in which a call of a side can fail. Of CloudFormation's
// own calls, those that fail once and are tried again tell nothing of permstack.
func Kinds(side Side) []Kind {
	var out []Kind
	breaks := []Break{Throttled, Denied, Failing, Silent, Lost}
	if side == Function {
		breaks = append(breaks, NotYet)
	}
	for _, b := range breaks {
		for _, s := range []Scope{Once, Event, Lasting} {
			if side == Stacks && s != Event && b != Denied && b != Lost {
				continue
			}
			out = append(out, Kind{b, s})
		}
	}
	switch side {
	case Function:
		out = append(out, Kind{Expired, Once}, Kind{Kill, Once}, Kind{KillAfter, Once}, Kind{KillSoon, Once})
	case Answer:
		out = append(out, Kind{Kill, Once}, Kind{KillAfter, Once}, Kind{Twice, Once})
	case Stacks:
		out = append(out, Kind{KillSoon, Once})
	case Check:
		out = append(out, Kind{Expired, Once}, Kind{Kill, Once}, Kind{KillAfter, Once})
	}
	return out
}

// Point is one call of a life: the nth of its side, counted from 1. Where N is 0
// it is the first of its action; where Action is "" it is whatever is called then.
type Point struct {
	Side   Side
	N      int
	Action string // "cloudformation:CreateStack", "iam:CreateRole", "answer"
}

func (p Point) String() string {
	switch {
	case p.N == 0:
		return fmt.Sprintf("%s call %s", p.Side, p.Action)
	case p.Action == "":
		return fmt.Sprintf("%s call %d", p.Side, p.N)
	}
	return fmt.Sprintf("%s call %d (%s)", p.Side, p.N, p.Action)
}

// Fault is one way to break one call.
type Fault struct {
	Point
	Kind
}

func (f Fault) String() string { return f.Kind.String() + " at " + f.Point.String() }

// applies tells whether a kind of fault makes sense for a call: only calls that
// hand a role over can find that it is not assumable.
func (k Kind) applies(p Point) bool {
	if k.Break != NotYet {
		return true
	}
	switch p.Action {
	case "cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack", "cloudformation:ContinueUpdateRollback":
		return true
	}
	return false
}
