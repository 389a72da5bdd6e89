package permstack_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	chosen "permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// isolated is an installation of the pairs of TestIsolation.
type isolated struct {
	what       string
	stack      string // the parent's name
	uuid       string
	region     string
	path       string
	connection string
	profile    string
}

func (i isolated) parent(t *testing.T) installation.Parent {
	t.Helper()
	p, err := installation.ParseParent(fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", i.region, account, i.stack,
		i.uuid))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var isolatedSets = map[isolated]policies.Set{}

// set returns what the installation grants, with everything of its profile.
func (i isolated) set(t *testing.T) policies.Set {
	t.Helper()
	key := i
	key.what = ""
	if set, ok := isolatedSets[key]; ok {
		return set
	}
	p := chosen.Properties{
		Profile: i.profile, ConnectionID: i.connection, Path: i.path, CatalogVersion: "2",
	}
	launch := launchParameters(i.profile, nil)
	p.ControlPlaneRoleARN, p.ExternalID = launch["ControlPlaneRoleArn"], launch["ExternalId"]
	p.DataPlaneAccountID = launch["DataPlaneAccountId"]
	profile, _ := policies.Profile(i.profile)
	for _, a := range profile.Assets {
		p.Assets = append(p.Assets, string(a.Asset))
	}
	p.ProtectedARNs = i.infra(t)
	set, err := policies.Synthesize(p.Selection(), p.Environment(i.parent(t)))
	if err != nil {
		t.Fatalf("%s: %v", i.what, err)
	}
	isolatedSets[key] = set
	return set
}

func (i isolated) rolePath() string { return i.path + i.region + "/" + i.connection + "/" }

// infra returns the ARNs of the parent's own resources.
func (i isolated) infra(t *testing.T) []string {
	t.Helper()
	arn := func(service, rest string) string {
		return "arn:aws:" + service + ":" + i.region + ":" + account + ":" + rest
	}
	return []string{
		i.parent(t).ID,
		"arn:aws:iam::" + account + ":role" + i.rolePath() + "installer/" + i.stack + "-StackRole-1A2B",
		"arn:aws:iam::" + account + ":role" + i.rolePath() + "installer/" + i.stack + "-ProvisionerRole-1A2B",
		arn("lambda", "function:"+i.stack+"-Provisioner-1A2B"),
		arn("lambda", "function:permstack-drift-"+i.uuid),
		arn("sns", "permstack-alerts-"+i.uuid),
		arn("ssm", "parameter/permstack-state-"+i.uuid),
		arn("sqs", i.stack+"-DriftFailures-1A2B"),
		arn("sqs", i.stack+"-DriftEvents-1A2B"),
		arn("events", "rule/permstack-"+i.uuid),
		arn("cloudwatch", "alarm:"+i.stack+"-DriftCheckMissing-1A2B"),
		arn("logs", "log-group:"+i.stack+"-ProvisionerLogGroup-1A2B"),
	}
}

// things returns the ARNs of everything that the installation has.
func (i isolated) things(t *testing.T) []string {
	t.Helper()
	out := i.infra(t)
	iam := "arn:aws:iam::" + account + ":"
	set := i.set(t)
	for _, r := range set.Roles {
		out = append(out, iam+"role"+r.Path+r.Name, iam+"role/"+r.Name)
		if r.InstanceProfile != "" {
			out = append(out, iam+"instance-profile"+r.Path+r.InstanceProfile)
		}
		for _, p := range r.Managed {
			out = append(out, iam+"policy"+p.Path+p.Name)
		}
	}
	for _, topic := range set.Topics {
		out = append(out, "arn:aws:sns:"+i.region+":"+account+":"+topic.Name)
	}
	for _, rule := range set.Rules {
		out = append(out, "arn:aws:events:"+i.region+":"+account+":rule/"+rule.Name)
	}
	for _, name := range i.parent(t).StackNames() {
		out = append(out, "arn:aws:cloudformation:"+i.region+":"+account+":stack/"+name+"/"+uuid)
	}
	return out
}

// rights returns the statements of the installation's own roles that change something, by role.
func (i isolated) rights(t *testing.T) map[string][]iampolicy.Statement {
	t.Helper()
	template, err := parsed(permstack.Template)
	if err != nil {
		t.Fatal(err)
	}
	values := launchParameters(i.profile, map[string]string{
		"RolePath": i.path, "ConnectionId": i.connection, "OnDrift": "revert",
	})
	b, err := template.ResolveParameters(cfntemplate.Environment{Parameters: values, Pseudo: cfntemplate.Pseudo{
		AccountID: account, Region: i.region, StackName: i.stack, StackID: i.parent(t).ID,
	}})
	if err != nil {
		t.Fatalf("%s: %v", i.what, err)
	}
	deployment := infraDeployment{template: "template.yaml", region: i.region, values: values, uuid: i.uuid}
	tested, err := deployment.policies(b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]iampolicy.Statement{}
	for _, p := range tested {
		if slices.Contains([]string{"ProvisionerRole", "StackRole", "DriftRole"}, p.name) {
			out[p.name] = p.statements
		}
	}
	return out
}

// openActions are the actions whose statements name every resource of a kind, because AWS authorizes lists so or
// because a message states what a foreign policy grants, and alarms by the beginning of the parent's name, as
// CloudFormation names them. They read.
var openActions = []string{
	"cloudformation:ListStacks", "cloudformation:BatchDescribeTypeConfigurations", "iam:ListRoles", "iam:GetPolicy",
	"iam:GetPolicyVersion", "lambda:ListEventSourceMappings", "sns:GetSubscriptionAttributes",
	"logs:DescribeIndexPolicies", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
	"cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource",
}

// TestIsolation compares every statement of the roles of each installation with everything that another one has: two
// connections, Regions, profiles and parents whose names contain each other, and ids and paths that could cross. A
// statement with a condition counts as one without.
func TestIsolation(t *testing.T) {
	base, others := isolatedPairs()
	for _, b := range others {
		t.Run(b.what, func(t *testing.T) {
			for _, pair := range [][2]isolated{{base, b}, {b, base}} {
				from, to := pair[0], pair[1]
				things := to.things(t)
				for _, own := range from.things(t) { // what both have by the same name cannot exist twice
					things = slices.DeleteFunc(things, func(arn string) bool { return arn == own })
				}
				for _, name := range slices.Sorted(maps.Keys(from.rights(t))) {
					for _, st := range from.rights(t)[name] {
						// A role under the path that no stack has is a finding. Profiles with the same connection share it.
						if st.Sid == "ReadRoles" && from.rolePath() == to.rolePath() {
							continue
						}
						if reached := reaches(st, things); reached != "" {
							t.Errorf("%s of %q reaches %s of %q by %s", name, from.what, reached, to.what, st.Sid)
						}
					}
				}
			}
		})
	}
}

// isolatedPairs returns an installation, and others whose names could cross with its.
func isolatedPairs() (isolated, []isolated) {
	const other = "11111111-2222-4333-8444-555555555555"
	base := isolated{"base", "a", uuid, region, "/permstack/", "main", "clumio"}
	with := func(what string, change func(*isolated)) isolated {
		i := base
		i.what, i.uuid = what, other
		change(&i)
		return i
	}
	return base, []isolated{
		with("another connection that contains the first", func(i *isolated) { i.connection = "main-2" }),
		with("another connection that ends with the first", func(i *isolated) { i.connection = "2-main" }),
		with("a connection named like the Region", func(i *isolated) { i.connection = region }),
		with("a connection that ends with the Region", func(i *isolated) { i.connection = "prod-" + region }),
		with("a connection named like the folder of the roles", func(i *isolated) { i.connection = "installer" }),
		with("a long connection", func(i *isolated) { i.connection = strings.Repeat("main-", 12) }),
		with("another Region", func(i *isolated) { i.region = elsewhere }),
		with("another Region and a connection named like the first", func(i *isolated) {
			i.region, i.connection = elsewhere, region
		}),
		with("another profile", func(i *isolated) { i.profile = "cpm" }),
		with("a path that ends like the folder of the roles", func(i *isolated) { i.path = "/permstack/installer/" }),
		with("a path below the first", func(i *isolated) { i.path = "/permstack/main/" }),
		with("no path", func(i *isolated) { i.path = "/" }),
		with("a parent that contains the first", func(i *isolated) {
			i.stack, i.connection = "a-permstack-c", "c"
		}),
		with("a parent with the UUID of the first", func(i *isolated) {
			i.stack, i.connection = "a-"+uuid+"-permstack-c", "c"
		}),
	}
}

// reaches returns a resource of a list that a statement allows something on, "" for none.
func reaches(st iampolicy.Statement, things []string) string {
	if !slices.ContainsFunc(st.Action, func(a string) bool { return !slices.Contains(openActions, a) }) {
		return ""
	}
	// The tag of the stack, which AWS sets, or the topic in an encryption context limits these.
	if key := st.Condition["StringEquals"]; key["aws:ResourceTag/aws:cloudformation:stack-id"] != nil {
		return ""
	}
	for _, arn := range things {
		if service := strings.Split(arn, ":")[2]; !slices.ContainsFunc(st.Action, func(a string) bool {
			return strings.HasPrefix(a, service+":")
		}) {
			continue
		}
		if overlaps := slices.ContainsFunc(st.Resource, func(r string) bool { return iampolicy.Overlap(r, arn) }); overlaps {
			return arn
		}
	}
	return ""
}

// TestCrossingNamesAreRefused checks the ids and paths that would let one installation reach another.
func TestCrossingNamesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*policies.Environment){
		"a Region within a connection id":    func(e *policies.Environment) { e.ConnectionID = "a-us-east-1-main" },
		"a Region before a short id":         func(e *policies.Environment) { e.ConnectionID = "us-east-1_6f1d7d1e" },
		"a path with a part like a Region":   func(e *policies.Environment) { e.Path = "/permstack/us-east-1/main/" },
		"a path that begins like role names": func(e *policies.Environment) { e.Path = "/ClumioRoles/" },
	} {
		t.Run(name, func(t *testing.T) {
			env := policies.Environment{
				Partition: "aws", Account: account, Region: region, ConnectionID: "main",
				ControlPlaneRoleARN: "arn:aws:iam::111122223333:role/C", ExternalID: "example",
			}
			sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}}
			if _, err := policies.Synthesize(sel, env); err != nil {
				t.Fatal(err)
			}
			change(&env)
			if _, err := policies.Synthesize(sel, env); err == nil {
				t.Error("it is accepted")
			}
		})
	}
}
