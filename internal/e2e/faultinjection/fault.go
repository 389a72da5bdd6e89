package faultinjection

import "fmt"

// Caller is the component that makes the failing calls.
type Caller string

const (
	// Function is the provisioner's calls to CloudFormation.
	Function Caller = "function"
	// Response is the provisioner's response to CloudFormation.
	Response Caller = "response"
	// StackRole is CloudFormation's calls, with the stack role, for the permission
	// stacks.
	StackRole Caller = "stack role"
	// DriftCheck is the calls of the drift check and of reverting drift. They are
	// concurrent: a call is identified by its parameters, not by a number.
	DriftCheck Caller = "drift check"
)

// Callers lists the callers in the order of reports.
var Callers = []Caller{Function, Response, StackRole, DriftCheck}

// Failure is how a call fails.
type Failure string

const (
	Throttled     Failure = "throttled"
	Denied        Failure = "denied"
	InternalError Failure = "500"
	NoResponse    Failure = "no response"       // the client times out
	ResponseLost  Failure = "response lost"     // the call took effect
	OutOfTime     Failure = "function timeout"  // during the call
	NotAssumable  Failure = "not assumable"     // the stack role cannot be assumed yet
	KillBefore    Failure = "killed before"     // the function is killed before the call
	KillAfter     Failure = "killed after"      // the function is killed when the call took effect
	KillDuring    Failure = "killed during"     // as KillAfter, and the next event is sent during the operation
	Redelivered   Failure = "event redelivered" // the event is delivered again after its response
)

// Scope is how long a fault persists.
type Scope string

const (
	// Once is one call.
	Once Scope = "once"
	// UntilHandled is that call and every further one of the action until the event
	// is handled.
	UntilHandled Scope = "for the event"
	// UntilRepaired persists through CloudFormation's rollback, until a person removes
	// the cause and repeats the event.
	UntilRepaired Scope = "until repaired"
)

// Kind is a failure and its scope.
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

// Kinds returns the ways in which a call of a caller can fail. Failures of
// CloudFormation's own calls that occur once and are retried are omitted: they do
// not test permstack.
func Kinds(caller Caller) []Kind {
	var out []Kind
	breaks := []Failure{Throttled, Denied, InternalError, NoResponse, ResponseLost}
	if caller == Function {
		breaks = append(breaks, NotAssumable)
	}
	for _, b := range breaks {
		for _, s := range []Scope{Once, UntilHandled, UntilRepaired} {
			if caller == StackRole && s != UntilHandled && b != Denied && b != ResponseLost {
				continue
			}
			out = append(out, Kind{b, s})
		}
	}
	switch caller {
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

// Point is one call of a scenario: the nth of its caller, counted from 1. If N is 0
// it is the first call of its action; if Action is "" it is any action.
type Point struct {
	Caller Caller
	N      int
	Action string // "cloudformation:CreateStack", "iam:CreateRole", "response"
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

// Fault is one way in which one call fails.
type Fault struct {
	Point
	Kind
}

func (f Fault) String() string { return f.Kind.String() + " at " + f.Point.String() }

// applies reports whether a kind of fault makes sense for a call: only calls that
// pass a role can find it not assumable.
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
