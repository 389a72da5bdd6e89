package fakeaws_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/encoding/cbor"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
	"permstack/internal/fakeaws/protocol"
)

func TestOverTheNetwork(t *testing.T) {
	c, _ := apitest.NewCloud(t)
	endpoint := apitest.Must[string](t)(c.Start("127.0.0.1:0"))
	t.Cleanup(func() { _ = c.Close() })
	cfg := c.Config(apitest.Account, apitest.Region)
	cfg.HTTPClient, cfg.BaseEndpoint = nil, &endpoint
	n := apitest.NewClients(cfg)
	apitest.CreateRole(t, n, "over-the-network")
	apitest.Succeed(t)(n.Events.ListRules(context.Background(), nil))
	if _, ok := c.IAM().Lookup(apitest.Account, "over-the-network"); !ok {
		t.Error("the role does not exist")
	}
	if _, err := c.Start("127.0.0.1:0"); err == nil {
		t.Error("a second Start succeeds")
	}
}

func TestListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "nonsense"} {
		t.Run(addr, func(t *testing.T) {
			if _, err := fakeaws.New(fakeaws.Options{}).Start(addr); err == nil {
				t.Errorf("Start accepts %q", addr)
			}
		})
	}
}

func TestWhoIsCalling(t *testing.T) {
	c := fakeaws.New(fakeaws.Options{})
	for _, tt := range []struct{ key, region, want string }{
		{"111122223333", "eu-west-1", "arn:aws:iam::111122223333:root"},
		{"AKIAIOSFODNN7EXAMPLE", "eu-west-1", "arn:aws:iam::123456789012:root"},
		{"111122223333", "us-gov-west-1", "arn:aws-us-gov:iam::111122223333:root"},
		{"111122223333", "cn-north-1", "arn:aws-cn:iam::111122223333:root"},
	} {
		t.Run(tt.key+" in "+tt.region, func(t *testing.T) {
			n := apitest.NewClients(c.ConfigWith(tt.region, aws.Credentials{AccessKeyID: tt.key, SecretAccessKey: "x"}))
			got := apitest.Must[*sts.GetCallerIdentityOutput](t)(n.STS.GetCallerIdentity(context.Background(), nil))
			if *got.Arn != tt.want {
				t.Errorf("%s in %s: got %s, want %s", tt.key, tt.region, *got.Arn, tt.want)
			}
		})
	}
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	apitest.CreateRole(t, n, "everywhere")
	apitest.Succeed(t)(n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("here")}))

	elsewhere := apitest.NewClients(c.Config(apitest.Account, "us-west-2"))
	apitest.Succeed(t)(elsewhere.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("everywhere")}))
	if got := apitest.Must[*sns.ListTopicsOutput](t)(elsewhere.SNS.ListTopics(ctx, nil)); len(got.Topics) != 0 {
		t.Errorf("topics of another Region: %v", got.Topics)
	}
	other := apitest.NewClients(c.Config("444455556666", apitest.Region))
	_, err := other.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("everywhere")})
	apitest.WantError(t, err, "NoSuchEntity", "everywhere")
}

func TestRefusesByName(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	_, err := n.IAM.ListUsers(ctx, nil)
	apitest.WantError(t, err, "NotImplemented",
		"permstack local does not have iam:ListUsers (it has: AddRoleToInstanceProfile")
	_, err = n.Events.ListArchives(ctx, nil)
	apitest.WantError(t, err, "NotImplemented", "events:ListArchives")
	cfg := c.Config(apitest.Account, apitest.Region)
	_, err = cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, nil)
	apitest.WantError(t, err, "NotImplemented",
		"cloudformation:DescribeStacks (it has the services: cloudtrail, events, iam, kms, organizations, s3, sns, sqs, ssm, sts)")
}

func request(t *testing.T, c *fakeaws.Cloud, method, url, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	client := c.Config(apitest.Account, apitest.Region).HTTPClient
	r := apitest.Must[*http.Request](t)(
		http.NewRequestWithContext(context.Background(), method, "http://aws.permstack.invalid"+url,
			strings.NewReader(body)),
	)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response := apitest.Must[*http.Response](t)(client.Do(r))
	defer response.Body.Close()
	return response.StatusCode, string(apitest.Must[[]byte](t)(io.ReadAll(response.Body))), response.Header
}

func signedFor(service string) string {
	return "AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-west-1/" + service + "/aws4_request, " +
		"SignedHeaders=host, Signature=x"
}

func TestProtocols(t *testing.T) {
	c, _ := apitest.NewCloud(t)
	form, js := "application/x-www-form-urlencoded", "application/x-amz-json-1.1"
	for _, tt := range []struct {
		name, service, contentType, target, body string
		status                                   int
		want                                     string
	}{
		{"query response", "sts", form, "", "Action=GetCallerIdentity&Version=2011-06-15", 200,
			`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>`},
		{"query error", "iam", form, "", "Action=GetRole&RoleName=none", 404,
			`<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role with name none cannot be found.</Message></Error><RequestId>`},
		{"query empty answer", "sns", form, "", "Action=DeleteTopic&TopicArn=arn:aws:sns:eu-west-1:111122223333:none", 200,
			`<DeleteTopicResult/><ResponseMetadata><RequestId>`},
		{"JSON error", "ssm", js, "AmazonSSM.GetParameter", `{"Name":"none"}`, 400,
			`{"__type":"ParameterNotFound","message":`},
		{"JSON empty answer", "events", js, "AWSEvents.DeleteRule", `{"Name":"none"}`, 200, `{}`},
		{"JSON wrong target", "events", js, "Other.DeleteRule", `{}`, 400, `UnknownOperationException`},
		{"JSON broken body", "events", js, "AWSEvents.DeleteRule", `{`, 400, `SerializationException`},
		{"EC2 form", "ec2", form, "", "Action=DescribeInstances", 501,
			`<Response><Errors><Error><Code>NotImplemented</Code><Message>permstack local does not have ec2:DescribeInstances`},
		{"S3 form", "s3", "", "", "", 501, `<Error><Code>NotImplemented</Code>`},
		{"REST JSON form", "lambda", "application/json", "", "{}", 501, `"message":"permstack local does not ` +
			`have lambda:POST /`},
		{"other JSON service", "dynamodb", js, "DynamoDB_20120810.ListTables", "{}", 501, `permstack local ` +
			`does not have dynamodb:ListTables`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := []string{"Authorization", signedFor(tt.service), "Content-Type", tt.contentType}
			if tt.target != "" {
				header = append(header, "X-Amz-Target", tt.target)
			}
			status, body, h := request(t, c, "POST", "/", tt.body, header...)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s\nwant %d …%s…", status, body, tt.status, tt.want)
			}
			if h.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestCBORClientsCanReadTheRefusal(t *testing.T) {
	c, _ := apitest.NewCloud(t)
	status, body, h := request(t, c, "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "",
		"Authorization", signedFor("monitoring"), "Smithy-Protocol", "rpc-v2-cbor")
	decoded, _ := apitest.Must[cbor.Value](t)(cbor.Decode([]byte(body))).(cbor.Map)
	if status != 501 || h.Get("Content-Type") != "application/cbor" ||
		decoded["__type"] != cbor.String("NotImplemented") ||
		!strings.Contains(body, "monitoring:ListMetrics") {
		t.Errorf("%d %q", status, body)
	}
}

func TestUnsignedAndOversized(t *testing.T) {
	c, _ := apitest.NewCloud(t)
	if status, body, _ := request(t, c, "POST", "/", "Action=GetCallerIdentity", "Content-Type",
		"application/x-www-form-urlencoded"); status != 403 ||
		!strings.Contains(body, "MissingAuthenticationToken") {
		t.Errorf("unsigned: %d %s", status, body)
	}
	if status, body, _ := request(t, c, "POST", "/", "Action=GetRole&RoleName="+strings.Repeat("a", 3<<20), "Content-Type",
		"application/x-www-form-urlencoded", "Authorization", signedFor("iam")); status != 413 ||
		!strings.Contains(body, "RequestEntityTooLarge") {
		t.Errorf("oversized: %d %.200s", status, body)
	}
	if status, _, _ := request(t, c, "GET",
		"/?Action=GetCallerIdentity&X-Amz-Credential=111122223333%2F20260101%2Feu-west-1%2Fsts%2Faws4_request",
		""); status != 200 {
		t.Errorf("presigned: %d", status)
	}
}

func TestMountInterceptPanicAndLog(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	c.Mount("/_permstack/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "outer") }))
	c.Mount("/_permstack/cfn-response/",
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "inner "+r.URL.Path) }))
	if _, body, _ := request(t, c, "PUT", "/_permstack/cfn-response/1", "{}"); body != "inner /_permstack/cfn-response/1" {
		t.Errorf("mounted: %s", body)
	}

	c.SetIntercept(func(call *protocol.Call) error {
		if call.Action == "GetRole" {
			return protocol.Errorf("Throttling", "Rate exceeded")
		}
		return nil
	})
	_, err := n.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("a")})
	apitest.WantError(t, err, "Throttling", "Rate exceeded")
	c.SetIntercept(nil)

	c.Register(protocol.Service{Name: "sts", Actions: map[string]protocol.Action{
		"GetCallerIdentity": protocol.NewAction(
			func(context.Context, *protocol.Call) (any, error) { panic("broken") }, protocol.NoPermissions),
	}})
	_, err = n.STS.GetCallerIdentity(ctx, nil)
	apitest.WantError(t, err, "InternalFailure", "broken")

	calls := c.Calls()
	if len(calls) != 2 || calls[0].Name() != "iam:GetRole" || calls[0].ErrorCode != "Throttling" ||
		calls[1].ErrorCode != "InternalFailure" {
		t.Errorf("calls: %+v", calls)
	}
	if c.CallCount("iam:GetRole") != 1 {
		t.Error("call count")
	}
	c.ResetCalls()
	if len(c.Calls()) != 0 || c.CallCount("iam:GetRole") != 0 {
		t.Error("the log was not emptied")
	}
}

func TestInParallel(t *testing.T) {
	ctx := context.Background()
	c, n := apitest.NewCloud(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			name := fmt.Sprintf("parallel-%d", i%8)
			_, _ = n.IAM.CreateRole(ctx,
				&iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(apitest.TrustSelf)})
			_, _ = n.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName:       &name,
				PolicyName:     &name,
				PolicyDocument: aws.String(apitest.ReadAll),
			})
			_, _ = n.IAM.ListRoles(ctx, nil)
			_, _ = n.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name})
			_, _ = n.SNS.Publish(ctx,
				&sns.PublishInput{TopicArn: aws.String("arn:aws:sns:eu-west-1:111122223333:" + name), Message: &name})
			_, _ = n.SSM.PutParameter(ctx, &ssm.PutParameterInput{
				Name:      &name,
				Value:     &name,
				Type:      ssmtypes.ParameterTypeString,
				Overwrite: aws.Bool(true),
			})
			_, _ = n.Events.PutRule(ctx,
				&eventbridge.PutRuleInput{Name: &name, EventPattern: aws.String(`{"source":["aws.ec2"]}`)})
			_, _ = apitest.NewClients(
				c.ConfigAs(apitest.Account, apitest.Region, "arn:aws:iam::111122223333:role/"+name),
			).IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
			c.Calls()
			c.SNS().Messages("")
		})
	}
	wg.Wait()
	if got := apitest.Must[*iam.ListRolesOutput](t)(n.IAM.ListRoles(ctx, nil)); len(got.Roles) != 8 {
		t.Errorf("%d roles, want 8", len(got.Roles))
	}
	got := apitest.Must[*ssm.GetParameterOutput](t)(
		n.SSM.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("parallel-0")}),
	)
	if got.Parameter.Version != 2 {
		t.Errorf("version %d, want 2", got.Parameter.Version)
	}
}
