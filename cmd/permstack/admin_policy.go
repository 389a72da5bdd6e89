package main

import (
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/release/adminpolicy"
)

func newAdminPolicy() *cobra.Command {
	var who string
	scope := adminpolicy.Scope{Path: policies.DefaultPath}
	cmd := &cobra.Command{
		Use:   "admin-policy",
		Short: "Print the IAM policy of those who deploy the templates",
		Long: `Print the IAM policy that somebody needs who launches, updates and deletes the
stack: CloudFormation works with the rights of the caller, unless the stack has a
service role. The actions are those of CloudFormation's handlers for the resources in
the templates, the resources are the names that these have.

  launch      an administrator who launches a profile's template, PROFILE.yaml
  stacksets   an administrator who rolls out a profile's stack set, PROFILE-stackset.yaml
  pipeline    a pipeline that deploys a profile's template by change sets

docs/admin-policies.md has the policies for an example.

Exit status: 0, or 2 if a value is missing or wrong.`,
		Example: `  permstack admin-policy --for launch --account 123456789012 --region us-east-1 \
    --stack-name permstack --bucket-prefix example-releases`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, required := range []struct{ flag, value, example string }{
				{"account", scope.Account, "123456789012"}, {"region", scope.Region, "us-east-1"},
				{"bucket-prefix", scope.BucketPrefix, "example-releases"},
			} {
				if required.value == "" {
					return usagef("--%s is missing, such as --%[1]s %s", required.flag, required.example)
				}
			}
			policy, err := adminpolicy.Policy(who, adminpolicy.Default(), scope)
			if err != nil {
				return &usageError{err}
			}
			text, err := policy.JSON()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&who, "for", adminpolicy.Launch, "who deploys: "+strings.Join(adminpolicy.Roles(), ", "))
	f.StringVar(&scope.Account, "account", "", "ID of the AWS account of the stack (required)")
	f.StringVar(&scope.Region, "region", "", "AWS Region of the stack (required)")
	f.StringVar(&scope.StackName, "stack-name", "permstack", "`NAME` of the stack")
	f.StringVar(&scope.BucketPrefix, "bucket-prefix", "",
		"prefix of the buckets with the release; the Region follows it (required)")
	f.StringVar(&scope.Path, "path", scope.Path, "IAM path of the roles, the parameter RolePath")
	return cmd
}
