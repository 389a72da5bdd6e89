package cloudformation_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

const protectTopics = `{"Statement":[{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"},
	{"Effect":"Deny","Action":"ACTION","Principal":"*","Resource":"*",
	"Condition":{"StringEquals":{"ResourceType":["AWS::SNS::Topic"]}}}]}`

// TestStackPolicy updates stacks whose policy denies one kind of change.
func TestStackPolicy(t *testing.T) {
	const before = `{"Resources":{"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"a","DisplayName":"one"}},
		"U":{"Type":"AWS::SNS::Topic"}}}`
	modified := strings.Replace(before, `"one"`, `"two"`, 1)
	replaced := strings.Replace(before, `"a"`, `"b"`, 1)
	removed := strings.Replace(before, `"U"`, `"V"`, 1)
	for _, tt := range []struct{ name, denied, body, during, want string }{
		{"modify", "Update:Modify", modified, "", "UPDATE_ROLLBACK_COMPLETE"},
		{"replace", "Update:Replace", replaced, "", "UPDATE_ROLLBACK_COMPLETE"},
		{"remove", "Update:Delete", removed, "", "UPDATE_ROLLBACK_COMPLETE"},
		{"another change", "Update:Replace", modified, "", "UPDATE_COMPLETE"},
		{"during this update", "Update:Modify", modified, strings.Replace(protectTopics, "ACTION", "Update:Delete", 1),
			"UPDATE_COMPLETE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("s", before)
			h.wait("s", "CREATE_COMPLETE")
			policy, name := strings.Replace(protectTopics, "ACTION", tt.denied, 1), aws.String("s")
			if _, err := h.cfn.SetStackPolicy(t.Context(),
				&cfn.SetStackPolicyInput{StackName: name, StackPolicyBody: &policy}); err != nil {
				t.Fatal(err)
			}
			got, err := h.cfn.GetStackPolicy(t.Context(), &cfn.GetStackPolicyInput{StackName: name})
			if err != nil || aws.ToString(got.StackPolicyBody) != policy {
				t.Errorf("GetStackPolicy: got %+v, %v", got, err)
			}
			in := &cfn.UpdateStackInput{StackName: name, TemplateBody: &tt.body}
			if tt.during != "" {
				in.StackPolicyDuringUpdateBody = &tt.during
			}
			if _, err := h.cfn.UpdateStack(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			h.wait("s", tt.want)
			denied := strings.Contains(strings.Join(h.events("s"), "\n"), "Action denied by stack policy")
			if want := tt.want != "UPDATE_COMPLETE"; denied != want {
				t.Errorf("the policy denied the update: got %t, want %t", denied, want)
			}
		})
	}
}

// TestWaitCondition creates a stack that waits for two signals.
func TestWaitCondition(t *testing.T) {
	const body = `{"Resources":{"H":{"Type":"AWS::CloudFormation::WaitConditionHandle"},
		"W":{"Type":"AWS::CloudFormation::WaitCondition","Properties":{"Handle":{"Ref":"H"},"Timeout":TIMEOUT,"Count":2}}},
		"Outputs":{"Data":{"Value":{"Fn::GetAtt":["W","Data"]}}}}`
	for _, tt := range []struct{ name, timeout, second, want, reason string }{
		{"success", "60", "SUCCESS", "CREATE_COMPLETE", ""},
		{"failure", "60", "FAILURE", "ROLLBACK_COMPLETE", "received failed message: 'because' for uniqueId: b"},
		{"timeout", "1", "", "ROLLBACK_COMPLETE", "timed out. Received 1 conditions when expecting 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("s", strings.Replace(body, "TIMEOUT", tt.timeout, 1))
			url := ""
			for end := time.Now().Add(time.Minute); url == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				out, err := h.cfn.DescribeStackResources(t.Context(), &cfn.DescribeStackResourcesInput{StackName: aws.String("s")})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range out.StackResources {
					if *r.LogicalResourceId == "H" {
						url = aws.ToString(r.PhysicalResourceId)
					}
				}
			}
			h.signal(url, `{"Status":"SUCCESS","UniqueId":"a","Data":"x","Reason":""}`)
			if tt.second != "" {
				h.signal(url, `{"Status":"`+tt.second+`","UniqueId":"b","Data":"y","Reason":"because"}`)
			}
			h.wait("s", tt.want)
			if events := strings.Join(h.events("s"), "\n"); !strings.Contains(events, tt.reason) {
				t.Errorf("got events\n%s\nwant %s", events, tt.reason)
			}
			if tt.want == "CREATE_COMPLETE" {
				out, err := h.cfn.DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: aws.String("s")})
				if err != nil || *out.Stacks[0].Outputs[0].OutputValue != `{"a":"x","b":"y"}` {
					t.Errorf("outputs: got %+v, %v", out, err)
				}
			}
		})
	}
}

// signal sends a signal to the URL of a wait condition handle.
func (h *harness) signal(url, body string) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		h.t.Errorf("signal: got status %s", response.Status)
	}
}
