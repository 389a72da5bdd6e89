package lambda_test

import (
	"testing"

	"permstack/internal/fakeaws/lambda"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
	"permstack/internal/iampolicy/servicekeys"
)

func TestAllowService(t *testing.T) {
	const rule = "arn:aws:events:eu-west-1:111122223333:rule/r"
	for _, tt := range []struct {
		name       string
		permission lambda.Permission
		allowed    bool
	}{
		{"rule", lambda.Permission{Principal: "events.amazonaws.com", SourceARN: rule}, true},
		{"every rule", lambda.Permission{Principal: "events.amazonaws.com"}, true},
		{"another rule", lambda.Permission{Principal: "events.amazonaws.com", SourceARN: rule + "2"}, false},
		{"another service", lambda.Permission{Principal: "sns.amazonaws.com", SourceARN: rule}, false},
		{"account, which EventBridge does not send",
			lambda.Permission{Principal: "events.amazonaws.com", SourceAccount: "111122223333"}, false},
		{"another action", lambda.Permission{Principal: "events.amazonaws.com", Action: "lambda:GetFunction"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := lambda.New(lambda.Options{})
			t.Cleanup(func() { _ = r.Close() })
			f, err := r.Create(lambda.Function{
				Account: "111122223333", Region: "eu-west-1", Name: "f", Role: "arn:aws:iam::111122223333:role/r",
			})
			if err != nil {
				t.Fatal(err)
			}
			call := resourcepolicy.ServiceCall{
				Service: "events.amazonaws.com", Resource: f.ARN(), Origin: servicekeys.Origin{Account: "111122223333", ARN: rule},
			}
			if err := r.AllowService(call); !protocol.HasCode(err, "AccessDenied") {
				t.Errorf("without permission: got error %v, want AccessDenied", err)
			}
			err = r.Change(f.ARN(), func(f *lambda.Function) error {
				if tt.permission.Action == "" {
					tt.permission.Action = "lambda:InvokeFunction"
				}
				f.Permissions = append(f.Permissions, tt.permission)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.AllowService(call); (err == nil) != tt.allowed {
				t.Errorf("got error %v, want allowed %v", err, tt.allowed)
			}
		})
	}
}
