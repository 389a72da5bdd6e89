package fakeaws_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
)

// FuzzRequest checks that no request causes an internal failure.
func FuzzRequest(f *testing.F) {
	form, js := "application/x-www-form-urlencoded", "application/x-amz-json-1.1"
	f.Add("iam", form, "", "Action=CreateRole&RoleName=a&AssumeRolePolicyDocument={}&Tags.member.1.Key=a")
	f.Add("iam", form, "", "Action=AttachRolePolicy&RoleName=a&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess")
	f.Add("iam", form, "", "Action=ListPolicies&Marker=QQ&MaxItems=1")
	f.Add("sts", form, "", "Action=AssumeRole&RoleArn=arn:aws:iam::111122223333:role/a&RoleSessionName=ab")
	f.Add("sns", form, "", "Action=Unsubscribe&SubscriptionArn=arn:aws:sns:eu-west-1:1:a:b")
	f.Add(
		"sns",
		form,
		"",
		"Action=Publish&TopicArn=arn:aws:sns:eu-west-1:111122223333:a&MessageAttributes.entry.1.Name=a",
	)
	f.Add("events", js, "AWSEvents.PutRule", `{"Name":"a","EventPattern":"{\"a\":[{\"numeric\":[\"<\",1]}]}"}`)
	f.Add("events", js, "AWSEvents.PutTargets", `{"Rule":"a","Targets":[null,{"Id":"a"}]}`)
	f.Add("ssm", js, "AmazonSSM.GetParameters", `{"Names":["arn:","/a:1"]}`)
	f.Add(
		"ssm",
		js,
		"AmazonSSM.DescribeParameters",
		`{"ParameterFilters":[{"Key":"Name"}],"MaxResults":1,"NextToken":"3"}`,
	)
	f.Add("s3", "", "", "\x00")
	c := fakeaws.New(fakeaws.Options{})
	credentials := c.SessionCredentials(apitest.Account, "arn:aws:iam::111122223333:role/a", "s")
	f.Fuzz(func(t *testing.T, service, contentType, target, body string) {
		for _, key := range []string{apitest.Account, credentials.AccessKeyID} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set(
				"Authorization",
				"AWS4-HMAC-SHA256 Credential="+key+"/20260101/eu-west-1/"+service+"/aws4_request, "+
					"SignedHeaders=host, Signature=x",
			)
			r.Header.Set("X-Amz-Security-Token", credentials.SessionToken)
			r.Header.Set("Content-Type", contentType)
			if target != "" {
				r.Header.Set("X-Amz-Target", target)
			}
			w := httptest.NewRecorder()
			c.Handler().ServeHTTP(w, r)
			if w.Code == http.StatusInternalServerError {
				answer, _ := io.ReadAll(w.Body)
				t.Errorf("%s %q: %s", service, body, answer)
			}
		}
	})
}
