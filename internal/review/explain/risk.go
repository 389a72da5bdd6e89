package explain

import (
	"cmp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
)

// Level is how much a grant could do, its bounds taken into account.
type Level string

// The levels, from the most to the least.
const (
	High    Level = "high"
	Medium  Level = "medium"
	Low     Level = "low"
	Minimal Level = "minimal"
)

// Levels lists the levels, the highest first.
var Levels = []Level{High, Medium, Low, Minimal}

// Risk is what a grant could do in the wrong hands.
type Risk struct {
	Level   Level    `json:"level"`
	Effects []Effect `json:"effects"` // what its actions do, the gravest first
	Bounds  []string `json:"bounds"`  // what keeps it small; none: nothing does
}

// Effect is a thing that actions do.
type Effect struct {
	Does    string   `json:"does"`
	Actions []string `json:"actions"`
}

type effect struct {
	does  string
	grave int
}

// effects are what actions do, the gravest first, and how grave that is where
// nothing bounds it.
var effects = []effect{
	{"changes permissions", 4},
	{"passes a role to a service", 4},
	{"takes a role", 4},
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
	permissions = iota
	passRole
	assume
	run
	remove
	sendOut
	useKey
	readContent
	write
	tag
	read
	list
)

// special are actions that do more than their access level says.
var special = map[string]int{
	"iam:passrole": passRole, "sts:assumerole": assume,
	"ssm:sendcommand": run, "ssm:startautomationexecution": run, "ssm:startsession": run,
	"ssm:createassociation": run, "lambda:invokefunction": run,
	"s3:putlifecycleconfiguration": remove, "s3:bypassgovernanceretention": remove, "dynamodb:batchwriteitem": remove,
	"kms:decrypt": useKey, "kms:encrypt": useKey, "kms:reencryptfrom": useKey, "kms:reencryptto": useKey,
	"kms:generatedatakey": useKey, "kms:generatedatakeypair": useKey,
	"kms:generatedatakeypairwithoutplaintext": useKey, "kms:generatedatakeywithoutplaintext": useKey,
	"ec2:modifysnapshotattribute": sendOut, "ec2:modifyimageattribute": sendOut,
	"rds:modifydbsnapshotattribute": sendOut, "rds:modifydbclustersnapshotattribute": sendOut,
	"s3:putreplicationconfiguration": sendOut, "s3:replicateobject": sendOut, "s3:putobjectacl": sendOut,
	"dynamodb:exporttabletopointintime": sendOut, "rds:startexporttask": sendOut,
	"ec2messages:deletemessage":        write, // the agent's own queue
	"redshift:authorizesnapshotaccess": sendOut, "sns:subscribe": sendOut,
	"s3:getobject": readContent, "s3:getobjectversion": readContent, "ebs:getsnapshotblock": readContent,
	"dynamodb:getitem": readContent, "dynamodb:batchgetitem": readContent, "dynamodb:query": readContent,
	"dynamodb:scan": readContent, "dynamodb:getrecords": readContent,
	"secretsmanager:getsecretvalue": readContent, "ssm:getparameter": readContent, "ssm:getparameters": readContent,
	"ssm:getparametersbypath": readContent, "ssm:getcommandinvocation": readContent,
	"rds:downloaddblogfileportion": readContent, "rds:downloadcompletedblogfile": readContent,
	"logs:getlogevents": readContent, "ec2:getpassworddata": readContent, "ec2:getconsoleoutput": readContent,
}

// deletes are the verbs of actions that take something away for good.
var deletes = []string{"Delete", "Terminate", "Deregister", "Remove", "Purge", "BatchDelete"}

// does says what an action of AWS does. An action that is not in AWS's list
// counts as a write.
func does(action actions.Action) int {
	if e, ok := special[strings.ToLower(action.Name)]; ok {
		return e
	}
	_, name, _ := strings.Cut(action.Name, ":")
	removes := slices.ContainsFunc(deletes, func(verb string) bool { return strings.HasPrefix(name, verb) })
	switch {
	case action.Is(actions.Permissions):
		return permissions
	case action.Is(actions.Tagging) && strings.Contains(name, "Tag"):
		return tag
	case action.Is(actions.Write) && removes:
		return remove
	case action.Is(actions.Write), len(action.Levels) == 0, action.Is(actions.Tagging):
		return write
	case action.Is(actions.Read):
		return read
	}
	return list
}

// Does says in words what an action does.
func Does(action string) string {
	return effects[gravest(action)].does
}

// gravest is what the gravest of the actions does that a name stands for.
func gravest(name string) int {
	if a, ok := actions.Find(name); ok || !actions.IsPattern(name) {
		a.Name = cmp.Or(a.Name, name)
		return does(a)
	}
	matching := actions.Matching(name)
	if len(matching) == 0 {
		return write
	}
	most := list
	for _, a := range matching {
		most = min(most, does(a))
	}
	return most
}

func risk(g Grant) Risk {
	var r Risk
	byEffect := make([][]string, len(effects))
	for _, a := range g.Actions {
		e := gravest(a)
		if g.foreign && (e == write || e == tag) {
			e = sendOut
		}
		byEffect[e] = append(byEffect[e], a)
	}
	grave := 0
	for e, actions := range byEffect {
		if len(actions) > 0 {
			r.Effects = append(r.Effects, Effect{effects[e].does, actions})
			grave = max(grave, effects[e].grave)
		}
	}
	if len(g.OnlyWhere) > 0 {
		r.Bounds = append(r.Bounds, "conditions")
		grave--
	}
	if named(g) {
		r.Bounds = append(r.Bounds, "named resources")
		grave--
	}
	if g.Kind != Policy { // the principal is one that the statement names
		r.Bounds = append(r.Bounds, "named principals")
		grave--
	}
	if r.Bounds == nil {
		r.Bounds = []string{}
	}
	r.Level = Levels[len(Levels)-min(max(grave, 1), len(Levels))]
	if g.Effect == "Deny" {
		r.Level = Minimal
	}
	return r
}

// foreign tells whether a grant reaches an account that is not the customer's:
// by its resources or by a condition on their account.
func (w Words) foreign(g Grant) bool {
	other := func(account string) bool { return w.Accounts[account] != "" }
	for _, r := range g.Resources {
		if strings.HasPrefix(r, "arn:") && other(splitARN(r)[4]) {
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

// named tells whether a grant's resources are named, rather than all of a kind.
func named(g Grant) bool {
	if g.Kind != Policy {
		return false
	}
	return !slices.ContainsFunc(g.Resources, func(r string) bool {
		resource := splitARN(r)[5]
		if i := strings.IndexAny(resource, "/:"); i >= 0 && !strings.HasPrefix(resource, "${") {
			resource = resource[i+1:]
		}
		return r == "*" || strings.HasPrefix(resource, "*")
	})
}

// Ranked lists grants by what they could do, the gravest first.
func Ranked(grants []Grant) []Grant {
	out := slices.Clone(grants)
	rank := func(g Grant) int {
		if len(g.Risk.Effects) == 0 {
			return len(effects)
		}
		return slices.IndexFunc(effects, func(e effect) bool { return e.does == g.Risk.Effects[0].Does })
	}
	slices.SortStableFunc(out, func(a, b Grant) int {
		return cmp.Or(
			cmp.Compare(slices.Index(Levels, a.Risk.Level), slices.Index(Levels, b.Risk.Level)),
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(len(a.Risk.Bounds), len(b.Risk.Bounds)),
		)
	})
	return out
}
