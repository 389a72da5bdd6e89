package cloudformation

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/iampolicy/actions"
)

var handlers = []string{createHandler, readHandler, updateHandler, deleteHandler}

// TestEveryHandlerDeclaresPermissions checks the handlers of each type: they
// declare IAM actions, and AWS has those actions.
func TestEveryHandlerDeclaresPermissions(t *testing.T) {
	withoutDrift := []string{"AWS::CloudFormation::CustomResource", "AWS::IAM::Policy", "AWS::SNS::TopicPolicy",
		"AWS::SQS::QueuePolicy"}
	name := regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z0-9]+$`)
	services := map[string]bool{} // with a list of actions
	for _, a := range actions.All() {
		services[a.Name[:strings.IndexByte(a.Name, ':')]] = true
	}
	for _, typ := range slices.Sorted(maps.Keys(providers)) {
		for _, handler := range handlers {
			t.Run(typ+"/"+handler, func(t *testing.T) {
				declared := findProvider(typ).schema().Permissions.forHandler(handler)
				if declared == nil {
					t.Fatal("the handler declares no permissions: add them to Permissions in the type's schema")
				}
				if len(declared) == 0 && (handler != readHandler || !slices.Contains(withoutDrift, typ)) {
					t.Error("the handler requires no permission")
				}
				for _, action := range declared {
					if !name.MatchString(action) {
						t.Errorf("%q is not an IAM action", action)
					}
					_, ok := actions.Find(action)
					if service, _, _ := strings.Cut(action, ":"); services[service] && !ok {
						t.Errorf("AWS has no action %q", action)
					}
				}
			})
		}
	}
}

// TestUndeclaredCallFails calls an action that the handler does not declare.
func TestUndeclaredCallFails(t *testing.T) {
	cfg := onlyDeclared(aws.Config{Region: "eu-central-1"}, "AWS::IAM::Role", readHandler)
	_, err := iam.NewFromConfig(cfg).DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})
	if err == nil || !strings.Contains(err.Error(), "the read handler of AWS::IAM::Role calls iam:DeleteRole") {
		t.Errorf("got error %v, want one that names the type and the call", err)
	}
}
