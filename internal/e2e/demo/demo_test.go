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
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// runDemo runs the demo with a template on an embedded AWS that prepare changed,
// and returns what it printed.
func runDemo(t *testing.T, template []byte, prepare func(*standalone.Server)) (string, error) {
	t.Helper()
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	prepare(cloud.Server)
	var out strings.Builder
	err := Run(t.Context(), Options{
		Site: EmbeddedSite(cloud.Endpoint), TemplateURL: cloud.TemplateURL("template.yaml", template),
		Profile: "clumio", Assets: []schema.Asset{"ec2"}, Out: &out, Color: true,
	})
	return out.String(), err
}

// TestRun also runs a template that is longer than CloudFormation
// takes inline.
func TestRun(t *testing.T) {
	long := append(slices.Clone(permstack.Template), "\n# "+strings.Repeat("x", 120_000)...)
	for name, template := range map[string][]byte{"template.yaml": permstack.Template, "120 kB": long} {
		t.Run(name, func(t *testing.T) {
			out, err := runDemo(t, template, func(*standalone.Server) {})
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
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
			out, err := runDemo(t, permstack.Template, tc.prepare)
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

func TestDrop(t *testing.T) {
	both := []schema.Operation{"backup", "restore"}
	less, what := drop(choice{profile: "clumio", assets: []schema.Asset{"ec2", "s3"}, operations: both})
	if less.String() != "ec2; backup and restore" || what != "no longer protect s3" {
		t.Errorf("two assets: got %s, %s", less, what)
	}
	less, what = drop(choice{profile: "clumio", assets: []schema.Asset{"ec2"}, operations: both})
	if less.String() != "ec2; backup" || what != "no longer restore" {
		t.Errorf("one asset: got %s, %s", less, what)
	}
}
