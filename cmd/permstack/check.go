package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/flows"
	"permstack/internal/review/deployed"
	"permstack/internal/review/livecheck"
)

type checkCommand struct {
	stackFlags
	output outputFlag
	keys   []string
}

func newCheck() *cobra.Command {
	var f checkCommand
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Simulate in the account every operation that the stack's choice promises",
		Long: `Simulate in the account every flow that the choice of a stack promises, such as
"EC2 backup: snapshots of an instance", before the backup service finds out. Every
authorization check of the flows is decided by IAM's policy simulator
(iam:SimulatePrincipalPolicy), with the deployed roles, their permissions boundary
and the service control policies. The policies of the account's customer managed
KMS keys in the Region are read and evaluated as well; with --key, those of the
named keys, which must then allow every flow. Nothing is called on behalf of the
backup service, and nothing is changed.

The simulator does not evaluate resource control policies, session policies,
policies of VPC endpoints, and policies of buckets and other resources. The flows
use example resources, such as a volume vol-1, and example values of condition keys.

Rights: cloudformation:DescribeStacks, GetTemplate and iam:SimulatePrincipalPolicy,
without which the command cannot run; kms:ListAliases, ListKeys and GetKeyPolicy,
without which the keys are reported as not read (exit status 2 with --key).

Exit status: 0 if every flow would work, 1 if one would fail, 2 if the command could
not run or could not simulate everything.`,
		Example: `  permstack check --stack backup --region us-east-1
  permstack check --stack backup --key arn:aws:kms:us-east-1:111122223333:key/1234abcd
  permstack check --stack backup --aws-profile security --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	f.register(cmd, readTimeout)
	flags.StringSliceVar(&f.keys, "key", nil, "`ARN` of a KMS key that the flows must be able to use")
	f.output.register(cmd, "", formatTable, formatJSON, formatYAML)
	return cmd
}

func (f checkCommand) run(cmd *cobra.Command) error {
	ctx, cancel, cfg, err := f.load(cmd)
	if err != nil {
		return err
	}
	defer cancel()
	stack, set, err := readStack(ctx, cfg, f.aws, f.stack)
	if err != nil {
		return err
	}
	profile, _ := policies.ProfileAt(stack.Selection.Profile, stack.Selection.CatalogVersion)
	promised := flows.Promised(profile, flows.Get(profile.Name),
		policies.WithoutEndedWindow(profile, stack.Selection, time.Now()), stack.Environment)
	requests := flows.RequestsInScope(profile, set, promised, stack.Environment)
	arns := roleARNs(set, stack.Environment)
	report := livecheck.FlowReport{Stack: f.stack, Choice: choice.String(stack.Selection),
		Scope: set.Scope.Entries()}
	bar := progress{cmd.ErrOrStderr()}
	report.Flows, err = livecheck.Flows(ctx, iam.NewFromConfig(cfg), requests, arns, time.Now(),
		func(done, total int) { bar.show("%d of %d simulations", done, total) })
	bar.clear()
	if err != nil {
		return f.aws.explain(err)
	}
	report.Keys = livecheck.Keys(ctx, kms.NewFromConfig(cfg), requests, arns, f.keys)
	if err := write(cmd.OutOrStdout(), f.output.format, report, report.Write); err != nil {
		return err
	}
	switch {
	case report.Fails():
		return &statusError{status: exitFound}
	case !report.IsComplete():
		return &statusError{status: exitNotRun}
	}
	return nil
}

// readStack reads a stack and returns it with the set that its choice results in. Names and ARNs are those of the
// account; the external ID, which cannot be read, is an example.
func readStack(ctx context.Context, cfg aws.Config, f awsFlags, name string) (deployed.Stack, policies.Set, error) {
	stack, err := deployed.Read(ctx, cloudformation.NewFromConfig(cfg), name)
	if err != nil {
		return stack, policies.Set{}, f.explain(err)
	}
	stack.Environment.ExternalID = "" // masked
	stack.Environment = choice.Example(stack.Selection, stack.Environment)
	set, err := policies.Synthesize(stack.Selection, stack.Environment)
	return stack, set, err
}

// roleARNs returns the ARNs of the roles of a set by the vendor's names.
func roleARNs(set policies.Set, env policies.Environment) map[string]string {
	out := map[string]string{}
	for _, r := range set.Roles {
		out[r.Entity] = "arn:" + env.Partition + ":iam::" + env.Account + ":role" + r.Path + r.Name
	}
	return out
}
