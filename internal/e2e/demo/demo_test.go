package demo

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack"
	watch "permstack/internal/drift/driftlambda"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/provisioner/provisionerlambda"
)

// TestMain lets the test's own program be the function.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "function" {
		switch os.Args[2] {
		case "provisioner":
			provisionerlambda.Start()
		case "drift":
			watch.Start()
		}
	}
	os.Exit(m.Run())
}

func runDemo(t *testing.T, prepare func(*standalone.Server)) (string, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := standalone.Start("127.0.0.1:0", standalone.Options{BuiltIn: []string{self, "function"}, Names: []string{"provisioner", "drift"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	prepare(cloud)
	var out strings.Builder
	err = Run(t.Context(), Options{
		Endpoint: cloud.Endpoint, Template: permstack.Template, Assets: []schema.Asset{"ec2"}, Out: &out, Color: true,
		Mails: func(topic string) (mails []Mail) {
			for _, m := range cloud.SNS().Messages(topic) {
				mails = append(mails, ParseMail(m.Subject, m.Body))
			}
			return mails
		},
	})
	return out.String(), err
}

func TestRun(t *testing.T) {
	story, err := runDemo(t, func(*standalone.Server) {})
	if err != nil {
		t.Fatalf("%v\n%s", err, story)
	}
	if !strings.Contains(story, green+"✓"+reset) {
		t.Errorf("colour is asked for and missing:\n%s", story)
	}
}

// TestRunReportsFailures: a story that always ends well would be worth nothing.
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
		"a role too many": {
			prepare: func(l *standalone.Server) { makeRole(t, l, "ClumioExtra-us-east-1-try") },
			step:    2, want: "role ClumioExtra-us-east-1-try should not be there",
		},
		"something is left behind": {
			prepare: func(l *standalone.Server) { makeRole(t, l, "Forgotten") },
			step:    6, want: "left behind: role Forgotten",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			story, err := runDemo(t, tc.prepare)
			var failed *StepError
			if !errors.As(err, &failed) || failed.Step != tc.step || !strings.Contains(failed.Err.Error(), tc.want) {
				t.Errorf("error %v in %v; want step %d to say %q", err, errors.Unwrap(err), tc.step, tc.want)
			}
			if !strings.Contains(story, "✗") || strings.Contains(story, "Every step held") {
				t.Errorf("the story does not tell it:\n%s", story)
			}
		})
	}
}

func makeRole(t *testing.T, l *standalone.Server, name string) {
	t.Helper()
	_, err := iam.NewFromConfig(l.Config(account, region)).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(policies.DefaultPath), AssumeRolePolicyDocument: aws.String(denyAllTrust),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDrop(t *testing.T) {
	both := []schema.Operation{"backup", "restore"}
	less, what := drop(choice{[]schema.Asset{"ec2", "s3"}, both})
	if less.String() != "ec2; backup and restore" || what != "no longer protect s3" {
		t.Errorf("of two assets: %s, %s", less, what)
	}
	less, what = drop(choice{[]schema.Asset{"ec2"}, both})
	if less.String() != "ec2; backup" || what != "no longer restore" {
		t.Errorf("of one asset: %s, %s", less, what)
	}
}
