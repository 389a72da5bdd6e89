package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/iampolicy/spelling"
	"permstack/internal/iampolicy/validate"
	"permstack/internal/policies/schema"
)

// Finding is a problem of a statement, and the part of the statement that it is about.
type Finding struct {
	Rule    Rule
	Part    string // "action", "resource", "key", or "" for the statement
	Value   string // of the part
	Message string
}

// Statement checks a statement of a profile by the rules for a single one.
func Statement(p schema.Profile, s schema.Statement) []Finding {
	c := statementChecker{profile: p, s: s, used: map[string]bool{}}
	c.scope()
	if !s.Deny { // an explicit Deny may be as wide as it likes
		c.actionWildcards()
		c.places()
		c.conditions()
	}
	return c.findings
}

type statementChecker struct {
	profile  schema.Profile
	s        schema.Statement
	used     map[string]bool // resources that some action applies to
	findings []Finding
}

func (c *statementChecker) add(rule Rule, part, value, format string, args ...any) {
	c.findings = append(c.findings, Finding{rule, part, value, fmt.Sprintf(format, args...)})
}

// scope compares a statement with AWS's action reference: the action exists; "*" is used only if the action has no
// resource types; every ARN is within a type of an action of the statement, and every action has one; every condition
// key is one that AWS sends with the action.
func (c *statementChecker) scope() {
	known := true
	for _, name := range c.s.Actions {
		matching := reference.Matching(name)
		if len(matching) == 0 {
			known = false
			c.unknownAction(name)
			continue
		}
		c.action(name, matching)
	}
	if !known {
		return // the resources may be of the unknown action
	}
	for _, r := range c.s.Resources {
		switch {
		case r == "*":
		case !c.used[r]:
			c.add(ResourceType, "resource", r, "no action of the statement applies to %s", r)
		case !c.s.Deny && !slices.ContainsFunc(c.s.Actions, func(name string) bool {
			return namesType(reference.Matching(name), r)
		}):
			c.add(ResourceType, "resource", r, "%s is wider than any resource type of the actions: name the type", r)
		}
	}
}

// actionWildcards requires a note for wildcards in actions: they also allow what AWS adds later.
func (c *statementChecker) actionWildcards() {
	for _, name := range c.s.Actions {
		if actions.IsPattern(name) && strings.TrimSpace(c.s.Note) == "" {
			c.add(Wildcard, "action", name, "%s also allows actions that AWS adds later: list the actions, or say in note "+
				"why not", name)
		}
	}
}

func (c *statementChecker) unknownAction(name string) {
	if strings.Contains(name, "${") || name == "*" {
		c.add(UnknownAction, "action", name, "%q: want an action such as ec2:CreateSnapshot", name)
		return
	}
	if near := reference.Nearest(name); near != "" {
		c.add(UnknownAction, "action", name, "AWS has no action %s; did you mean %s?", name, near)
		return
	}
	c.add(UnknownAction, "action", name, "AWS has no action %s (action reference of %s)", name, reference.Origin().Date)
}

// action checks one action of the statement. With wildcards it has the resource types and keys of all that it matches.
func (c *statementChecker) action(name string, matching []reference.Action) {
	var types []string
	for _, a := range matching {
		for _, r := range a.Resources {
			types = append(types, r.ARN)
		}
	}
	switch {
	case slices.Contains(c.s.Resources, "*"):
		if len(types) > 0 && !c.s.Deny {
			c.add(Wildcard, "action", name, "%s has resource-level permissions, but the resource is *; AWS's types: %s", name,
				strings.Join(shortened(types), ", "))
		}
	case len(types) == 0:
		c.add(ResourceType, "action", name, "%s has no resource-level permissions: only resources: \"*\", with whyWildcard, "+
			"allows it", name)
	case !c.fits(types):
		c.add(ResourceType, "action", name, "%s applies to none of the resources; AWS's types: %s", name,
			strings.Join(shortened(types), ", "))
	}
	for operator, keys := range c.s.When {
		for key := range keys {
			// A condition that is true without its key does not limit the other actions of the statement.
			if !sends(matching, key) && !(sentSometimes[key] == operator && c.anySends(key)) {
				c.unknownKey(name, key, matching[0])
			}
		}
	}
}

func sends(matching []reference.Action, key string) bool {
	return slices.ContainsFunc(matching, func(a reference.Action) bool { return a.SendsKey(key) })
}

// anySends reports whether AWS sends a key with some action of the statement.
func (c *statementChecker) anySends(key string) bool {
	return slices.ContainsFunc(c.s.Actions, func(name string) bool { return sends(reference.Matching(name), key) })
}

func (c *statementChecker) unknownKey(name, key string, a reference.Action) {
	hint := ""
	if near := a.NearestKey(key); near != "" && near != key && !reference.IsKey(key) {
		hint = "; did you mean " + near + "?"
	}
	c.add(UnknownKey, "key", key, "AWS does not send %s with %s, so the condition is never true%s", key, name, hint)
}

// shortened returns the first types of a list; EC2's tagging actions have a hundred.
func shortened(types []string) []string {
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) > 4 {
		return append(types[:4:4], fmt.Sprintf("and %d more", len(types)-4))
	}
	return types
}

// fits notes which resources are of one of the types, and reports whether one is.
func (c *statementChecker) fits(types []string) bool {
	fits := false
	for _, r := range c.s.Resources {
		for _, arn := range types {
			if iampolicy.OverlapARN(iampolicy.VariablesAsWildcards(shape(r)), iampolicy.VariablesAsWildcards(arn)) {
				c.used[r], fits = true, true
			}
		}
	}
	return fits
}

// namesType reports whether a resource names a resource type of an action exactly.
func namesType(matching []reference.Action, resource string) bool {
	text := strings.ReplaceAll(shape(resource), "${Path}", "/")
	pattern := iampolicy.VariablesAsWildcards(text)
	for _, a := range matching {
		for _, r := range a.Resources {
			want := typeWord(r.ARN)
			if iampolicy.OverlapARN(pattern, iampolicy.VariablesAsWildcards(r.ARN)) &&
				(want == "" || typeWord(text) == want) {
				return true
			}
		}
	}
	return false
}

// typeWord returns the first word of an ARN's last part: "volume".
func typeWord(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	name, _, _ := strings.Cut(strings.NewReplacer(":", "/", "*", "/", "$", "/").Replace(f[5]), "/")
	return name
}

// shape returns the ARN pattern of a reference to the choice's own entities.
func shape(resource string) string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ":")
	if shape, ok := map[string]string{
		"roles":    "arn:${Partition}:iam::${Account}:role/x",
		"policies": "arn:${Partition}:iam::${Account}:policy/x",
		"topics":   "arn:${Partition}:sns:${Region}:${Account}:x",
		"rules":    "arn:${Partition}:events:${Region}:${Account}:rule/x",
		"stacks}":  "arn:${Partition}:cloudformation:${Region}:${Account}:stack/x/x",
	}[kind]; ok && strings.HasPrefix(resource, "${") {
		return shape
	}
	return resource
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// places checks that ARNs name the partition and the account, and the Region unless the reason says why not.
func (c *statementChecker) places() {
	for _, r := range c.s.Resources {
		f := strings.SplitN(r, ":", 6)
		if f[0] != "arn" {
			continue
		}
		add := func(format string, args ...any) { c.add(Place, "resource", r, r+": "+format, args...) }
		if len(f) < 6 {
			add("want an ARN, arn:${Partition}:SERVICE:REGION:ACCOUNT:RESOURCE")
			continue
		}
		if f[1] != "${Partition}" {
			add("want ${Partition} as the partition")
		}
		if region.IsKnown(f[3]) {
			add("the Region %s is fixed: want ${Region}", f[3])
		}
		if accountID.MatchString(f[4]) {
			add("the account %s is fixed: want ${Account}, or an input such as ${DataPlaneAccount}", f[4])
		}
		if f[3] == "*" && !c.crosses() {
			add("every Region, and the reason does not say why: name the Region, or say in why that it crosses Regions")
		}
		if strings.Contains(f[4], "*") {
			add("every account: want ${Account}, or ${OtherAccount} for the customer's other accounts")
		}
		if f[4] == "${OtherAccount}" && !strings.Contains(c.s.Why, "other account") {
			add("other accounts, and the reason does not mention other accounts")
		}
		if f[2] == "s3" && f[4] == "" && !c.hasKey("s3:ResourceAccount") {
			add("the ARN of a bucket has no account: add the condition StringEquals s3:ResourceAccount")
		}
	}
}

// crosses reports whether the reason says why a statement is for every Region: it names Regions, or what the vendor
// created, wherever that is.
func (c *statementChecker) crosses() bool {
	vendor := regexp.QuoteMeta(c.profile.Vendor)
	crossing := regexp.MustCompile(`Region|` + vendor + `'s data-plane account|that ` + vendor + ` (keeps|takes?|took)\b`)
	return crossing.MatchString(c.s.Why)
}

func (c *statementChecker) hasKey(key string) bool {
	for _, keys := range c.s.When {
		if _, ok := keys[key]; ok {
			return true
		}
	}
	return false
}

// sentSometimes are the keys that AWS sends with some calls of an action only, by the operator that may be used with
// them: their absence is harmless, or the statement's Remains describe it.
var sentSometimes = map[string]string{
	"aws:SourceAccount":           "StringEqualsIfExists", // by a service that may not send it
	"aws:TagKeys":                 "ForAllValues:StringEquals",
	"events:TargetArn":            "ForAllValues:ArnLike",
	"events:source":               "ForAllValues:StringEquals",
	"kms:GrantOperations":         "ForAllValues:StringEquals", // required by CreateGrant, so always sent
	"s3:x-amz-acl":                "StringEqualsIfExists",
	"s3:x-amz-grant-full-control": "Null",
	"s3:x-amz-grant-read":         "Null",
	"s3:x-amz-grant-read-acp":     "Null",
	"s3:x-amz-grant-write":        "Null",
	"s3:x-amz-grant-write-acp":    "Null",
}

// conditions checks that each condition is false if its key is absent, and that actions that hand on permissions have
// the condition that limits to whom.
func (c *statementChecker) conditions() {
	for _, operator := range slices.Sorted(maps.Keys(c.s.When)) {
		c.operator(operator)
		for _, key := range slices.Sorted(maps.Keys(c.s.When[operator])) {
			if matchesAbsentKey(operator) && sentSometimes[key] != operator {
				c.add(Condition, "key", key, "%s %s is true if the request does not have the key: use a positive operator",
					operator, key)
			}
			// IAM User Guide, "Single-valued vs. multivalued context keys".
			if set := sentSometimes[key]; strings.HasPrefix(set, "ForAllValues:") && !strings.HasPrefix(operator, "ForA") {
				c.add(Condition, "key", key, "%s can have several values in a request: use %s or ForAnyValue", key, set)
			}
			for _, v := range c.s.When[operator][key] {
				if strings.Contains(v, "${OtherAccount}") && v != "${OtherAccount}" {
					c.add(Condition, "key", key, "%q matches more than the listed accounts: want ${OtherAccount} alone", v)
				}
			}
		}
	}
	for action, want := range map[string]struct{ operator, key, why string }{
		"iam:PassRole":    {"StringEquals", "iam:PassedToService", "the role could be passed to any service"},
		"kms:CreateGrant": {"Bool", "kms:GrantIsForAWSResource", "the key could be granted to anybody"},
	} {
		for _, a := range c.s.Actions {
			if actions.Match(a, action) && c.s.When[want.operator][want.key] == nil {
				c.add(Condition, "action", a, "%s requires the condition %s %s: %s without it", action, want.operator,
					want.key, want.why)
			}
		}
	}
}

// operator checks that IAM has a condition operator.
func (c *statementChecker) operator(name string) {
	base := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "ForAllValues:"), "ForAnyValue:"), "IfExists")
	if slices.ContainsFunc(validate.Operators, func(o string) bool { return strings.EqualFold(o, base) }) {
		return
	}
	hint := ""
	if near := spelling.Nearest(base, validate.Operators); near != "" {
		hint = "; did you mean " + near + "?"
	}
	for key := range c.s.When[name] { // its place
		c.add(Condition, "key", key, "IAM has no condition operator %s%s", name, hint)
		return
	}
}

// matchesAbsentKey reports whether an operator can be true without the key (IAM User Guide, "IAM JSON policy elements:
// Condition operators").
func matchesAbsentKey(operator string) bool {
	return strings.Contains(operator, "Not") || strings.Contains(operator, "IfExists") || operator == "Null" ||
		strings.HasPrefix(operator, "ForAllValues")
}

// keyFindings checks conditions about requests for one action, which AWS has.
func keyFindings(action string, when schema.Conditions) []Finding {
	c := statementChecker{s: schema.Statement{Actions: []string{action}, When: when}}
	matching := reference.Matching(action)
	for _, keys := range when {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if !matching[0].SendsKey(key) {
				c.unknownKey(action, key, matching[0])
			}
		}
	}
	c.conditions()
	return c.findings
}

// actionFindings checks that AWS has an action.
func actionFindings(action string) []Finding {
	c := statementChecker{}
	if len(reference.Matching(action)) == 0 {
		c.unknownAction(action)
	}
	return c.findings
}
