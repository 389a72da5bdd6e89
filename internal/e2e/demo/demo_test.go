package demo

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// runDemo runs the demo of a profile with a template on an embedded AWS that prepare
// changed, and returns what it printed.
func runDemo(t *testing.T, profile string, template []byte, prepare func(*standalone.Server)) (string, error) {
	t.Helper()
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	prepare(cloud.Server)
	var out strings.Builder
	var progress []string
	err := Run(t.Context(), Options{
		Site: EmbeddedSite(cloud.Endpoint), TemplateURL: cloud.TemplateURL(profile+".yaml", template),
		Profile: profile, Assets: []schema.Asset{"ec2"}, Out: &out, Color: true,
		Progress: func(text string) { progress = append(progress, text) },
	})
	if err == nil && len(progress) < 2 || len(progress) > 0 && progress[len(progress)-1] != "" {
		t.Errorf("got progress %q, want what the demo waits for, and an empty text at the end of each wait", progress)
	}
	return out.String(), err
}

// TestRun launches every built-in profile from its own template, and one template that is longer than CloudFormation
// takes inline.
func TestRun(t *testing.T) {
	policytest.RequireSlow(t, "it runs every step for every vendor")
	t.Parallel()
	type launch struct {
		name, profile string
		template      []byte
	}
	own := permstack.ProfileTemplate("clumio")
	launches := []launch{{"120 kB", "clumio", append(slices.Clone(own), "\n# "+strings.Repeat("x", 120_000)...)}}
	for _, name := range policies.ProfileNames() {
		launches = append(launches, launch{name, name, permstack.ProfileTemplate(name)})
	}
	for _, tc := range launches {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, err := runDemo(t, tc.profile, tc.template, func(*standalone.Server) {})
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(out, "GRANTS MORE: 1 new") || !strings.Contains(out, "RESOLVED: 1, all in sync") {
				t.Errorf("got no drift alert, or none that it was resolved:\n%s", out)
			}
			if !strings.Contains(out, "\x1b[32m✓\x1b[0m") {
				t.Errorf("got no colour, though Color is set:\n%s", out)
			}
		})
	}
}

// TestRunReportsFailures checks that a step fails, and that the demo prints why, if
// its check fails.
func TestRunReportsFailures(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each failure")
	tests := map[string]struct {
		prepare func(*standalone.Server)
		step    int
		want    string
	}{
		"the launch fails": {
			prepare: func(l *standalone.Server) {
				l.SetIntercept(func(c *protocol.Call) error {
					if c.Service == "events" && c.Action == "PutRule" {
						return protocol.Errorf("LimitExceededException", "too many rules")
					}
					return nil
				})
			},
			step: 1, want: "too many rules",
		},
		"an additional role": {
			prepare: func(l *standalone.Server) {
				path := policies.Environment{Region: "us-east-1", ConnectionID: "try"}.RolePath()
				makeRole(t, l, path, "ClumioExtra-us-east-1-try")
			},
			step: 2, want: "role ClumioExtra-us-east-1-try is not in the catalogue",
		},
		// EventBridge does not send aws:SourceAccount to SNS.
		"a topic policy that requires an account": {
			prepare: func(l *standalone.Server) {
				deliveryWait = 1
				t.Cleanup(func() { deliveryWait = 10 })
				l.SetIntercept(func(c *protocol.Call) error {
					const service = `"Principal":{"Service":"events.amazonaws.com"}`
					condition := `"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}},` + service
					if c.Service == "sns" && c.Action == "SetTopicAttributes" && c.Str("AttributeName") == "Policy" {
						c.Form.Set("AttributeValue", strings.Replace(c.Str("AttributeValue"), service, condition, 1))
					}
					return nil
				})
			},
			step: 3, want: "the vendor's queue received no event",
		},
		"a resource remains": {
			// Under the IAM path of the installation the drift check would report it.
			prepare: func(l *standalone.Server) { makeRole(t, l, "/", "Forgotten") },
			step:    7, want: "these resources remain: role Forgotten",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := runDemo(t, "clumio", permstack.ProfileTemplate("clumio"), tc.prepare)
			var failed *StepError
			if !errors.As(err, &failed) || failed.Step != tc.step || !strings.Contains(failed.Err.Error(), tc.want) {
				t.Errorf("got error %v in %v, want step %d to fail with %q", err, errors.Unwrap(err), tc.step, tc.want)
			}
			if !strings.Contains(out, "✗") || strings.Contains(out, "Every step succeeded") {
				t.Errorf("the failure is not printed:\n%s", out)
			}
		})
	}
}

func makeRole(t *testing.T, l *standalone.Server, path, name string) {
	t.Helper()
	_, err := iam.NewFromConfig(l.Config("123456789012", "us-east-1")).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, Path: &path, AssumeRolePolicyDocument: aws.String(denyAllTrust),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewChoices(t *testing.T) {
	for _, tc := range []struct {
		profile     string
		assets      []schema.Asset
		less, title string
	}{
		{"clumio", []schema.Asset{"ec2", "s3"}, "ec2; backup and restore", "no longer protect s3"},
		{"clumio", []schema.Asset{"ec2"}, "ec2; backup", "no longer restore"},
		{"veeam", []schema.Asset{"efs"}, "efs; backup", "no longer restore"},
		{"cpm", []schema.Asset{"s3"}, "s3; backup", "no longer file-level-recovery"}, // restores of S3 need what backups need
	} {
		t.Run(tc.profile+" "+list(tc.assets), func(t *testing.T) {
			all, less, err := EmbeddedSite("").newChoices(tc.profile, tc.assets)
			if err != nil {
				t.Fatal(err)
			}
			if less.String() != tc.less || all.update(less) != tc.title {
				t.Errorf("got %s, %s; want %s, %s", less, all.update(less), tc.less, tc.title)
			}
		})
	}
}

// TestCheckTakesEveryAsset checks that each asset can be chosen alone.
func TestCheckTakesEveryAsset(t *testing.T) {
	for _, name := range Profiles() {
		profile, _ := policies.Profile(name)
		for _, a := range profile.Assets {
			t.Run(name+"/"+string(a.Asset), func(t *testing.T) {
				if err := Check(name, []schema.Asset{a.Asset}); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
