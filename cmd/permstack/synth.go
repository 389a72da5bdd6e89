package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/review/policyjson"
	"permstack/internal/review/terraformfile"
)

// synthFlags are the flags of `permstack synth`.
type synthFlags struct {
	choice     choiceFlags
	env        policies.Environment
	externalID externalIDFlags
	tags       []string
	format     string
	output     outputFlag
	out        string // folder of --format files
}

func newSynth() *cobra.Command {
	var f synthFlags
	cmd := &cobra.Command{
		Use:   "synth",
		Short: "Write the permissions as a CloudFormation template, JSON policies, Terraform or files",
		Long: `Write the permissions of a choice in one of four formats:

  template   a CloudFormation template of IAM roles and policies, an SNS topic and
             EventBridge rules, which you can deploy yourself (default). The external ID
             is its NoEcho parameter ExternalId
  policies   the policies alone, as one JSON or YAML document for review and tools
  terraform  a configuration in JSON syntax (.tf.json) for the provider hashicorp/aws 6 and
             later. The external ID is its sensitive variable external_id
             (docs/terraform.md)
  files      a directory (--out) for the IAM console: one JSON file for each policy,
             each within IAM's size limit, the trust policies, and the steps as
             README.md

Without --account and --region the template uses CloudFormation's pseudo
parameters and can be deployed in any account and Region.

Exit status: 0 if the output was written, 2 if not.`,
		Example: `  permstack synth --assets ec2,s3 --control-plane-role arn:aws:iam::111122223333:role/Control \
    --external-id-file secret --connection-id c-1 --data-plane-account 444455556666 >permissions.json

  permstack synth --assets rds --operations backup --format policies \
    --account 123456789012 --region eu-central-1 --data-plane-account 444455556666 \
    --control-plane-role arn:aws:iam::111122223333:role/Control --external-id SECRET --connection-id c-1

  permstack synth --profile cpm --preset enterprise --format files --out cpm \
    --account 123456789012 --region eu-central-1

  permstack synth --assets ec2,s3 --format terraform --external-id-file secret --connection-id c-1 \
    --control-plane-role arn:aws:iam::111122223333:role/Control \
    --data-plane-account 444455556666 >permissions.tf.json

  permstack synth --profile-file acme.yaml --assets ec2 \
    --control-plane-role arn:aws:iam::111122223333:role/Control`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.choice.load(cmd); err != nil {
				return err
			}
			var err error
			if f.env.ExternalID, err = f.externalID.read(cmd); err != nil {
				return err
			}
			if f.format == "files" {
				if !cmd.Flags().Changed("path") {
					f.env.Path = "/" // the IAM console cannot set another path
				}
				return f.files(cmd.ErrOrStderr())
			}
			out, err := f.synth()
			if err != nil {
				return err
			}
			if f.format == "template" && len(out) > permissionstack.MaxBody {
				fmt.Fprintf(cmd.ErrOrStderr(), "permstack: note: the template has %d bytes; CloudFormation accepts more than "+
					"%d bytes only from S3 (the console uploads it there)\n", len(out), permissionstack.MaxBody)
			}
			if _, err := cmd.OutOrStdout().Write(out); err != nil {
				return fmt.Errorf("write the result: %w", err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.choice.register(cmd, "required, unless --preset")
	flags.StringVar(&f.env.Account, "account", "", usageAccount)
	flags.StringVar(&f.env.Region, "region", "", usageRegion)
	flags.StringVar(&f.env.Partition, "partition", "", "such as aws-us-gov (default: the Region's, or any)")
	flags.StringSliceVar(&f.env.StackNames, "stack-name", nil, usageStackNames)
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", usageControlPlaneRole)
	flags.StringVar(&f.env.SupportControlPlaneRoleARN, "support-control-plane-role", "", usageSupportControlPlaneRole)
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", usageDataPlaneAccount)
	f.externalID.register(flags)
	flags.StringVar(&f.env.ConnectionID, "connection-id", policies.DefaultConnectionID,
		"ID of this connection to the vendor, part of every resource name")
	flags.StringVar(&f.env.Path, "path", policies.DefaultPath, usagePath)
	flags.StringVar(&f.env.PermissionsBoundaryARN, "permissions-boundary", "",
		"`ARN` of the permissions boundary of every role")
	flags.StringArrayVar(&f.tags, "tag", nil, "tag of every resource, as `key=value` (repeatable)")
	flags.StringSliceVar(&f.env.OtherAccounts, "other-account", nil,
		"`ID` of another account whose keys, subnets and snapshots may be used (repeatable)")
	flags.BoolVar(&f.env.Organization, "organization", false,
		"allow keys, subnets and snapshots that accounts of your organization share")
	flags.StringVar(&f.env.TopicKeyARN, "topic-key", "",
		"`ARN` of the KMS key that encrypts the event topic; its key policy must allow EventBridge and SNS")
	flags.StringArrayVar(&f.env.Protected, "protect", nil,
		"`ARN` of a further resource that the guard of the roles protects (repeatable)")
	flags.StringVar(&f.format, "format", "template", "template, policies, terraform or files")
	flags.StringVar(&f.out, "out", "", "`DIRECTORY` that --format files writes to")
	f.output.register(cmd, ": encoding of template and policies", formatJSON, formatYAML)
	f.choice.complete(cmd)
	completeFixed(cmd, "format", "template", "policies", "terraform", "files")
	return cmd
}

// synth returns the output of the formats template, policies and terraform.
func (f *synthFlags) synth() ([]byte, error) {
	if f.format != "template" && f.format != "policies" && f.format != "terraform" {
		return nil, usagef("--format %q: want template, policies, terraform or files", f.format)
	}
	if f.out != "" {
		return nil, usagef("--out is only used with --format files")
	}
	var err error
	if f.env.Tags, err = parseTags(f.tags); err != nil {
		return nil, err
	}
	set, err := f.synthesize()
	if err != nil {
		return nil, err
	}
	out, err := f.write(set)
	if err != nil || f.output.format == formatJSON {
		return out, err
	}
	if f.format == "template" {
		return yamlfmt.FromJSONWithReasons(out, permissionstack.Reasons(set))
	}
	return yamlfmt.FromJSON(out)
}

func (f *synthFlags) synthesize() (policies.Set, error) {
	set, err := f.choice.synthesize(f.choice.selection(), f.env)
	if err == nil {
		err = refuseUnused(f.choice.selection(), f.env)
	}
	return set, permissionstack.WithFittingAccounts(err, f.choice.selection(), f.env)
}

// write returns the set as a template, as policies or as Terraform configuration, in JSON.
func (f *synthFlags) write(set policies.Set) ([]byte, error) {
	if f.format == "terraform" {
		if f.output.format != formatJSON {
			return nil, usagef("--output is not used with --format terraform: it is .tf.json")
		}
		return terraformfile.Write(set)
	}
	if f.format == "policies" {
		doc, err := policyjson.FromSet(set.WithoutUnnamedStack(), policyjson.NewPlace(f.env))
		if err != nil {
			return nil, err
		}
		return doc.JSON()
	}
	template, err := permissionstack.Combined(set)
	if err != nil {
		return nil, err
	}
	return template.Printable(), nil
}

// parseTags parses "key=value". Synthesize checks AWS's rules for keys and values.
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
