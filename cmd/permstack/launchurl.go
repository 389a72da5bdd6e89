package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
)

// launchFlags are what the command line chose.
type launchFlags struct {
	regions                      []string
	templateURL, prefix, release string
	stackName                    string
	profile, preset              string
	assets, operations, options  []string
	parameters                   []string
	markdown                     bool
}

func newLaunchURL() *cobra.Command {
	var f launchFlags
	cmd := &cobra.Command{
		Use:   "launch-url",
		Short: "Print the link that opens CloudFormation's console with a choice filled in",
		Long: `Print a Launch Stack link: CloudFormation's console with the template and your
choice filled in, one line for each Region. Whoever follows it looks it over and
launches. Values that the template would refuse are refused here. The external id
cannot stand in a link: it is a secret, and the console ignores it there.

The template is launch-stack.yaml of a published release: the one of
--bucket-prefix and --release in the Region's own bucket, or --template-url.`,
		Example: `  permstack launch-url --bucket-prefix example-releases --release v1.0.0 --region us-east-1 \
    --assets ec2,s3 --operations backup --parameter ConnectionId=c-1
  permstack launch-url --bucket-prefix example-releases --release v1.0.0 --region us-east-1 \
    --profile cpm --preset enterprise --options release=4.2`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			links, err := f.links()
			if err != nil {
				return &usageError{err}
			}
			for _, link := range links {
				if f.markdown {
					link = launch.Button(link)
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), link); err != nil {
					return fmt.Errorf("write the link: %w", err)
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&f.regions, "region", nil, "`Region` in which the stack is launched (several with commas)")
	flags.StringVar(&f.templateURL, "template-url", "", "https `URL` of launch-stack.yaml in S3")
	flags.StringVar(&f.prefix, "bucket-prefix", "", "take the template from the bucket `PREFIX`-REGION")
	flags.StringVar(&f.release, "release", "", "and of this `version`")
	flags.StringVar(&f.stackName, "stack-name", "permstack", "name of the stack")
	flags.StringVar(&f.profile, "profile", "clumio", "the backup service: "+strings.Join(policies.ProfileNames(), ", "))
	flags.StringVar(&f.preset, "preset", "", "a choice that the profile names, instead of assets and operations")
	flags.StringSliceVar(&f.assets, "assets", nil, "what is protected (default: what the template has)")
	flags.StringSliceVar(&f.operations, "operations", nil, "what may be done: backup, restore (default all)")
	flags.StringSliceVar(&f.options, "options", nil, "settings of the profile: release=4.2")
	flags.StringArrayVar(&f.parameters, "parameter", nil, "any other parameter of the template, as `Name=value` (repeatable)")
	flags.BoolVar(&f.markdown, "markdown", false, "print a button for a README")
	return cmd
}

func (f *launchFlags) links() ([]string, error) {
	switch {
	case len(f.regions) == 0:
		return nil, fmt.Errorf("which Region? Give --region us-east-1")
	case f.templateURL == "" && (f.prefix == "" || f.release == ""):
		return nil, fmt.Errorf("which template? Give --bucket-prefix and --release, or --template-url")
	case f.templateURL != "" && f.prefix+f.release != "":
		return nil, fmt.Errorf("--template-url stands alone, without --bucket-prefix and --release")
	}
	template, err := launch.Stack(permstack.Template, launch.Unreleased(launch.Functions(permstack.Template)...))
	if err != nil {
		return nil, err
	}
	parameters := map[string]string{}
	for _, p := range f.parameters {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--parameter %q: want Name=value", p)
		}
		parameters[name] = value
	}
	var links []string
	for _, region := range f.regions {
		l := launch.Link{
			TemplateURL: f.templateURL, Region: strings.TrimSpace(region), StackName: f.stackName,
			Profile: f.profile, Preset: f.preset, Assets: f.assets, Operations: f.operations, Options: f.options, Parameters: parameters,
		}
		if l.TemplateURL == "" {
			l.TemplateURL = launch.ObjectURL(f.prefix, l.Region, launch.Key(f.release, "launch-stack.yaml"))
		}
		link, err := l.URL(template)
		if err != nil {
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}
