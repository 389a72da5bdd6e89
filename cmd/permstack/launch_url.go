package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// launchFlags are the flags of `permstack launch-url`.
type launchFlags struct {
	regions, published           []string
	templateURL, prefix, release string
	stackName                    string
	profileFlags
	preset                      string
	assets, operations, options []string
	parameters                  []string
	markdown                    bool
}

func newLaunchURL() *cobra.Command {
	var f launchFlags
	cmd := &cobra.Command{
		Use:   "launch-url",
		Short: "Print a Launch Stack link to the CloudFormation console",
		Long: `Print a Launch Stack link: it opens the CloudFormation console with the template
and your choice filled in. The output is one link for each Region. Values that the
template would reject are rejected here. The external ID cannot be part of a link:
it is a secret, and the console ignores NoEcho parameters in links.

The template is that of the profile in a published release, such as clumio.yaml,
selected with --bucket-prefix and --release, or with --template-url.

Exit status: 0 if the links were printed, 2 if not.`,
		Example: `  permstack launch-url --bucket-prefix example-releases --release v1.0.0 --region us-east-1 \
    --assets ec2,s3 --operations backup --parameter ConnectionId=c-1
  permstack launch-url --bucket-prefix example-releases --release v1.0.0 --region us-east-1 \
    --profile cpm --preset enterprise --options release=4.2`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.load(cmd); err != nil {
				return err
			}
			links, err := f.links()
			if err != nil {
				return &usageError{err}
			}
			for _, link := range links {
				if f.markdown {
					link = launchlink.Button(link)
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
	flags.StringSliceVar(&f.regions, "region", nil, "AWS `REGION` to launch in; several with commas")
	flags.StringVar(&f.templateURL, "template-url", "",
		"HTTPS `URL` of the profile's template in S3, instead of --bucket-prefix and --release")
	flags.StringVar(&f.prefix, "bucket-prefix", "", "`PREFIX` of the buckets PREFIX-REGION that hold the release")
	flags.StringVar(&f.release, "release", "", "`VERSION` of the release in these buckets")
	flags.StringSliceVar(&f.published, "published", nil,
		"`REGION`s that the release was published to; others are refused (default: those of this program's own release)")
	flags.StringVar(&f.stackName, "stack", "permstack", "name of the stack to launch")
	f.profileFlags.register(cmd)
	flags.StringVar(&f.preset, "preset", "", usagePreset)
	flags.StringSliceVar(&f.assets, "assets", nil, usageAssets+" (default: the template's)")
	flags.StringSliceVar(&f.operations, "operations", nil, usageOperations)
	flags.StringSliceVar(&f.options, "options", nil, usageOptions+", such as release=4.2")
	flags.StringArrayVar(&f.parameters, "parameter", nil,
		"another parameter of the template, as `Name=value` (repeatable)")
	flags.BoolVar(&f.markdown, "markdown", false, "print a button in Markdown, for a README")
	return cmd
}

// links returns one link for each Region.
func (f *launchFlags) links() ([]string, error) {
	switch {
	case len(f.regions) == 0:
		return nil, errors.New("--region is missing: give one or more Regions, such as --region us-east-1")
	case f.templateURL == "" && (f.prefix == "" || f.release == ""):
		return nil, errors.New("the template is missing: give --bucket-prefix and --release, or --template-url")
	case f.templateURL != "" && f.prefix+f.release != "":
		return nil, errors.New("--template-url cannot be combined with --bucket-prefix or --release")
	}
	profile, known := policies.Profile(f.profile)
	if !known {
		return nil, fmt.Errorf("unknown profile %q; valid: %s", f.profile, strings.Join(policies.ProfileNames(), ", "))
	}
	unreleased := launch.Unreleased(launch.Functions(permstack.Template)...)
	template, err := launch.ProfileStack(permstack.Template, profile, unreleased)
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
		l := launchlink.Link{
			TemplateURL: f.templateURL, Region: strings.TrimSpace(region), StackName: f.stackName,
			Profile: f.profile, Preset: f.preset, Assets: f.assets, Operations: f.operations, Options: f.options,
			Parameters: parameters, Published: f.published,
		}
		if l.TemplateURL == "" {
			key := launchlink.Key(f.release, launchlink.ProfileFile(f.profile))
			l.TemplateURL = launchlink.ObjectURL(f.prefix, l.Region, key)
		}
		link, err := l.URL(template)
		if err != nil {
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}
