package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/review/policyjson"
)

// synthFlags are what the command line chose.
type synthFlags struct {
	choice         choiceFlags
	env            policies.Environment
	tags           []string
	format, output string
	out            string // folder of --format files
}

func newSynth() *cobra.Command {
	var f synthFlags
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Print the access as a CloudFormation template or as policies, or write it as files",
		Long: `Print the permissions file: a CloudFormation template of native resources that
holds the access and nothing else. You can deploy it by hand.

Without --account and --region the template uses CloudFormation's pseudo
parameters and can be deployed anywhere. With --format policies it prints the
policies alone, as JSON for reviewers and tools.

With --format files it writes into the folder --out what you need to give the
access by hand in the IAM console: one JSON file a policy, each within IAM's
limit and as few as possible, the trust of each role, and the steps as README.md.`,
		Example: `  permstack synth --assets ec2,s3 --control-plane-role arn:aws:iam::111122223333:role/Control \
    --external-id SECRET --connection-id c-1 --data-plane-account 444455556666 >permissions.json

  permstack synth --assets rds --operations backup --format policies \
    --account 123456789012 --region eu-central-1 --control-plane-role … --external-id … --connection-id …

  permstack synth --profile cpm --preset enterprise --format files --out cpm \
    --account 123456789012 --region eu-central-1`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.format == "files" {
				if !cmd.Flags().Changed("path") {
					f.env.Path = "/" // the console can give no other
				}
				return f.files(cmd.ErrOrStderr())
			}
			out, err := f.synth()
			if err != nil {
				return err
			}
			if f.format == "template" && len(out) > permissionstack.MaxBody {
				fmt.Fprintf(cmd.ErrOrStderr(), "permstack: note: the template has %d bytes; CloudFormation takes more than %d only from S3, where the console puts what it uploads\n", len(out), permissionstack.MaxBody)
			}
			if _, err := cmd.OutOrStdout().Write(out); err != nil {
				return fmt.Errorf("write the result: %w", err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.choice.register(cmd, "at least one")
	flags.StringVar(&f.env.Account, "account", "", "account that gives the access (default: any)")
	flags.StringVar(&f.env.Region, "region", "", "Region that gives the access (default: any)")
	flags.StringVar(&f.env.Partition, "partition", "", "aws, aws-us-gov or aws-cn (default: that of the Region, or any)")
	flags.StringSliceVar(&f.env.StackNames, "stack-name", nil, "stacks that will hold the access (default: the one that the template becomes)")
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", "`ARN` of the one role that uses the access")
	flags.StringVar(&f.env.SupportControlPlaneRoleARN, "support-control-plane-role", "", "`ARN` of the one role that uses the support role")
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", "account of the backup service that keeps the backups")
	flags.StringVar(&f.env.ExternalID, "external-id", "", "secret that the backup service must show")
	flags.StringVar(&f.env.ConnectionID, "connection-id", policies.DefaultConnectionID, "name of this connection, part of every name")
	flags.StringVar(&f.env.Path, "path", policies.DefaultPath, "IAM path of every role and policy")
	flags.StringVar(&f.env.PermissionsBoundaryARN, "permissions-boundary", "", "`ARN` of the boundary of every role")
	flags.StringArrayVar(&f.tags, "tag", nil, "tag of everything, as `key=value` (repeatable)")
	flags.StringSliceVar(&f.env.OtherAccounts, "other-account", nil, "accounts of yours that share backups with this one (default: any)")
	flags.StringVar(&f.format, "format", "template", "template, policies or files")
	flags.StringVar(&f.out, "out", "", "with --format files: the folder to write")
	flags.StringVar(&f.output, "output", "json", "json or yaml")
	f.choice.complete(cmd)
	completeFixed(cmd, "format", "template", "policies", "files")
	completeFixed(cmd, "output", "json", "yaml")
	return cmd
}

// synth gives what is printed.
func (f *synthFlags) synth() ([]byte, error) {
	if f.output != "json" && f.output != "yaml" {
		return nil, usagef("--output %q: want json or yaml", f.output)
	}
	if f.format != "template" && f.format != "policies" {
		return nil, usagef("--format %q: want template, policies or files", f.format)
	}
	if f.out != "" {
		return nil, usagef("--out is for --format files; the rest is printed")
	}
	var err error
	if f.env.Tags, err = parseTags(f.tags); err != nil {
		return nil, err
	}
	set, err := policies.Synthesize(f.choice.selection(), f.env)
	if err != nil {
		return nil, err
	}
	out, err := f.write(set)
	if err != nil || f.output == "json" {
		return out, err
	}
	return yamlfmt.FromJSON(out)
}

func (f *synthFlags) write(set policies.Set) ([]byte, error) {
	if f.format == "policies" {
		doc, err := policyjson.FromSet(set, policyjson.PlaceOfSet(f.env))
		if err != nil {
			return nil, err
		}
		return doc.JSON()
	}
	template, err := permissionstack.Whole(set)
	if err != nil {
		return nil, err
	}
	return template.ForPeople(), nil
}

// parseTags reads "key=value". The rest of what AWS asks of tags is checked
// with everything else.
func parseTags(args []string) ([]policies.Tag, error) {
	var tags []policies.Tag
	for _, a := range args {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			return nil, usagef("--tag %q: want key=value", a)
		}
		tags = append(tags, policies.Tag{Key: key, Value: value})
	}
	return tags, nil
}
