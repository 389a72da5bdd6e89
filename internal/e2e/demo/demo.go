// Package demo runs the lifecycle of a connection over the APIs of AWS: launch, drift,
// update, failed launch and deletion, on an embedded AWS or on an account. It checks
// each step through the APIs that a customer would use, and prints what it does and
// what it checked.
package demo

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/policies/profiles"
	"permstack/internal/policies/schema"
	"permstack/internal/terminal"
)

// Options configure a run.
type Options struct {
	Site        Site
	Profile     string // of the backup service: one of Profiles
	TemplateURL string // of the profile's template, in S3: it may be too long for TemplateBody
	Assets      []schema.Asset
	Out         io.Writer
	Color       bool
	// Progress is called with what the demo waits for, and with "" when the wait ends. It may be nil.
	Progress func(text string)
}

// waiting reports what the demo waits for, until the returned function is called.
func (run *runner) waiting(format string, args ...any) (end func()) {
	if run.options.Progress == nil {
		return func() {}
	}
	run.options.Progress(fmt.Sprintf(format, args...))
	return func() { run.options.Progress("") }
}

// runner is one run of the demo.
type runner struct {
	site    Site
	options Options
	out     printer
	stacks  *cloudformation.Client
	iam     *iam.Client
	live    *livestate.Reader
	started time.Time
}

// Profiles returns the names of the profiles that the demo can launch, sorted: the built-in ones. The functions of an
// embedded AWS have no others.
func Profiles() []string { return profiles.Names() }

// DefaultAssets returns the assets that the demo protects unless others are chosen.
func DefaultAssets(profile string) []string { return newVariant(profile).assets }

// Check returns an error if the demo cannot be run with these assets.
func Check(profile string, assets []schema.Asset) error {
	if !slices.Contains(Profiles(), profile) {
		return fmt.Errorf("the demo has no profile %q: choose one of %s", profile, strings.Join(Profiles(), ", "))
	}
	_, _, err := EmbeddedSite("").newChoices(profile, assets)
	return err
}

// Run runs the demo. It returns a StepError for the first step that fails.
func Run(ctx context.Context, o Options) error {
	cfg := o.Site.Config
	run := &runner{
		site: o.Site, options: o, started: time.Now(), live: livestate.NewReader(cfg),
		out:    printer{terminal.Screen{W: o.Out, Color: o.Color}},
		stacks: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg),
	}
	all, less, err := o.Site.newChoices(o.Profile, o.Assets)
	if err != nil {
		return err
	}
	run.out.title("%s", o.Site.Title)
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"Launch the stack for " + all.String(), func(ctx context.Context) error { return run.launch(ctx, all) }},
		{"Check what was granted", func(ctx context.Context) error { return run.checkGranted(ctx, all) }},
		{"Deliver an inventory event", func(ctx context.Context) error { return run.checkInventoryEvents(ctx, all) }},
		{"Change the access manually", func(ctx context.Context) error { return run.checkDriftAlerts(ctx) }},
		{"Update: " + all.update(less), func(ctx context.Context) error { return run.update(ctx, all, less) }},
		{"Roll back a launch that fails", func(ctx context.Context) error { return run.failedLaunch(ctx, all, less) }},
		{"Delete the stack", func(ctx context.Context) error { return run.delete(ctx) }},
	}
	for i, s := range steps {
		run.out.step(i+1, s.title)
		if err := s.do(ctx); err != nil {
			run.out.failed(err)
			return &StepError{Step: i + 1, Err: err}
		}
	}
	run.out.done("Every step succeeded, in %.1f seconds.", time.Since(run.started).Seconds())
	return nil
}

// StepError is a step that failed. Run has already printed why.
type StepError struct {
	Step int
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("step %d failed", e.Step) }
func (e *StepError) Unwrap() error { return e.Err }

func (run *runner) launch(ctx context.Context, c choice) error {
	s, err := run.create(ctx, run.site.Stack, run.site.Connection, c)
	if err != nil {
		return err
	}
	if s.status != "CREATE_COMPLETE" {
		return s.unexpected("CREATE_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", run.site.Stack, s.status, s.took.Seconds())
	created, err := run.permissionStacks(ctx)
	if err != nil {
		return err
	}
	if len(created) == 0 {
		return fmt.Errorf("stack %s is complete, but no permission stack exists", run.site.Stack)
	}
	for _, p := range created {
		resources := terminal.Count(p.resources, "resource", "resources")
		run.out.note("its function created the permission stack %s: %s", p.name, resources)
	}
	for _, o := range s.outputs {
		if strings.HasSuffix(o.key, "Arn") { // the other outputs are links to the console
			run.out.note("%s: %s", o.key, o.value)
		}
	}
	return nil
}

func (run *runner) checkGranted(ctx context.Context, c choice) error {
	live, err := run.readGrants(ctx, run.site.Connection)
	if err != nil {
		return err
	}
	for _, r := range live.roles {
		run.out.passed("role %s", r.name)
		run.out.note("%d managed and %s, %s, %s characters", len(r.managed),
			terminal.Count(len(r.inline), "inline policy", "inline policies"),
			terminal.Count(r.actions(), "action", "actions"), number(r.size()))
		for _, p := range r.managed {
			run.out.note("  %-62s %5s characters of 6,144", p.name, number(p.document.Size()))
		}
	}
	run.out.passed("%s and %s notify the backup service of changes",
		terminal.Count(len(live.topics), "topic", "topics"), terminal.Count(len(live.rules), "event rule", "event rules"))
	if err := run.requireMatch(ctx, live, c); err != nil {
		return err
	}
	run.out.passed("IAM, SNS and EventBridge have exactly what the catalogue grants: %s distinct actions",
		number(live.actions()))
	return nil
}

func (run *runner) update(ctx context.Context, from, to choice) error {
	before, err := run.readGrants(ctx, run.site.Connection)
	if err != nil {
		return err
	}
	s, err := run.change(ctx, run.site.Stack, run.site.Connection, to)
	if err != nil {
		return err
	}
	if s.status != "UPDATE_COMPLETE" {
		return s.unexpected("UPDATE_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", run.site.Stack, s.status, s.took.Seconds())
	after, err := run.readGrants(ctx, run.site.Connection)
	if err != nil {
		return err
	}
	if err := run.requireMatch(ctx, after, to); err != nil {
		return err
	}
	for _, name := range before.missingIn(after) {
		run.out.note("removed: %s", name)
	}
	n, m := before.actions(), after.actions()
	if m >= n {
		return fmt.Errorf("the update from %s to %s removed no action", from, to)
	}
	run.out.passed("%s of %s actions were removed; IAM has exactly what the catalogue grants for %s",
		number(n-m), number(n), to)
	return nil
}

func (run *runner) delete(ctx context.Context) error {
	began := time.Now()
	if err := run.remove(ctx, run.site.Stack); err != nil {
		return err
	}
	run.out.passed("stack %s: DELETE_COMPLETE in %.1f s", run.site.Stack, time.Since(began).Seconds())
	remaining, err := run.remaining(ctx)
	if err != nil {
		return err
	}
	if len(remaining) > 0 {
		return fmt.Errorf("these resources remain: %s", strings.Join(remaining, ", "))
	}
	run.out.passed("no stack, role, policy, instance profile, topic or rule remains")
	return nil
}
