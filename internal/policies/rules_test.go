package policies_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// The rules of the catalogue for one statement, so that mutants of a statement can be checked by them.

// TestCatalogRules checks every statement of every profile by the rules.
func TestCatalogRules(t *testing.T) {
	aws := readAWS(t)
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, r := range p.Roles {
			for _, policy := range r.Policies {
				for _, s := range policy.Statements {
					where := policy.Entity + "/" + s.Sid
					for _, problem := range slices.Concat(scopeProblems(aws, where, s), placeProblems(where, s), conditionProblems(where, s)) {
						t.Error(problem)
					}
				}
			}
		}
	}
}

// beyondReference are resource types that AWS requires of an action although the service authorization reference does
// not list them, each with its source.
var beyondReference = map[string]map[string]string{
	// A copy that names an option group is refused on that group: aws_db_option_group in public Terraform modules of
	// backup vendors; the vendors' own policies name it.
	"rds:CopyDBSnapshot": {"arn:${Partition}:rds:${Region}:${Account}:og:${OptionGroupName}": "vendors' policies"},
}

// scopeProblems holds a statement against AWS's own list: the action exists; "*"
// stands only where the action takes no ARN; every ARN is within a type that an
// action of the statement takes, and every action gets one; every condition key
// is one that AWS sends with the action.
func scopeProblems(aws map[string]awsAction, where string, s schema.Statement) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(where+": "+format, args...)) }
	used := map[string]bool{}
	for _, name := range s.Actions {
		a, ok := aws[name]
		if !ok || len(reference.Matching(name)) == 0 {
			add("AWS has no action %s", name)
			continue
		}
		if slices.Contains(s.Resources, "*") {
			if len(a.Resources) > 0 {
				add("%s takes ARNs, yet has a wildcard", name)
			}
			continue
		}
		if len(a.Resources) == 0 {
			add("%s takes no ARN; it is never granted this way", name)
		}
		if !fitsTypes(a, s.Resources, used) {
			add("%s takes none of %v", name, s.Resources)
		}
		for _, keys := range s.When {
			for key := range keys {
				if !knownKey(a, key) {
					add("AWS does not send %s with %s: the condition never holds", key, name)
				}
			}
		}
	}
	for _, r := range s.Resources {
		if r == "*" {
			continue
		}
		if !used[r] {
			add("no action takes %s", r)
		}
		if !slices.ContainsFunc(s.Actions, func(name string) bool { return namesResourceType(aws[name], r) }) {
			add("%s says more than any type that its actions take", r)
		}
	}
	return problems
}

// fitsTypes notes which resources fit a type of the action.
func fitsTypes(a awsAction, resources []string, used map[string]bool) bool {
	fits := false
	for _, r := range resources {
		for pattern := range a.Resources {
			if overlapARN(wild(shape(r)), wild(pattern)) {
				used[r], fits = true, true
			}
		}
	}
	return fits
}

// overlapARN is overlap part by part: a wildcard does not reach across a colon.
func overlapARN(a, b string) bool {
	f, g := strings.SplitN(a, ":", 6), strings.SplitN(b, ":", 6)
	return len(f) == len(g) && slices.EqualFunc(f, g, overlap)
}

// namesResourceType reports whether a resource names a resource type of an action exactly.
func namesResourceType(a awsAction, resource string) bool {
	text := strings.ReplaceAll(shape(resource), "${Path}", "/")
	for pattern := range a.Resources {
		if want := resourceType(pattern); overlapARN(wild(text), wild(pattern)) &&
			(want == "" || resourceType(text) == want) {
			return true
		}
	}
	return false
}

// resourceType returns the first word of an ARN's last part: "volume".
func resourceType(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	name, _, found := strings.Cut(strings.NewReplacer(":", "/", "*", "/", "$", "/").Replace(f[5]), "/")
	if !found && !strings.HasSuffix(arn, name) {
		return ""
	}
	return name
}

var crossing = regexp.MustCompile(`Region|Convert|Clumio's data-plane account|that Clumio take|that Clumio took`)

// placeProblems: partition and account always, the Region unless the statement's
// reason says that it crosses Regions.
func placeProblems(where string, s schema.Statement) (problems []string) {
	for _, res := range s.Resources {
		add := func(problem string) { problems = append(problems, where+" "+res+": "+problem) }
		f := strings.SplitN(res, ":", 6)
		if f[0] != "arn" {
			continue
		}
		if f[1] != "${Partition}" {
			add("the partition is left open")
		}
		if f[3] == "*" && !crossing.MatchString(s.Why) {
			add("every Region, and the reason does not say why")
		}
		if strings.Contains(f[4], "*") {
			add("every account")
		}
		if f[4] == "${OtherAccount}" && !strings.Contains(s.Why, "other account") {
			add("other accounts, and the reason does not say why")
		}
		if f[2] == "s3" &&
			!slices.ContainsFunc(
				slices.Collect(conditionKeys(s.When)),
				func(k string) bool { return k == "s3:ResourceAccount" },
			) {
			add("a bucket's ARN has no account, s3:ResourceAccount must bound it")
		}
	}
	return problems
}

// conditionProblems: a negated operator holds where its key is absent.
// ForAllValues does too; it is right only for keys that AWS always sends.
func conditionProblems(where string, s schema.Statement) (problems []string) {
	for operator, keys := range s.When {
		for key, values := range keys {
			for _, v := range values {
				if strings.Contains(v, "${OtherAccount}") && v != "${OtherAccount}" {
					problems = append(problems, fmt.Sprintf("%s: %q matches more than the listed accounts", where, v))
				}
			}
			if strings.Contains(operator, "Not") || strings.Contains(operator, "IfExists") || operator == "Null" ||
				strings.HasPrefix(operator, "ForAllValues") && key != "events:TargetArn" {
				problems = append(problems, fmt.Sprintf("%s: %s %s holds where the key is absent", where, operator, key))
			}
		}
	}
	if slices.Contains(s.Actions, "iam:PassRole") && s.When["StringEquals"]["iam:PassedToService"] == nil {
		problems = append(problems, where+": iam:PassRole to any service")
	}
	if slices.Contains(s.Actions, "kms:CreateGrant") && s.When["Bool"]["kms:GrantIsForAWSResource"] == nil {
		problems = append(problems, where+": kms:CreateGrant to anyone")
	}
	return problems
}

// readPermissionsDocument returns the actions of the permissions document: "role policy" → actions.
func readPermissionsDocument() (map[string][]string, error) {
	var page map[string]map[string]struct{ Actions []string }
	data, err := os.ReadFile("testdata/clumio-page.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for role, list := range page {
		for policy, p := range list {
			key := role + " " + policy
			for _, a := range p.Actions {
				if right, wrong := corrections[a]; wrong {
					a = right
				}
				if a != "" {
					out[key] = append(out[key], a)
				}
			}
			out[key] = append(out[key], additions[policy]...)
		}
	}
	return out, nil
}
