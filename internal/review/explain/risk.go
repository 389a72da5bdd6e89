package explain

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
)

// Level is the level of a risk.
type Level string

// The levels, from the highest to the lowest.
const (
	High    Level = "high"
	Medium  Level = "medium"
	Low     Level = "low"
	Minimal Level = "minimal"
)

// Levels are the levels, the highest first.
var Levels = []Level{High, Medium, Low, Minimal}

// Risk is what a grant allows an attacker to do.
type Risk struct {
	Level   Level    `json:"level"`
	Effects []Effect `json:"effects"` // what its actions do, the most severe first
	Limits  []string `json:"limits"`  // what limits it: "conditions", "named resources", "named principals"
}

// Effect is what some actions of a grant do.
type Effect struct {
	Does    string   `json:"does"`
	Actions []string `json:"actions"`
}

type effect struct {
	does     string
	severity int
}

// effects are the effects of actions, the most severe first, with their severity
// from 1 to 4 if nothing limits them.
var effects = []effect{
	{"changes permissions", 4},
	{"passes a role to a service", 4},
	{"assumes a role", 4},
	{"runs commands", 4},
	{"deletes", 4},
	{"sends data out of the account", 4},
	{"uses encryption keys", 3},
	{"reads content", 3},
	{"writes", 3},
	{"changes tags", 2},
	{"reads", 2},
	{"lists", 1},
}

const (
	changePermissions = iota
	passRole
	assumeRole
	runCommands
	deletes
	sendOut
	useKey
	readContent
	write
	tag
	read
	list
)

// effectByAction are the effects of actions whose access level understates them.
var effectByAction = map[string]int{
	"iam:passrole": passRole, "sts:assumerole": assumeRole,
	"ssm:sendcommand": runCommands, "ssm:startautomationexecution": runCommands, "ssm:startsession": runCommands,
	"ssm:createassociation": runCommands, "lambda:invokefunction": runCommands,
	"s3:putlifecycleconfiguration": deletes, "s3:bypassgovernanceretention": deletes, "dynamodb:batchwriteitem": deletes,
	"kms:decrypt": useKey, "kms:encrypt": useKey, "kms:reencryptfrom": useKey, "kms:reencryptto": useKey,
	"kms:generatedatakey": useKey, "kms:generatedatakeypair": useKey,
	"kms:generatedatakeypairwithoutplaintext": useKey, "kms:generatedatakeywithoutplaintext": useKey,
	"ec2:modifysnapshotattribute": sendOut, "ec2:modifyimageattribute": sendOut,
	"rds:modifydbsnapshotattribute": sendOut, "rds:modifydbclustersnapshotattribute": sendOut,
	"s3:putreplicationconfiguration": sendOut, "s3:replicateobject": sendOut, "s3:putobjectacl": sendOut,
	"dynamodb:exporttabletopointintime": sendOut, "rds:startexporttask": sendOut,
	"ec2messages:deletemessage":        write, // the message queue of the SSM agent
	"redshift:authorizesnapshotaccess": sendOut, "sns:subscribe": sendOut,
	"s3:getobject": readContent, "s3:getobjectversion": readContent, "ebs:getsnapshotblock": readContent,
	"dynamodb:getitem": readContent, "dynamodb:batchgetitem": readContent, "dynamodb:query": readContent,
	"dynamodb:scan": readContent, "dynamodb:getrecords": readContent,
	"secretsmanager:getsecretvalue": readContent, "ssm:getparameter": readContent, "ssm:getparameters": readContent,
	"ssm:getparametersbypath": readContent, "ssm:getcommandinvocation": readContent,
	"rds:downloaddblogfileportion": readContent, "rds:downloadcompletedblogfile": readContent,
	"logs:getlogevents": readContent, "ec2:getpassworddata": readContent, "ec2:getconsoleoutput": readContent,
}

// deleteVerbs are the verbs of actions that destroy data or resources.
var deleteVerbs = []string{"Delete", "Terminate", "Deregister", "Remove", "Purge", "BatchDelete"}

// classify returns the index in effects of an action. An action that is not in AWS's
// list is a write.
func classify(action actions.Action) int {
	if e, ok := effectByAction[strings.ToLower(action.Name)]; ok {
		return e
	}
	_, name, _ := strings.Cut(action.Name, ":")
	removes := slices.ContainsFunc(deleteVerbs, func(verb string) bool { return strings.HasPrefix(name, verb) })
	switch {
	case action.Is(actions.Permissions):
		return changePermissions
	case action.Is(actions.Tagging) && strings.Contains(name, "Tag"):
		return tag
	case action.Is(actions.Write) && removes:
		return deletes
	case action.Is(actions.Write), len(action.Levels) == 0, action.Is(actions.Tagging):
		return write
	case action.Is(actions.Read):
		return read
	}
	return list
}

// Severity returns the rank of what Does returns, the most severe first; 0 is the most severe.
func Severity(does string) int {
	i := slices.IndexFunc(effects, func(e effect) bool { return e.does == does })
	if i < 0 {
		return len(effects)
	}
	return i
}

// Does returns what an action does, such as "deletes".
func Does(action string) string {
	return effects[mostSevere(action)].does
}

// Does returns what an action of the grant does, such as "deletes"; several effects if the action is a pattern. A write
// to resources of another account sends data out of the account.
func (g Grant) Does(action string) []string {
	matching := actions.Matching(action)
	if !actions.IsPattern(action) || len(matching) == 0 {
		matching = []actions.Action{{Name: action}}
		if a, ok := actions.Find(action); ok {
			matching[0] = a
		}
	}
	var out []string
	for _, a := range matching {
		e := classify(a)
		if g.otherAccount && (e == write || e == tag) {
			e = sendOut
		}
		if does := effects[e].does; !slices.Contains(out, does) {
			out = append(out, does)
		}
	}
	return out
}

// mostSevere returns the index in effects of the most severe action that matches a
// name, which may have wildcards.
func mostSevere(name string) int {
	if a, ok := actions.Find(name); ok || !actions.IsPattern(name) {
		a.Name = cmp.Or(a.Name, name)
		return classify(a)
	}
	matching := actions.Matching(name)
	if len(matching) == 0 {
		return write
	}
	most := list
	for _, a := range matching {
		most = min(most, classify(a))
	}
	return most
}

// risk returns the risk of a grant. Each limit lowers the level by one; a condition that the role can meet by itself,
// or that is always true, is no limit. A statement that denies everything but some actions has no effects.
func risk(g Grant) Risk {
	if g.deniesOthers() {
		return Risk{Level: Minimal, Effects: []Effect{}, Limits: []string{}}
	}
	var r Risk
	byEffect := make([][]string, len(effects))
	granted := g.Actions
	if len(g.NotActions) > 0 {
		granted = []string{"*"} // every action but some
	}
	for _, a := range granted {
		e := mostSevere(a)
		if g.otherAccount && (e == write || e == tag) {
			e = sendOut
		}
		byEffect[e] = append(byEffect[e], a)
	}
	severity := 0
	for e, actions := range byEffect {
		if len(actions) > 0 {
			r.Effects = append(r.Effects, Effect{effects[e].does, actions})
			severity = max(severity, effects[e].severity)
		}
	}
	if g.bounded(r.Effects) {
		r.Limits = append(r.Limits, "conditions")
		severity--
	}
	if namesResources(g) {
		r.Limits = append(r.Limits, "named resources")
		severity--
	}
	if g.Kind != Policy { // the statement names the principal
		r.Limits = append(r.Limits, "named principals")
		severity--
	}
	if r.Limits == nil {
		r.Limits = []string{}
	}
	r.Level = Levels[len(Levels)-min(max(severity, 1), len(Levels))]
	if g.Effect == "Deny" {
		r.Level = Minimal
	}
	return r
}

// bounded reports whether a condition bounds the most severe of some effects. A condition on the customer's account
// bounds only what leaves the account.
func (g Grant) bounded(all []Effect) bool {
	return slices.ContainsFunc(g.Bounds, func(b Bound) bool {
		leaves := len(all) > 0 && all[0].Does == effects[sendOut].does
		return b.Effect == Bounds || leaves && (b.Effect == OwnAccount || b.Effect == Openings)
	})
}

// deniesOthers reports whether a statement denies every action but some.
func (g Grant) deniesOthers() bool { return g.Effect == "Deny" && len(g.NotActions) > 0 }

// reachesOtherAccount reports whether a grant applies to resources of an account
// that is not the customer's, by their ARN or by a condition on their account.
func (w Describer) reachesOtherAccount(g Grant) bool {
	other := func(account string) bool { return w.Accounts[account] != "" }
	for _, r := range g.Resources {
		if strings.HasPrefix(r, "arn:") && other(iampolicy.AccountInARN(r)) {
			return true
		}
	}
	for _, keys := range g.Conditions {
		for key, values := range keys {
			if strings.HasSuffix(strings.ToLower(key), ":resourceaccount") && slices.ContainsFunc(values, other) {
				return true
			}
		}
	}
	return false
}

// namesResources reports whether a grant's resources are named, and not all of a type.
func namesResources(g Grant) bool {
	if g.Kind != Policy {
		return false
	}
	return !slices.ContainsFunc(g.Resources, func(r string) bool {
		arn, _ := iampolicy.ParseARN(r)
		resource := arn.Resource
		if i := strings.IndexAny(resource, "/:"); i >= 0 && !strings.HasPrefix(resource, "${") {
			resource = resource[i+1:]
		}
		return r == "*" || strings.HasPrefix(resource, "*")
	})
}

// Rank returns the grants by risk, the highest first, without statements that deny every action
// but some.
func Rank(grants []Grant) []Grant {
	out := slices.DeleteFunc(slices.Clone(grants), Grant.deniesOthers)
	rank := func(g Grant) int {
		if len(g.Risk.Effects) == 0 {
			return len(effects)
		}
		return slices.IndexFunc(effects, func(e effect) bool { return e.does == g.Risk.Effects[0].Does })
	}
	slices.SortStableFunc(out, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(slices.Index(Levels, a.Risk.Level), slices.Index(Levels, b.Risk.Level)),
			cmp.Compare(rank(a), rank(b)), cmp.Compare(len(a.Risk.Limits), len(b.Risk.Limits)))
	})
	return out
}
