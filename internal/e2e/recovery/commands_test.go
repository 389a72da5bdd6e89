package recovery_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/fakeaws/fakeawstest"
)

// command matches a command of the AWS CLI in a sentence.
var command = regexp.MustCompile(`aws (cloudformation|iam) [a-z-]+( --[a-z-]+( [A-Za-z0-9_/][A-Za-z0-9_/:.*+=,@-]*)?)*`)

// commands returns the commands in a text, without the punctuation that follows.
func commands(text string) []string {
	var out []string
	for _, c := range command.FindAllString(text, -1) {
		out = append(out, strings.TrimRight(c, ".,:"))
	}
	return out
}

// execute executes a command of a message literally, as the account's owner. It has
// only the commands that messages contain.
func execute(t *testing.T, a *fakeawstest.Account, text string) {
	t.Helper()
	words := strings.Fields(text)
	options := map[string]string{}
	for i := 3; i < len(words); i++ {
		name := strings.TrimPrefix(words[i], "--")
		options[name] = ""
		if i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
			i++
			options[name] = words[i]
		}
	}
	if err := call(t.Context(), a, words[1]+" "+words[2], options); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func call(ctx context.Context, a *fakeawstest.Account, name string, options map[string]string) error {
	option := func(name string) *string {
		v, ok := options[name]
		if !ok {
			return nil
		}
		return &v
	}
	var err error
	switch name {
	case "cloudformation delete-stack":
		_, err = a.CloudFormation.DeleteStack(ctx, &cloudformation.DeleteStackInput{
			StackName: option("stack-name"), RoleARN: option("role-arn"),
		})
	case "cloudformation update-termination-protection":
		if _, off := options["no-enable-termination-protection"]; !off {
			return fmt.Errorf("want --no-enable-termination-protection")
		}
		_, err = a.CloudFormation.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
			StackName: option("stack-name"), EnableTerminationProtection: aws.Bool(false),
		})
	case "iam detach-role-policy":
		_, err = a.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{
			RoleName: option("role-name"), PolicyArn: option("policy-arn"),
		})
	case "iam delete-role-policy":
		_, err = a.IAM.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{
			RoleName: option("role-name"), PolicyName: option("policy-name"),
		})
	case "iam list-attached-role-policies":
		_, err = a.IAM.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: option("role-name")})
	case "iam list-instance-profiles-for-role":
		_, err = a.IAM.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: option("role-name")})
	default:
		return fmt.Errorf("the test does not have this command")
	}
	return err
}
