package faultinjection

import "fmt"

// Caller is whose call breaks.
type Caller string

const (
	// Function is the provisioner's calls to CloudFormation.
	Function Caller = "function"
	// Response is the provisioner's answer to CloudFormation's custom resource.
	Response Caller = "answer"
	// StackRole is CloudFormation's calls, with the stack role, for the permission
	// engine.
	StackRole Caller = "stacks"
	// DriftCheck is the calls of the drift check, and of putting right what it found.
	// They are made side by side: a call is known by what it asks, not by a number.
	DriftCheck Caller = "drift check"
)

// Callers lists the sides in the order of reports.
var Callers = []Caller{Function, Response, StackRole, DriftCheck}

// Failure is how a call fails.
type Failure string

const (
	Throttled     Failure = "throttled"
	Denied        Failure = "denied"
	InternalError Failure = "500"
	NoResponse    Failure = "no answer"      // the client gives up
	ResponseLost  Failure = "answer lost"    // the call took effect
	OutOfTime     Failure = "time runs out"  // the function's time ends while it waits for the answer
	NotAssumable  Failure = "not assumable"  // the stack role cannot be assumed yet
	KillBefore    Failure = "killed before"  // the function dies before the call is made
	KillAfter     Failure = "killed after"   // the function dies when the call took effect
	KillDuring    Failure = "killed, hurry"  // as KillAfter, and the next event comes while work is under way
	Redelivered   Failure = "event repeated" // the event is delivered a second time after its answer
)

// Scope is how long a fault lasts.
type Scope string

const (
	// Once breaks one call.
	Once Scope = "once"
	// UntilHandled breaks that call and all of its kind until the event was handled.
	UntilHandled Scope = "for the event"
	// UntilRepaired breaks them through CloudFormation's own rollback, too, until a
	// person mends the cause and asks again.
	UntilRepaired Scope = "until mended"
)

// Kind is a way to fail.
type Kind struct {
	Failure Failure
	Scope   Scope
}

func (k Kind) String() string {
	switch k.Failure {
	case KillBefore, KillAfter, KillDuring, OutOfTime, Redelivered:
		return string(k.Failure)
	}
	return fmt.Sprintf("%s %s", k.Failure, k.Scope)
}

// Kinds lists the ways in which a call of a side can fail. Of CloudFormation's
// own calls, those that fail once and are tried again tell nothing of permstack.
func Kinds(side Caller) []Kind {
	var out []Kind
	breaks := []Failure{Throttled, Denied, InternalError, NoResponse, ResponseLost}
	if side == Function {
		breaks = append(breaks, NotAssumable)
	}
	for _, b := range breaks {
		for _, s := range []Scope{Once, UntilHandled, UntilRepaired} {
			if side == StackRole && s != UntilHandled && b != Denied && b != ResponseLost {
				continue
			}
			out = append(out, Kind{b, s})
		}
	}
	switch side {
	case Function:
		out = append(out, Kind{OutOfTime, Once}, Kind{KillBefore, Once}, Kind{KillAfter, Once}, Kind{KillDuring, Once})
	case Response:
		out = append(out, Kind{KillBefore, Once}, Kind{KillAfter, Once}, Kind{Redelivered, Once})
	case StackRole:
		out = append(out, Kind{KillDuring, Once})
	case DriftCheck:
		out = append(out, Kind{OutOfTime, Once}, Kind{KillBefore, Once}, Kind{KillAfter, Once})
	}
	return out
}

// Point is one call of a life: the nth of its side, counted from 1. Where N is 0
// it is the first of its action; where Action is "" it is whatever is called then.
type Point struct {
	Caller Caller
	N      int
	Action string // "cloudformation:CreateStack", "iam:CreateRole", "answer"
}

func (p Point) String() string {
	switch {
	case p.N == 0:
		return fmt.Sprintf("%s call %s", p.Caller, p.Action)
	case p.Action == "":
		return fmt.Sprintf("%s call %d", p.Caller, p.N)
	}
	return fmt.Sprintf("%s call %d (%s)", p.Caller, p.N, p.Action)
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
	if k.Failure != NotAssumable {
		return true
	}
	switch p.Action {
	case "cloudformation:CreateStack",
		"cloudformation:UpdateStack",
		"cloudformation:DeleteStack",
		"cloudformation:ContinueUpdateRollback":
		return true
	}
	return false
}
