// Command release packs a release into dist/release and publishes it to the
// buckets of several Regions. ./build.sh calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/policies"
	"permstack/internal/policies/lint"
	"permstack/internal/release"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
	"permstack/internal/review/permissiondocs"
	"permstack/internal/terminal"
)

const usage = `usage: release templates                           write the templates that git keeps
       release package [--version V] [--bucket-prefix P] [--regions R,R…] [--platforms OS/ARCH,…] [--profile-file FILE]
                       [--signed DIR]
       release publish --version V --bucket-prefix P --regions R,R… [--bucket-owner ACCOUNT]
                       [--profile-file FILE] [--signed DIR] [--dry-run]
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("release "+args[0], flag.ContinueOnError)
	o := release.Options{Root: "."}
	flags.StringVar(&o.Version, "version", "unreleased", "version of the release, part of every key")
	flags.StringVar(
		&o.BucketPrefix,
		"bucket-prefix",
		launch.Unreleased().BucketPrefix,
		"the bucket of a Region is PREFIX-REGION",
	)
	regions := flags.String("regions", "", "Regions to publish to, separated by commas; the templates refuse others")
	platforms := flags.String("platforms", allPlatforms, "platforms of the command line in a package; empty packs none")
	owner := flags.String("bucket-owner", "", "account that owns the buckets (default: the caller's)")
	profile := flags.String("profile-file", "", "file or directory of a profile that is not built in")
	flags.StringVar(&o.Signed, "signed", "", "directory with the zips that AWS Signer returned (default: unsigned zips)")
	dryRun := flags.Bool("dry-run", false, "print what would be uploaded")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if *profile != "" {
		loaded, problems, err := lint.LoadPath(*profile)
		if err != nil {
			return err
		}
		if len(problems) > 0 {
			return fmt.Errorf("%s has %d problems, which permstack profile lint reports; the first: %s", *profile,
				len(problems), problems[0])
		}
		o.Profile, o.Flows = &loaded.Profile, loaded.Flows
		if err := policies.AddProfile(loaded.Profile, loaded.Flows...); err != nil {
			return err
		}
	}
	for _, r := range strings.Split(*regions, ",") {
		if r = strings.TrimSpace(r); r != "" {
			o.Regions = append(o.Regions, r)
		}
	}
	switch args[0] {
	case "templates":
		return templates()
	case "package":
		objects, err := pack(o)
		if err == nil && *platforms != "" {
			err = artifacts(o, objects, strings.Split(*platforms, ","))
		}
		return err
	case "publish":
		return publish(ctx, o, *owner, *dryRun)
	}
	return errors.New(usage)
}

// templates writes the generated parts of template.yaml and the templates that git keeps, after all of them were
// generated: an error leaves the files as they were. Tests compare them.
func templates() error {
	source, err := os.ReadFile("template.yaml")
	if err != nil {
		return err
	}
	if source, err = launch.Generate(source); err != nil {
		return err
	}
	unreleased := launch.Unreleased(launch.Functions(source)...)
	generated, err := release.Templates(source, unreleased)
	if err != nil {
		return err
	}
	ofProfiles, err := release.ProfileTemplates(source, unreleased, nil)
	if err != nil {
		return err
	}
	if err := os.WriteFile("template.yaml", source, 0o644); err != nil {
		return err
	}
	for _, t := range append(generated, ofProfiles...) {
		if err := os.WriteFile(filepath.Join("templates", t.Name), t.Body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// documents returns the permissions of each profile of a release, as HTML and as Markdown, by file name.
func documents(o release.Options) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		document, err := permissiondocs.Published(profile, o.Version)
		if err != nil {
			return nil, err
		}
		file := launchlink.PermissionsFile(name)
		out[file] = document.HTML
		out[strings.TrimSuffix(file, filepath.Ext(file))+".md"] = document.Markdown
	}
	return out, nil
}

// progress writes a line about work that takes more than a second, on a terminal only.
func progress(format string, args ...any) {
	if terminal.IsTerminal(os.Stderr) {
		fmt.Fprintf(os.Stderr, "release: "+format+"\n", args...)
	}
}

func pack(o release.Options) ([]release.Object, error) {
	var err error
	if o.Documents, err = documents(o); err != nil {
		return nil, err
	}
	progress("building the functions of release %s", o.Version)
	objects, err := release.Pack(o)
	if unsigned := (*release.UnsignedError)(nil); errors.As(err, &unsigned) {
		return nil, writeUnsigned(unsigned, o.Signed)
	}
	if err != nil {
		return nil, err
	}
	dir := filepath.Join("dist", "release")
	if err := release.Write(objects, dir); err != nil {
		return nil, err
	}
	fmt.Printf("release %s is in %s\n", o.Version, dir)
	return objects, nil
}

// writeUnsigned writes the zips that are to be signed, and returns an error with what to do.
func writeUnsigned(unsigned *release.UnsignedError, signed string) error {
	dir := filepath.Join("dist", "to-sign")
	if err := release.Write(unsigned.Zips, dir); err != nil {
		return err
	}
	return fmt.Errorf("%w: sign the zips in %s with AWS Signer, put the signed ones into %s, and run the command "+
		"again; see docs/publish.md", unsigned, dir, signed)
}

func publish(ctx context.Context, o release.Options, owner string, dryRun bool) error {
	regions := o.Regions
	switch {
	case len(regions) == 0:
		return errors.New("no Regions to publish to: set --regions, such as --regions us-east-1,eu-central-1")
	case o.BucketPrefix == launch.Unreleased().BucketPrefix:
		return errors.New("no buckets to publish to: set --bucket-prefix")
	case !dryRun && (o.Version == "unreleased" || strings.Contains(o.Version, "dirty")):
		return fmt.Errorf("version %q cannot be published: commit the changes, or set --version", o.Version)
	}
	objects, err := pack(o)
	if err != nil {
		return err
	}
	stores := map[string]release.Store{}
	p := release.Publisher{
		BucketPrefix: o.BucketPrefix, Regions: regions, Out: os.Stdout,
		At: func(region string) release.Store { return stores[region] },
	}
	if dryRun {
		p.Plan(objects)
		return nil
	}
	for _, region := range regions {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
		if err != nil {
			return fmt.Errorf("load AWS configuration: %w", err)
		}
		stores[region] = s3.NewFromConfig(cfg, func(s *s3.Options) {
			s.UsePathStyle = cfg.BaseEndpoint != nil ||
				os.Getenv("AWS_ENDPOINT_URL") != "" || os.Getenv("AWS_ENDPOINT_URL_S3") != ""
		})
	}
	if p.Owner = owner; p.Owner == "" {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(regions[0]))
		if err != nil {
			return fmt.Errorf("load AWS configuration: %w", err)
		}
		caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return fmt.Errorf("get the account of the caller: %w", err)
		}
		p.Owner = *caller.Account
	}
	if err := p.Publish(ctx, objects); err != nil {
		return err
	}
	for _, url := range templateURLs(objects, o.Version, o.BucketPrefix, regions) {
		fmt.Println(url)
	}
	return nil
}

// templateURLs returns the addresses of the profiles' templates of a release in each Region.
func templateURLs(objects []release.Object, version, prefix string, regions []string) []string {
	var out []string
	for _, region := range regions {
		for _, profile := range policies.ProfileNames() {
			key := launchlink.Key(version, profile+".yaml")
			if slices.ContainsFunc(objects, func(o release.Object) bool { return o.Key == key }) {
				out = append(out, launchlink.ObjectURL(prefix, region, key))
			}
		}
	}
	return out
}
