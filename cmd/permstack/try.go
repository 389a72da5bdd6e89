package main

import (
	"strings"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/e2e/demo"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
	"permstack/internal/terminal"
)

func newTry() *cobra.Command {
	var profile string
	var assets []string
	var verbose bool
	var real tryAWS
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Run a demo of launch, drift, update, rollback and deletion, on an embedded AWS or a real account",
		Long: `Run a demo on an embedded AWS: launch the stack, list what it grants, change the
access by hand and show the alert, remove an asset, make a second launch fail and
roll back, and delete everything. Each step is checked through AWS's APIs. The demo
takes seconds, needs no AWS account, and sends nothing to the network. The stack is
that of the profile's own template, such as veeam.yaml.

With --aws, the same demo runs on the account that the AWS credentials select. It
states what it creates and what that costs, and requests a confirmation. Everything
has a name, an IAM path and a tag of its own and is deleted at the end, also after
Ctrl-C. If that was not possible, because the network was lost, --clean-up finds what
remains by its tag and deletes it. Every call is recorded, without secrets, in
try-aws-<date>.json, which 'permstack local --compare' reads. docs/try-aws.md has
the details.

Exit status: 0 if every step succeeded, 1 if a step failed, 2 if the demo could
not start, was interrupted, or could not delete everything.`,
		Example: `  permstack try
  permstack try --assets ec2,s3
  permstack try --profile veeam
  permstack try --aws --aws-profile sandbox --region eu-west-1
  permstack try --aws --aws-profile sandbox --region eu-west-1 --clean-up`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := real.check(cmd); err != nil {
				return err
			}
			list, err := demoAssets(profile, assets)
			if err != nil {
				return err
			}
			if real.enabled {
				return real.run(cmd, profile, list)
			}
			return try(cmd, profile, list, verbose)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", policies.TemplateProfileNames()[0],
		"vendor profile, the backup service: "+strings.Join(demo.Profiles(), ", "))
	cmd.Flags().StringSliceVar(&assets, "assets", nil,
		"assets to protect; the update removes the last one (default: five that the profile has)")
	real.register(cmd)
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "write the function's log to stderr")
	return cmd
}

// demoAssets returns the assets of the flags, or of the profile if there are none, and
// checks that the demo can run with them.
func demoAssets(profile string, assets []string) ([]schema.Asset, error) {
	var list []schema.Asset
	if len(assets) == 0 {
		assets = demo.DefaultAssets(profile)
	}
	for _, a := range assets {
		list = append(list, schema.Asset(a))
	}
	return list, demo.Check(profile, list)
}

func try(cmd *cobra.Command, profile string, list []schema.Asset, verbose bool) error {
	aws, err := startEmbedded(cmd, verbose)
	if err != nil {
		return err
	}
	defer aws.Close()
	url, err := aws.UploadTemplate(cmd.Context(), launchlink.ProfileFile(profile), permstack.ProfileTemplate(profile))
	if err != nil {
		return err
	}
	err = demo.Run(cmd.Context(), demo.Options{
		Site: demo.EmbeddedSite(aws.Endpoint), TemplateURL: url, Profile: profile, Assets: list,
		Out: cmd.OutOrStdout(), Color: terminal.New(cmd.OutOrStdout()).Color,
		Progress: progress{cmd.ErrOrStderr()}.text,
	})
	if err != nil && cmd.Context().Err() == nil {
		return &statusError{exitFound, err}
	}
	return err
}
