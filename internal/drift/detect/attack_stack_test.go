package detect_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

// Attacks by a principal that may update CloudFormation stacks. Each is detected
// in every check while it persists, and nothing is found after it was undone.

const forgedAction = "iam:CreateUser"

func (w *environment) template(name string) string {
	w.t.Helper()
	in := &cloudformation.GetTemplateInput{StackName: &name}
	return *must(w.CloudFormation.GetTemplate(w.t.Context(), in)).TemplateBody
}

// forged returns the template of the access stack with an action more.
func (w *environment) forged() string {
	w.t.Helper()
	body := w.template(w.accessStack())
	forged := strings.Replace(body, `"Action":["ec2:CreateSnapshot"`, `"Action":["`+forgedAction+`","ec2:CreateSnapshot"`,
		1)
	if forged == body {
		w.t.Fatal("the template has no statement to replace")
	}
	return forged
}

// setOutput replaces the value of an output of the parent.
func (w *environment) setOutput(name, value string) {
	w.t.Helper()
	body := w.template(parentName)
	begin := strings.Index(body, "\n  "+name+":\n")
	if begin < 0 {
		w.t.Fatalf("the template has no output %s", name)
	}
	at := begin + strings.Index(body[begin:], "    Value: ")
	end := at + strings.Index(body[at:]+"\n", "\n")
	w.updateStack(parentName, body[:at]+"    Value: "+value+body[end:])
}

func TestForgedTemplateIsDetected(t *testing.T) {
	const forgedTemplate = " template-changed [access] grants-more live"
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tc := range []struct {
		name   string
		forge  func(w *environment)
		undo   func(w *environment) // nil restores the template
		others []string             // findings beside those of the template and the policy
	}{
		{name: "template alone", forge: func(w *environment) { w.updateStack(w.accessStack(), w.forged()) }},
		{name: "fingerprints of the parent's outputs replaced", forge: func(w *environment) {
			body := w.forged()
			w.updateStack(w.accessStack(), body)
			w.setOutput("TemplateFingerprints", installation.FormatFingerprint(installation.Access, body))
		}},
		{name: "fingerprints replaced by none", forge: func(w *environment) {
			w.updateStack(w.accessStack(), w.forged())
			w.setOutput("TemplateFingerprints", "none")
		}},
		{name: "after a failed update of the parent", forge: func(w *environment) {
			w.updateParent("RolePath", "/elsewhere/")
			if status := w.Stack(parentName).Describe().StackStatus; status != types.StackStatusUpdateRollbackComplete {
				t.Fatalf("the parent is %s", status)
			}
			w.updateStack(w.accessStack(), w.forged())
		}},
		{
			name: "tags replaced",
			forge: func(w *environment) {
				w.updateStack(w.accessStack(), w.forged(), types.Tag{Key: aws.String("team"), Value: aws.String("other")})
			},
			others: []string{
				" tags-changed [permstack:parent] changed live", " tags-changed [permstack:resource] changed live",
				" tags-changed [team] changed live",
			},
		},
	} {
		if !sample.Includes("", tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := installTemplate(t)
			original, tags := w.template(w.accessStack()), w.Stack(w.accessStack()).Describe().Tags
			tc.forge(w)
			want := append([]string{forgedTemplate, "ClumioEC2BackupPolicy policy-changed grants-more live"}, tc.others...)
			slices.Sort(want)
			for range 2 {
				report := w.check()
				got := summaries(report)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("found %q, want %q", got, want)
				}
				for _, f := range report.Findings {
					if text := inWords(f); f.Direction == finding.GrantsMore && !strings.Contains(text, forgedAction) {
						t.Errorf("the finding does not name the action:\n%s", text)
					}
				}
			}
			w.updateStack(w.accessStack(), original, tags...)
			if got := summaries(w.check()); len(got) != 0 {
				t.Errorf("after the template was restored: %q", got)
			}
		})
	}
}

// TestForgedTemplateRepairedByHand checks that a template is reported that the next update or
// revert of the stack would deploy, although the policy itself was repaired.
func TestForgedTemplateRepairedByHand(t *testing.T) {
	w := installTemplate(t)
	const arn = "arn:aws:iam::123456789012:policy/permstack/us-east-1/main/ClumioEC2BackupPolicy-us-east-1-main"
	document := w.managed(arn)
	w.updateStack(w.accessStack(), w.forged())
	w.putManaged(arn, document)
	want := []string{" template-changed [access] grants-more live"}
	if got := summaries(w.check()); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestForgedResources checks that what a forged template adds, removes, replaces or hides is found.
func TestForgedResources(t *testing.T) {
	const externalIDCondition = `"StringEquals":{"sts:ExternalId":{"Ref":"ExternalId"}}`
	const added = `"Rogue":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioRogue-us-east-1-main",` +
		`"Path":"/permstack/us-east-1/main/","PermissionsBoundary":"` + boundaryPlaceholder + `",` +
		`"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}}},`
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tc := range []struct {
		name, old, new string
		want           finding.Direction
		text           string
	}{
		{"role added", `"Resources":{`, `"Resources":{` + added, finding.GrantsMore, "ClumioRogue-us-east-1-main"},
		{"principal replaced", `"arn:aws:iam::111122223333:role/ControlPlane"`, `"arn:aws:iam::999988887777:role/x"`,
			finding.GrantsMore, "999988887777"},
		{"external id not required", externalIDCondition,
			`"Bool":{"aws:SecureTransport":"true"}`,
			finding.GrantsMore, "sts:ExternalId"},
		{"any external id", externalIDCondition, `"StringLike":{"sts:ExternalId":"*"}`,
			finding.GrantsMore, "sts:ExternalId"},
		{"external id of another customer", externalIDCondition, `"StringEquals":{"sts:ExternalId":"another-customer"}`,
			finding.GrantsMore, "sts:ExternalId"},
		{"external id shown", `"NoEcho":true,"MinLength":2,"MaxLength":1224}},"Resources":{`,
			`"MinLength":2}},"Resources":{` + added, finding.GrantsMore, "shown to everybody"},
		{"output shows the external id", `"CatalogVersion":{"Value":"`,
			`"Shown":{"Value":{"Fn::Base64":{"Fn::Sub":"${ExternalId}"}}},"CatalogVersion":{"Value":"`, finding.GrantsMore,
			"output Shown: shows the parameter ExternalId"},
		{"metadata shows the external id", `"Type":"AWS::IAM::Role","Properties":`,
			`"Type":"AWS::IAM::Role","Metadata":{"shown":{"Ref":"ExternalId"}},"Properties":`, finding.GrantsMore,
			"metadata shows the parameter ExternalId"},
		{"role retained when it is replaced", `"Type":"AWS::IAM::Role","Properties":`,
			`"Type":"AWS::IAM::Role","UpdateReplacePolicy":"Retain","Properties":`, finding.Changed,
			"update replace policy Retain"},
		{"output replaced", `"CatalogVersion":{"Value":"`, `"CatalogVersion":{"Value":"0`, finding.Changed, "CatalogVersion"},
	} {
		if !sample.Includes("", tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := installTemplate(t)
			body := w.template(w.accessStack())
			forged := strings.Replace(body, tc.old, tc.new, 1)
			if forged == body {
				t.Fatalf("the template does not contain %s", tc.old)
			}
			w.updateStack(w.accessStack(), forged)
			report := w.check()
			i := slices.IndexFunc(report.Findings, func(f finding.Finding) bool { return f.Kind == finding.TemplateChanged })
			if i < 0 {
				t.Fatalf("found %q", summaries(report))
			}
			if f := report.Findings[i]; f.Direction != tc.want || !strings.Contains(inWords(f), tc.text) {
				t.Errorf("got %s, want %s with %q", inWords(f), tc.want, tc.text)
			}
		})
	}
}

// inProgress is CloudFormation that reports some stacks as being updated since a
// time.
type inProgress struct {
	detect.CloudFormation
	since map[string]time.Time // by name
}

func (c inProgress) DescribeStacks(
	ctx context.Context, in *cloudformation.DescribeStacksInput, o ...func(*cloudformation.Options),
) (*cloudformation.DescribeStacksOutput, error) {
	out, err := c.CloudFormation.DescribeStacks(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	for i := range out.Stacks {
		if since, ok := c.since[*out.Stacks[i].StackName]; ok {
			out.Stacks[i].StackStatus, out.Stacks[i].LastUpdatedTime = types.StackStatusUpdateInProgress, &since
		}
	}
	return out, nil
}

// TestStackHeldInProgress checks that a stack in progress is not checked for as long as an update
// may take, and is checked after that.
func TestStackHeldInProgress(t *testing.T) {
	w := installTemplate(t)
	w.AttachPolicy(support, admin)
	const attached = "ClumioSupportRole attachment-added [" + admin + "] grants-more live"
	const held = " stack-held [UPDATE_IN_PROGRESS] monitoring live"
	now := time.Now()
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tc := range []struct {
		name  string
		since map[string]time.Time
		again bool // the previous check found it in progress too
		want  []string
	}{
		{"access stack, just now", map[string]time.Time{w.accessStack(): now.Add(-time.Minute)}, false, []string{}},
		{"access stack, twice", map[string]time.Time{w.accessStack(): now.Add(-time.Minute)}, true, []string{held, attached}},
		{"access stack, for an hour", map[string]time.Time{w.accessStack(): now.Add(-time.Hour)}, false,
			[]string{held, attached}},
		{"access stack, begun after the parent's update", map[string]time.Time{w.accessStack(): now.Add(time.Minute)}, false,
			[]string{held, attached}},
		{"parent, just now", map[string]time.Time{parentName: now.Add(-time.Minute)}, false,
			[]string{strings.Replace(attached, " live", " cloudformation+live", 1)}},
		{"parent and access stack, just now", map[string]time.Time{
			parentName: now.Add(-time.Minute), w.accessStack(): now.Add(-time.Minute),
		}, false, []string{}},
		{"parent, then access stack", map[string]time.Time{
			parentName: now.Add(-time.Minute), w.accessStack(): now.Add(time.Minute),
		}, false, []string{}},
		{"parent and access stack, for two hours", map[string]time.Time{
			parentName: now.Add(-2 * time.Hour), w.accessStack(): now.Add(-2 * time.Hour),
		}, false, []string{held, held, attached}},
	} {
		if !sample.Includes("", tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			clients, options := w.clients(), w.options()
			clients.CloudFormation = inProgress{clients.CloudFormation, tc.since}
			if tc.again {
				first, err := detect.Check(t.Context(), clients, options)
				if err != nil || len(first.InProgress) == 0 || len(first.NotReached) == 0 {
					t.Fatalf("first check: in progress %q, not reached %q, %v", first.InProgress, first.NotReached, err)
				}
				options.WasInProgress = func(id string) bool { return slices.Contains(first.InProgress, id) }
			}
			report, err := detect.Check(t.Context(), clients, options)
			if err != nil {
				t.Fatal(err)
			}
			if got := summaries(report); !slices.Equal(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
			for _, f := range report.Findings {
				if wording.Finding(f).Advice == "" {
					t.Errorf("no advice for %s", summary(f))
				}
			}
		})
	}
}

// TestRevertForgedTemplate checks that the revert deploys the template of the catalogue, removes
// what the forged one added, and never restores a forged statement.
func TestRevertForgedTemplate(t *testing.T) {
	const role = `"Rogue":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioRogue-us-east-1-main",` +
		`"Path":"/permstack/us-east-1/main/","PermissionsBoundary":"` + boundaryPlaceholder + `",` +
		`"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}}},`
	const arn = "arn:aws:iam::123456789012:policy/permstack/us-east-1/main/ClumioEC2BackupPolicy-us-east-1-main"
	sample := policytest.NewStratified(10)
	t.Log(sample)
	for _, tc := range []struct {
		name  string
		forge func(w *environment)
	}{
		{"statement added", func(w *environment) { w.updateStack(w.accessStack(), w.forged()) }},
		{"statement added, and removed by hand", func(w *environment) {
			document := w.managed(arn)
			w.updateStack(w.accessStack(), w.forged())
			w.putManaged(arn, document)
		}},
		{"role added", func(w *environment) {
			body := w.template(w.accessStack())
			w.updateStack(w.accessStack(), strings.Replace(body, `"Resources":{`, `"Resources":{`+role, 1))
		}},
		{"statement and role added, and more by hand", func(w *environment) {
			w.updateStack(w.accessStack(), strings.Replace(w.forged(), `"Resources":{`, `"Resources":{`+role, 1))
			w.PutInlinePolicy(support, "rogue", allowsMore)
			must(w.IAM.DeleteRolePolicy(w.t.Context(), &iam.DeleteRolePolicyInput{
				RoleName:   aws.String("ClumioIAMRole-us-east-1-main"),
				PolicyName: aws.String(w.inlineNames("ClumioIAMRole-us-east-1-main")[0]),
			}))
		}},
	} {
		if !sample.Includes("", tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			w := installTemplate(t)
			original := w.template(w.accessStack())
			tc.forge(w)
			report := w.check()
			out := w.revert(report)
			for _, f := range out.Failed {
				t.Errorf("%s was not reverted: %s", summary(f.Finding), wording.Reversal(f))
			}
			if w.template(w.accessStack()) != original {
				t.Error("the deployed template is not the one that the provisioner deployed")
			}
			if got := summaries(w.check()); len(got) != 0 {
				t.Errorf("after the revert: %q", got)
			}
			if strings.Contains(*format(w.managed(arn)), forgedAction) {
				t.Error("the revert restored the forged statement")
			}
		})
	}
}

const strangersTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sts:AssumeRole"}]}`

// TestOtherStacksAndRoles checks that stacks named like the permission stacks and roles under the
// installation's path are reported if no installation has them, and not if another installation
// has.
func TestOtherStacksAndRoles(t *testing.T) {
	w := installTemplate(t)
	third := w.stackName("extra")
	w.create(third, `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ClumioRogue-us-east-1-x",`+
		`"Path":"/permstack/us-east-1/main/","AssumeRolePolicyDocument":`+strangersTrust+`}}}}`)
	must(w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("by-hand"), Path: aws.String("/permstack/us-east-1/main/deeper/"),
		AssumeRolePolicyDocument: aws.String(strangersTrust),
	}))
	must(w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("elsewhere"), AssumeRolePolicyDocument: aws.String(strangersTrust),
	}))
	want := []string{
		" role-added [ClumioRogue-us-east-1-x] grants-more live", " role-added [by-hand] grants-more live",
		" stack-added [" + third + "] grants-more live",
	}
	for range 2 {
		report := w.check()
		if got := summaries(report); !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
		if text := inWords(report.Findings...); strings.Count(text, "999988887777") != 2 {
			t.Errorf("the principals are not named:\n%s", text)
		}
	}
	must(w.CloudFormation.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &third}))
	if _, _, err := w.Stacks.Wait(t.Context(), account, region, third); err != nil {
		t.Fatal(err)
	}
	w.deleteRole("by-hand")
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("after both were deleted: %q", got)
	}

	// Another installation with a role of its own.
	const other = parentName + "-permstack-b"
	id := w.create(other, `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{`+
		`"Path":"/permstack/us-east-1/main/installer/","AssumeRolePolicyDocument":`+strangersTrust+`}}}}`)
	w.create(
		must(installation.ParseParent(id)).StackName(installation.Access),
		`{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{`+
			`"RoleName":"CPMRole-us-east-1-main","Path":"/permstack/us-east-1/main/","AssumeRolePolicyDocument":`+strangersTrust+`,`+
			`"Tags":[{"Key":"permstack:parent","Value":"`+id+`"}]}}}}`,
	)
	if got := summaries(w.check()); len(got) != 0 {
		t.Errorf("another installation: %q", got)
	}
}
