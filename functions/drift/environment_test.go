package main_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/fakeaws/lambda"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
	admin   = fakeawstest.AdministratorAccess
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// installation is a launched template.yaml whose alert topic has a confirmed
// subscription. Its functions run as they are deployed.
type installation struct {
	*fakeawstest.Stack
	t         *testing.T
	parameter string // name of the SSM parameter that holds the state
}

func launch(t *testing.T, parameters map[string]string) *installation {
	t.Helper()
	return launchIn(t, region, fakeawstest.Options{Program: fakeawstest.BuiltProgram(t)}, parameters)
}

// launchIn launches template.yaml in a Region.
func launchIn(t *testing.T, in string, o fakeawstest.Options, parameters map[string]string) *installation {
	t.Helper()
	server := fakeawstest.Start(t, o)
	w := &installation{t: t}
	w.Stack = server.In(account, in).Launch(fakeawstest.Launch{Parameters: withEmail(parameters)})
	for _, c := range server.SNS().Confirmations(w.topic()) {
		_, err := w.SNS.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{
			TopicArn: aws.String(w.topic()), Token: aws.String(c.Token),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := w.Functions.Get(lambda.Resolve(account, in, w.PhysicalID("Drift")))
	if err != nil {
		t.Fatal(err)
	}
	w.parameter = f.Environment["STATE_PARAMETER"]
	return w
}

// in returns the same installation for a subtest.
func (w *installation) in(t *testing.T) *installation {
	return &installation{Stack: w.For(t), t: t, parameter: w.parameter}
}

// withEmail returns parameters with an address for notifications, unless they have one.
func withEmail(parameters map[string]string) map[string]string {
	all := map[string]string{"NotificationEmail": "security@example.com"}
	maps.Copy(all, parameters)
	return all
}

// update updates the stack. Parameters that are not given have the values of a
// launch without parameters.
func (w *installation) update(parameters map[string]string) {
	w.t.Helper()
	w.Update(withEmail(parameters))
}

// topic returns the ARN of the alert topic.
func (w *installation) topic() string { return w.Outputs["AlertTopicArn"] }

// writeState replaces the state that the drift check keeps.
func (w *installation) writeState(value string) {
	w.t.Helper()
	_, err := w.SSM.PutParameter(w.t.Context(), &ssm.PutParameterInput{
		Name: &w.parameter, Value: &value, Overwrite: aws.Bool(true),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
