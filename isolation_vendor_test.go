package permstack_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies"
)

// reads are actions that change nothing. What a vendor may list and describe of the account includes what permstack
// created in it.
var reads = regexp.MustCompile(`^[a-z]+:(BatchGet|Describe|Detect|Get|List|Simulate|Validate)`)

// parameterActions are the actions of Systems Manager for parameters (Service Authorization Reference, AWS Systems
// Manager). Others act on documents, instances and commands, whatever resource a statement names.
var parameterActions = regexp.MustCompile(`Parameter|TagsTo|TagsFrom`)

// crossings are what the roles of a profile can do to another installation, with the reason. Everything else that they
// reach is an error of TestVendorRolesAreIsolated, and so is an entry that no pair needs.
var crossings = []struct {
	role, action, resource string // the resource is a pattern
	why                    string
}{
	{"CPMRole", "cloudformation:CreateStack", ":stack/a(-[0-9a-f-]*)?/", "a stack that exists cannot be created"},
	{
		"CPMRole", "cloudformation:DeleteStack", ":stack/a(-[0-9a-f-]*)?/",
		"the parent has no role of its own, and CPM has no right to delete what it contains; a name with permstack in " +
			"it is denied",
	},
	{
		"BackupServiceRole", "cloudformation:CreateChangeSet", ":stack/a/",
		"AWS Backup restores stacks by change sets, which it cannot execute; a name with permstack in it is denied",
	},
	{
		"BackupServiceRole", "cloudformation:TagResource", ":stack/a/",
		"the same; the tags of a parent mean nothing to permstack",
	},
}

// passedRoles are the roles of one installation that a vendor role of another may pass to a service that they trust.
// An instance is restored with the role that it had, which may be one of these; see "Remaining risks" of
// docs/security.md.
var passedRoles = []string{
	"ClumioEC2MSSQLSSMInstanceRoleV2 ec2.amazonaws.com",
	"CPMRole ec2.amazonaws.com",
}

// TestVendorRolesAreIsolated evaluates every action that changes something, by every vendor role of an installation,
// on everything that another one has: roles, policies, instance profiles, stacks, functions, topics, rules, queues, the
// parameter, alarms and the log. Conditions count as met, except that of iam:PassRole.
func TestVendorRolesAreIsolated(t *testing.T) {
	usedCrossings, usedPassed := map[string]bool{}, map[string]bool{}
	base, others := isolatedPairs()
	for _, b := range others {
		t.Run(b.what, func(t *testing.T) {
			for _, p := range [][2]string{
				{"clumio", "clumio"}, {"clumio", "cpm"}, {"cpm", "clumio"}, {"cpm", "cpm"}, {"aws-backup", "clumio"},
				{"aws-backup", "cpm"}, {"veeam", "clumio"}, {"veeam", "cpm"},
			} {
				one, other := base, b
				one.profile, other.profile = p[0], p[1]
				pairs := [][2]isolated{{one, other}}
				one.profile, other.profile = p[1], p[0]
				for _, pair := range append(pairs, [2]isolated{other, one}) {
					for _, r := range vendorReach(t, pair[0], pair[1]) {
						if key := r.crossing(); key != "" {
							usedCrossings[key] = true
						} else if slices.Contains(passedRoles, r.passed) {
							usedPassed[r.passed] = true
						} else {
							t.Errorf("%s of %s reaches %s of %s: %s %s", r.role, p[0], r.resource, p[1], r.action, r.passed)
						}
					}
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	for _, c := range crossings {
		if !usedCrossings[c.role+c.action] {
			t.Errorf("nothing needs the exception for %s of %s", c.action, c.role)
		}
	}
	for _, p := range passedRoles {
		if !usedPassed[p] {
			t.Errorf("nothing needs the exception for %s", p)
		}
	}
}

// vendorAccess is an action that a vendor role may use on something of another installation.
type vendorAccess struct {
	role, action, resource string
	passed                 string // of iam:PassRole: the role's entity and the service that it trusts
}

// crossing returns the key of the entry of crossings for the access, "" for none.
func (v vendorAccess) crossing() string {
	for _, c := range crossings {
		if c.role == v.role && c.action == v.action && regexp.MustCompile(c.resource).MatchString(v.resource) {
			return c.role + c.action
		}
	}
	return ""
}

// vendorReach returns what the vendor's roles of one installation may change of another.
func vendorReach(t *testing.T, from, to isolated) []vendorAccess {
	t.Helper()
	theirs := to.set(t)
	own := from.things(t)
	var out []vendorAccess
	for _, r := range from.set(t).Roles {
		var documents []iampolicy.Document
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			documents = append(documents, metConditions(p.Document))
		}
		changes := changeActions(documents)
		for _, thing := range to.things(t) {
			if slices.Contains(own, thing) { // what both have by the same name cannot exist twice
				continue
			}
			thing = strings.ReplaceAll(thing, "*", "x")
			for _, action := range changes {
				switch {
				case !strings.HasPrefix(action, strings.Split(thing, ":")[2]+":"),
					strings.HasPrefix(action, "ssm:") && !parameterActions.MatchString(action):
					continue
				case action != "iam:PassRole":
					if eval.Documents(documents, eval.Request{Action: action, Resource: thing}) == eval.Allow {
						out = append(out, vendorAccess{role: r.Entity, action: action, resource: thing})
					}
					continue
				}
				for _, service := range trustedServices(theirs, thing) {
					q := eval.Request{Action: action, Resource: thing, Context: map[string][]string{
						"iam:PassedToService": {service},
					}}
					if eval.Documents(documents, q) == eval.Allow {
						out = append(out, vendorAccess{r.Entity, action, thing, entityAt(theirs, thing) + " " + service})
					}
				}
			}
		}
	}
	return out
}

// metConditions returns a document whose allowing statements have no condition but that of iam:PassRole.
func metConditions(d iampolicy.Document) iampolicy.Document {
	d.Statement = slices.Clone(d.Statement)
	for i, st := range d.Statement {
		if st.Effect == "Allow" && !slices.Equal(st.Action, iampolicy.Values{"iam:PassRole"}) {
			d.Statement[i].Condition = nil
		}
	}
	return d
}

// changeActions returns the actions that are no reads and that a statement of the documents allows on some resource.
func changeActions(documents []iampolicy.Document) []string {
	var out []string
	for _, d := range documents {
		for _, st := range d.Statement {
			if st.Effect != "Allow" {
				continue
			}
			for _, pattern := range st.Action {
				for _, a := range actions.Matching(pattern) {
					if !reads.MatchString(a.Name) && !slices.Contains(out, a.Name) {
						out = append(out, a.Name)
					}
				}
			}
		}
	}
	return out
}

// trustedServices returns the services that a role trusts. Those of the parent template trust CloudFormation and
// Lambda.
func trustedServices(set policies.Set, arn string) []string {
	if strings.Contains(arn, "/installer/") && entityAt(set, arn) == "" {
		return []string{"cloudformation.amazonaws.com", "lambda.amazonaws.com"}
	}
	var out []string
	for _, r := range set.Roles {
		if r.Entity != entityAt(set, arn) {
			continue
		}
		for _, st := range r.Trust.Statement {
			if st.Principal != nil {
				out = append(out, st.Principal.ByType["Service"]...)
			}
		}
	}
	return out
}

// entityAt returns the entity of the role with an ARN.
func entityAt(set policies.Set, arn string) string {
	for _, r := range set.Roles {
		if strings.HasSuffix(arn, "/"+r.Name) {
			return r.Entity
		}
	}
	return ""
}

// TestNamedParentIsDenied checks that no vendor role may change the parent stack of another installation whose name
// contains permstack, nor its permission stacks.
func TestNamedParentIsDenied(t *testing.T) {
	one, others := isolatedPairs()
	other := others[0]
	other.stack = "my-permstack"
	for _, from := range []string{"cpm", "aws-backup"} {
		for _, to := range []string{"clumio", "cpm"} {
			t.Run(fmt.Sprintf("%s on %s", from, to), func(t *testing.T) {
				one.profile, other.profile = from, to
				for _, r := range vendorReach(t, one, other) {
					if strings.Contains(r.resource, ":cloudformation:") {
						t.Errorf("%s may use %s on %s", r.role, r.action, r.resource)
					}
				}
			})
		}
	}
}
