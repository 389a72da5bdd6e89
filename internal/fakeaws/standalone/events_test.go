package standalone_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/standalone"
)

// startWithTrail starts an embedded AWS in which a rule sends the events that a
// pattern matches to a queue. The returned function waits for the deliveries and
// returns the events.
func startWithTrail(t *testing.T, trail bool, region, pattern string) (*standalone.Server, func() []map[string]any) {
	t.Helper()
	server, err := standalone.Start("127.0.0.1:0", standalone.Options{Trail: trail})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	n := apitest.NewClients(server.Config(apitest.Account, region))
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"*"}]}`
	apitest.Succeed(t)(n.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("events"), Attributes: map[string]string{"Policy": policy},
	}))
	queue := "arn:aws:sqs:" + region + ":" + apitest.Account + ":events"
	apitest.Succeed(t)(n.Events.PutRule(t.Context(),
		&eventbridge.PutRuleInput{Name: aws.String("all"), EventPattern: &pattern}))
	apitest.Succeed(t)(n.Events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("all"), Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: &queue}},
	}))
	return server, func() []map[string]any {
		server.WaitIdle()
		var out []map[string]any
		for _, m := range server.SQS().Messages(queue) {
			var e map[string]any
			if err := json.Unmarshal([]byte(m.Text), &e); err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
}

func TestStackEvents(t *testing.T) {
	server, received := startWithTrail(t, false, apitest.Region, `{"source":["aws.cloudformation"]}`)
	c := cloudformation.NewFromConfig(server.Config(apitest.Account, apitest.Region))
	template := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic"}}}`
	made, err := c.CreateStack(t.Context(),
		&cloudformation.CreateStackInput{StackName: aws.String("s"), TemplateBody: &template})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.Stacks.Wait(t.Context(), apitest.Account, apitest.Region, "s"); err != nil {
		t.Fatal(err)
	}
	started, err := c.DetectStackDrift(t.Context(), &cloudformation.DetectStackDriftInput{StackName: aws.String("s")})
	if err != nil {
		t.Fatal(err)
	}
	detection := *started.StackDriftDetectionId
	if err := server.Stacks.WaitDetection(t.Context(), apitest.Account, apitest.Region, detection); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range received() {
		detail := e["detail"].(map[string]any)
		status := detail["status-details"].(map[string]any)
		if detail["stack-id"] != *made.StackId {
			t.Errorf("got stack-id %v, want %s", detail["stack-id"], *made.StackId)
		}
		line := fmt.Sprint(e["detail-type"], " ", detail["logical-resource-id"], " ", status["status"],
			status["detection-status"])
		got = append(got, strings.TrimPrefix(strings.ReplaceAll(line, "<nil>", ""), "CloudFormation "))
	}
	want := []string{
		"Stack Status Change  CREATE_IN_PROGRESS",
		"Resource Status Change Topic CREATE_IN_PROGRESS",
		"Resource Status Change Topic CREATE_COMPLETE",
		"Stack Status Change  CREATE_COMPLETE",
		"Drift Detection Status Change  DETECTION_IN_PROGRESS",
		"Drift Detection Status Change  DETECTION_COMPLETE",
	}
	got = slices.Compact(got) // a resource may report CREATE_IN_PROGRESS twice
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const trailPattern = `{"detail-type":["AWS API Call via CloudTrail"]}`

// TestTrailEvents makes calls of IAM, which appear in the home Region only, and
// of SNS.
func TestTrailEvents(t *testing.T) {
	for _, tt := range []struct {
		name, region string
		trail        bool
		want         []string
	}{
		{"home Region", "us-east-1", true, []string{"iam CreateRole", "iam DeleteRole NoSuchEntity", "sns CreateTopic"}},
		{"other Region", "eu-west-1", true, []string{"sns CreateTopic"}},
		{"no trail", "us-east-1", false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, received := startWithTrail(t, tt.trail, tt.region, `{"detail-type":["AWS API Call via CloudTrail"],`+
				`"source":["aws.iam","aws.sns"]}`)
			n := apitest.NewClients(server.Config(apitest.Account, tt.region))
			apitest.CreateRole(t, n, "r")
			apitest.Succeed(t)(n.IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")}))
			_, err := n.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("none")})
			apitest.WantError(t, err, "NoSuchEntity", "")
			topic := apitest.Must[*sns.CreateTopicOutput](t)(
				n.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")})).TopicArn
			apitest.Succeed(t)(n.SNS.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("m")}))
			var got []string
			for _, e := range received() {
				detail := e["detail"].(map[string]any)
				line := fmt.Sprint(strings.TrimPrefix(e["source"].(string), "aws."), " ", detail["eventName"])
				if code, ok := detail["errorCode"]; ok {
					line += fmt.Sprint(" ", code)
				}
				got = append(got, line)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got events %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTrailDetail(t *testing.T) {
	server, received := startWithTrail(t, true, "us-east-1", trailPattern)
	owner := apitest.NewClients(server.Config(apitest.Account, "us-east-1"))
	apitest.CreateRole(t, owner, "caller")
	n := apitest.NewClients(server.ConfigAs(apitest.Account, "us-east-1", "arn:aws:iam::111122223333:role/caller"))
	_, err := n.IAM.TagRole(t.Context(), &iam.TagRoleInput{
		RoleName: aws.String("caller"), Tags: []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	apitest.WantError(t, err, "AccessDenied", "")
	all := received()
	last := all[len(all)-1]
	detail := last["detail"].(map[string]any)
	if at, err := time.Parse(time.RFC3339, detail["eventTime"].(string)); err != nil || time.Since(at) > time.Minute {
		t.Errorf("got eventTime %v", detail["eventTime"])
	}
	identity := detail["userIdentity"].(map[string]any)
	for name, pair := range map[string][2]any{
		"source":            {last["source"], "aws.iam"},
		"eventSource":       {detail["eventSource"], "iam.amazonaws.com"},
		"errorCode":         {detail["errorCode"], "AccessDenied"},
		"type":              {identity["type"], "AssumedRole"},
		"requestParameters": {fmt.Sprint(detail["requestParameters"]), "map[roleName:caller tags:[map[key:a value:b]]]"},
		"recipient":         {detail["recipientAccountId"], apitest.Account},
		"responseElements":  {detail["responseElements"], nil},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}
