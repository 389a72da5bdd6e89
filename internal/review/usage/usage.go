// Package usage evaluates IAM's last accessed data of the roles of an installation: which granted actions were not used
// in a number of days, and which choice grants them. It is pure; package livecheck reads the data.
//
// The facts about the data are from "Refine permissions in AWS using last accessed information" (IAM User Guide) and
// of GenerateServiceLastAccessedDetails and GetServiceLastAccessedDetails (IAM API Reference): it covers the last 400
// days, calls appear within about four hours, refused calls count, and only some actions of a service are tracked.
package usage

import (
	"slices"
	"strings"
	"time"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

const (
	// TrackingDays is how long IAM keeps last accessed data at least.
	TrackingDays = 400
	// DefaultDays is the number of days after which AWS's own unused access analyzer reports an action by default.
	DefaultDays = 90
)

// RoleData is IAM's last accessed data of one role.
type RoleData struct {
	Missing  bool // the role does not exist
	Err      error
	Services []ServiceData
}

// ServiceData is the last access to one service that the role's policies allow.
type ServiceData struct {
	Namespace string    // "ec2"
	Last      time.Time // zero if the role did not call the service in the tracking period
	Region    string
	Actions   []ActionData // the tracked actions; none if IAM tracks none, or the role called none of them
}

// ActionData is the last access to one tracked action.
type ActionData struct {
	Name   string    // "CreateSnapshot"
	Last   time.Time // zero if the role did not call it in the tracking period
	Region string
}

// Status is whether a granted action was used.
type Status string

// The statuses of an action.
const (
	Used   Status = "used"
	Unused Status = "unused"
	NoData Status = "no data"
)

// Evidence is the kind of IAM's data that a status is from.
type Evidence string

// The kinds of data.
const (
	ByAction  Evidence = "action"  // IAM tracks the action
	ByService Evidence = "service" // the role called no action of the service
)

// Action is a granted action of a role.
type Action struct {
	Role     string     `json:"role"` // the vendor's name
	Action   string     `json:"action"`
	Status   Status     `json:"status"`
	Evidence Evidence   `json:"evidence,omitempty"`
	LastUsed *time.Time `json:"lastUsed,omitempty"` // none: not in the tracking period, or unknown
	Region   string     `json:"region,omitempty"`   // of the last use
	Reason   string     `json:"reason,omitempty"`   // why there is no data
	// DroppedBy are the choices each of which drops the action from the role if it is left out.
	DroppedBy []string `json:"droppedBy"`
	// GrantedFor are all combinations of the choice that include the action, such as "ec2 restore".
	GrantedFor []string `json:"grantedFor"`
}

// Why IAM has no data about an action.
const (
	reasonNoCall     = "it is checked in other calls and is no call itself"
	reasonNotTracked = "IAM does not track the action, and the role called others of the service"
	reasonWildcard   = "it is a pattern, and IAM does not track all actions that match it"
	reasonByService  = "AWS services call it in the name of the role"
	reasonNoService  = "IAM reports nothing about the service: the deployed policies may not grant it"
	reasonMissing    = "the role does not exist"
	reasonUnread     = "the data of the role could not be read"
)

// notCalls are actions that are only checked in other calls. IAM documents iam:PassRole as not tracked.
var notCalls = []string{"iam:PassRole"}

// delegatedKeys are condition keys of requests that an AWS service makes in the name of the role (forward access
// sessions). Whether they count as calls of the role is not documented.
var delegatedKeys = []string{"kms:viaservice", "kms:grantisforawsresource", "aws:calledvia", "aws:calledvialast",
	"aws:calledviafirst", "aws:viaawsservice"}

// grant is an action that a role's statements allow.
type grant struct {
	role, action string
	delegated    bool // every statement with it is about requests of AWS services
	uses         []schema.Use
}

// granted returns the actions that the roles of a set are allowed, sorted by role and action.
func granted(set policies.Set) []grant {
	var out []grant
	index := map[[2]string]int{}
	for _, r := range set.Roles {
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			for i, st := range p.Document.Statement {
				if st.Effect != "Allow" {
					continue
				}
				uses := []schema.Use{{}}
				if i < len(p.Grants) && len(p.Grants[i].For) > 0 {
					uses = p.Grants[i].For
				}
				for _, a := range st.Action {
					key := [2]string{r.Entity, strings.ToLower(a)}
					n, ok := index[key]
					if !ok {
						n = len(out)
						index[key], out = n, append(out, grant{role: r.Entity, action: a, delegated: true})
					}
					out[n].delegated = out[n].delegated && isDelegated(st.Condition)
					out[n].uses = append(out[n].uses, uses...)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b grant) int {
		if c := strings.Compare(a.role, b.role); c != 0 {
			return c
		}
		return strings.Compare(strings.ToLower(a.action), strings.ToLower(b.action))
	})
	return out
}

// assess returns the status of a granted action since cutoff.
func (g grant) assess(data RoleData, cutoff time.Time) Action {
	out := Action{Role: g.role, Action: g.action, Status: NoData, DroppedBy: []string{}, GrantedFor: []string{}}
	service, name, _ := strings.Cut(g.action, ":")
	i := slices.IndexFunc(data.Services, func(s ServiceData) bool { return strings.EqualFold(s.Namespace, service) })
	switch {
	case data.Missing:
		out.Reason = reasonMissing
		return out
	case data.Err != nil:
		out.Reason = reasonUnread
		return out
	case i < 0:
		out.Reason = reasonNoService
		return out
	}
	s := data.Services[i]
	if last, region, tracked := s.lastAccess(name); tracked {
		out.Status, out.Evidence, out.Region = statusAt(last, cutoff), ByAction, region
		if !last.IsZero() {
			out.LastUsed = &last
		}
		return out
	}
	switch {
	case slices.ContainsFunc(notCalls, func(a string) bool { return strings.EqualFold(a, g.action) }):
		out.Reason = reasonNoCall
	case g.delegated:
		out.Reason = reasonByService
	case statusAt(s.Last, cutoff) == Unused: // it called none of the service's actions
		out.Status, out.Evidence = Unused, ByService
	case isPattern(name):
		out.Reason = reasonWildcard
	default:
		out.Reason = reasonNotTracked
	}
	return out
}

// lastAccess returns the last access to an action, and false if the data does not decide whether it was used. Of a
// pattern only a use is decisive: that IAM tracks some of the actions that match says nothing about the others.
func (s ServiceData) lastAccess(name string) (last time.Time, region string, decided bool) {
	for _, a := range s.Actions {
		// Some reports have the service's prefix in the name.
		_, tracked, prefixed := strings.Cut(a.Name, ":")
		if !prefixed {
			tracked = a.Name
		}
		if !actions.Match(name, tracked) {
			continue
		}
		decided = decided || !isPattern(name) || !a.Last.IsZero()
		if a.Last.After(last) {
			last, region = a.Last, a.Region
		}
	}
	return last, region, decided
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?") }

// statusAt returns the status of what was last accessed at a time, or never if it is zero.
func statusAt(last, cutoff time.Time) Status {
	if last.IsZero() || last.Before(cutoff) {
		return Unused
	}
	return Used
}

// isDelegated reports whether conditions are only met by requests that an AWS service makes in the name of the role.
func isDelegated(conditions iampolicy.Conditions) bool {
	for operator, keys := range conditions {
		if strings.Contains(operator, "Not") || strings.HasSuffix(operator, "IfExists") {
			continue
		}
		for key := range keys {
			if slices.Contains(delegatedKeys, strings.ToLower(key)) {
				return true
			}
		}
	}
	return false
}
