package driftlambda_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

const (
	account = "123456789012"
	region  = "us-east-1"
)

// TestAttackerWithSSM has the rights of SSM and SNS alone. After each change of the state parameter somebody subscribes
// to the alert topic and attaches a policy: the check reports that its state was lost, the subscriber and the policy,
// whatever the parameter says.
func TestAttackerWithSSM(t *testing.T) {
	policytest.RequireSlow(t, "it waits as long as AWS")
	w := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	parent := w.Launch(fakeawstest.Launch{Name: "backup"})
	created, err := w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("attacker"), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{` +
			`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.PutInlinePolicy("attacker", "rights",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:*","sns:*"],"Resource":"*"}]}`)
	cfg := w.ConfigAs(account, region, *created.Role.Arn)
	parameters, topics := ssm.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	name := aws.String(parent.PhysicalID("DriftState"))
	topic := aws.String(parent.PhysicalID("AlertTopic"))
	read := func() string {
		out, err := parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Parameter.Value
	}
	put := func(value string) {
		t.Helper()
		if _, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: name, Value: &value, Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
		}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() {
		t.Helper()
		if _, err := parameters.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	// The state in which the finding was reported, which the attacker writes again later.
	parent.CheckDrift()
	const admin = fakeawstest.AdministratorAccess
	w.AttachPolicy(parent.RoleName(), admin)
	parent.CheckDrift()
	poisoned := read()
	w.DetachPolicy(parent.RoleName(), admin)
	parent.CheckDrift()
	for _, tc := range []struct {
		name string
		do   func()
	}{
		{"earlier state", func() { put(poisoned) }},
		{"earlier state, twice", func() { put(poisoned); put(poisoned) }},
		{"earlier state in a new parameter", func() { remove(); put(poisoned) }},
		{"new parameter as after a launch", func() { remove(); put(notify.FirstState) }},
		{"value as after a launch", func() { put(notify.FirstState) }},
		{"parameter deleted", remove},
		{"other text", func() { put("theirs") }},
		{"list in place of text", func() {
			remove()
			if _, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{
				Name: name, Value: &poisoned, Type: types.ParameterTypeStringList,
			}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := parent.For(t)
			parent.Messages()
			tc.do()
			endpoint := "https://" + strings.ReplaceAll(strings.ReplaceAll(tc.name, " ", "-"), ",", "") + ".example.com"
			if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{
				TopicArn: topic, Protocol: aws.String("https"), Endpoint: &endpoint,
			}); err != nil {
				t.Fatal(err)
			}
			w.AttachPolicy(parent.RoleName(), admin)
			parent.CheckDrift()
			var text strings.Builder
			for _, m := range parent.Messages() {
				body, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				text.Write(body)
			}
			for _, want := range []string{"state-lost", "attachment-added", endpoint} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("no message contains %q:\n%s", want, text.String())
				}
			}
			w.DetachPolicy(parent.RoleName(), admin)
			parent.CheckDrift()
		})
	}
}
