// Package trial lives through the whole life of a connection on an embedded
// AWS, over real HTTP: launch, look, update, failure, delete. It checks each
// step through the APIs that a customer would use and tells it as a story.
package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// What the trial is played with. The account ids are those that AWS uses in
// its documentation.
const (
	account         = "123456789012"
	region          = "us-east-1"
	controlPlane    = "arn:aws:iam::111122223333:role/BackupControlPlane"
	dataPlane       = "444455556666"
	externalID      = "example-external-id"
	stackName       = "backup-access"
	connection      = "try"
	otherStackName  = "second-access"
	otherConnection = "taken"
)

// Options shape a trial.
type Options struct {
	Endpoint    string // of the embedded AWS
	TemplateURL string // of template.yaml, in its S3: it may be too long for TemplateBody
	Assets      []schema.Asset
	// Mails gives what a topic sent so far, as it is mailed.
	Mails func(topicARN string) []Mail
	Out   io.Writer
	Color bool
}

// runner is one run.
type runner struct {
	options Options
	out     printer
	stacks  *cloudformation.Client
	iam     *iam.Client
	topics  *sns.Client
	events  *eventbridge.Client
	started time.Time
}

// DriftCheck says whether a trial of these assets makes sense.
func Check(assets []schema.Asset) error {
	_, err := policies.Synthesize(selection(choice{assets: assets}), environment(connection))
	return err
}

// Run plays the trial. It is nil only if every step held.
func Run(ctx context.Context, o Options) error {
	cfg := aws.Config{
		Region:       region,
		BaseEndpoint: &o.Endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider(account, "local", ""),
	}
	run := &runner{
		options: o, out: printer{w: o.Out, color: o.Color}, started: time.Now(),
		stacks: cloudformation.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg),
		topics: sns.NewFromConfig(cfg), events: eventbridge.NewFromConfig(cfg),
	}
	all := choice{assets: o.Assets, operations: []schema.Operation{"backup", "restore"}}
	less, dropped := drop(all)
	run.out.title("permstack on an AWS of its own, at %s: account %s, %s", o.Endpoint, account, region)
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"Launch the stack for " + all.String(), func(ctx context.Context) error { return run.launch(ctx, all) }},
		{"What was granted", func(ctx context.Context) error { return run.checkGranted(ctx, all) }},
		{"Somebody changes the access by hand", func(ctx context.Context) error { return run.checkDriftAlerts(ctx) }},
		{"Update: " + dropped, func(ctx context.Context) error { return run.update(ctx, all, less) }},
		{"A launch that fails rolls back", func(ctx context.Context) error { return run.failedLaunch(ctx, all, less) }},
		{"Delete the stack", func(ctx context.Context) error { return run.delete(ctx) }},
	}
	for i, s := range steps {
		run.out.step(i+1, s.title)
		if err := s.do(ctx); err != nil {
			run.out.failed(err)
			return &StepError{Step: i + 1, Err: err}
		}
	}
	run.out.done("Every step held, in %.1f seconds.", time.Since(run.started).Seconds())
	return nil
}

// StepError is a step that did not hold. The story has told why.
type StepError struct {
	Step int
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("step %d did not hold", e.Step) }
func (e *StepError) Unwrap() error { return e.Err }

// choice is what a customer ticks.
type choice struct {
	assets     []schema.Asset
	operations []schema.Operation
}

func (c choice) String() string {
	return list(c.assets) + "; " + list(c.operations)
}

// list reads like "ec2, rds and s3".
func list[S ~string](items []S) string {
	words := make([]string, len(items))
	for i, s := range items {
		words[i] = string(s)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// drop takes the last asset away, or restore where there is only one.
func drop(c choice) (less choice, what string) {
	if n := len(c.assets) - 1; n > 0 {
		return choice{assets: c.assets[:n], operations: c.operations}, "no longer protect " + string(c.assets[n])
	}
	return choice{assets: c.assets, operations: []schema.Operation{"backup"}}, "no longer restore"
}

func selection(c choice) policies.Selection {
	return policies.Selection{Profile: "clumio", Assets: c.assets, Operations: c.operations}
}

func environment(connection string) policies.Environment {
	parent := installation.Parent{Name: stackName}
	if connection == otherConnection {
		parent.Name = otherStackName
	}
	return policies.Environment{
		StackNames: parent.StackNames(),
		Partition:  "aws", Account: account, Region: region,
		ControlPlaneRoleARN: controlPlane, DataPlaneAccountID: dataPlane,
		ExternalID: externalID, ConnectionID: connection, Path: policies.DefaultPath,
	}
}

func (run *runner) launch(ctx context.Context, c choice) error {
	s, err := run.create(ctx, stackName, connection, c)
	if err != nil {
		return err
	}
	if s.status != "CREATE_COMPLETE" {
		return s.unexpected("CREATE_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", stackName, s.status, s.took.Seconds())
	made, err := run.permissionStacks(ctx)
	if err != nil {
		return err
	}
	if len(made) == 0 {
		return fmt.Errorf("stack %s is complete, but there is no permission stack", stackName)
	}
	for _, p := range made {
		run.out.note(
			"its function wrote the permission stack %s: %s",
			p.name,
			count(p.resources, "resource", "resources"),
		)
	}
	for _, o := range s.outputs {
		if strings.HasSuffix(o.key, "Arn") { // the others are links to the console
			run.out.note("%s: %s", o.key, o.value)
		}
	}
	return nil
}

func (run *runner) checkGranted(ctx context.Context, c choice) error {
	live, err := run.granted(ctx, connection)
	if err != nil {
		return err
	}
	for _, r := range live.roles {
		run.out.passed("role %s", r.name)
		run.out.note(
			"%d managed and %s, %s, %s characters",
			len(r.managed),
			count(len(r.inline), "inline policy", "inline policies"),
			count(r.actions(), "action", "actions"),
			number(r.size()),
		)
		for _, p := range r.managed {
			run.out.note("  %-62s %5s characters of 6,144", p.name, number(p.size))
		}
	}
	run.out.passed(
		"%s and %s tell the backup service of changes",
		count(len(live.topics), "topic", "topics"),
		count(len(live.rules), "event rule", "event rules"),
	)
	if err := live.matches(c, connection); err != nil {
		return err
	}
	run.out.passed(
		"IAM, SNS and EventBridge hold exactly what the catalogue says: %s distinct actions",
		number(live.actions()),
	)
	return nil
}

func (run *runner) update(ctx context.Context, from, to choice) error {
	before, err := run.granted(ctx, connection)
	if err != nil {
		return err
	}
	s, err := run.change(ctx, stackName, connection, to)
	if err != nil {
		return err
	}
	if s.status != "UPDATE_COMPLETE" {
		return s.unexpected("UPDATE_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", stackName, s.status, s.took.Seconds())
	after, err := run.granted(ctx, connection)
	if err != nil {
		return err
	}
	if err := after.matches(to, connection); err != nil {
		return err
	}
	for _, gone := range before.missingIn(after) {
		run.out.note("gone: %s", gone)
	}
	if n, m := before.actions(), after.actions(); m < n {
		run.out.passed(
			"%s of %s actions are gone; IAM holds exactly what the catalogue says for %s",
			number(n-m),
			number(n),
			to,
		)
		return nil
	}
	return fmt.Errorf("update from %s to %s took no action away", from, to)
}

func (run *runner) failedLaunch(ctx context.Context, c, present choice) error {
	taken, err := run.createConflictingRole(ctx, c)
	if err != nil {
		return err
	}
	run.out.note("a role %s is there already; it belongs to somebody else", taken)
	s, err := run.create(ctx, otherStackName, otherConnection, c)
	if err != nil {
		return err
	}
	if s.status != "ROLLBACK_COMPLETE" {
		return s.unexpected("ROLLBACK_COMPLETE")
	}
	run.out.passed("stack %s: %s in %.1f s", otherStackName, s.status, s.took.Seconds())
	reason := s.reason()
	if !strings.Contains(reason, taken) {
		return fmt.Errorf("the reason does not name the role that is in the way, %s: %q", taken, reason)
	}
	run.out.note("the reason that CloudFormation shows: %s", reason)
	if err := run.checkRolledBack(ctx, taken); err != nil {
		return err
	}
	run.out.passed("nothing of it is left, and the other role is as it was")
	live, err := run.granted(ctx, connection)
	if err != nil {
		return err
	}
	if err := live.matches(present, connection); err != nil {
		return fmt.Errorf("the first connection was touched: %w", err)
	}
	run.out.passed("the first connection is as it was")
	if err := run.remove(ctx, otherStackName); err != nil {
		return err
	}
	return run.deleteConflictingRole(ctx, taken)
}

func (run *runner) delete(ctx context.Context) error {
	began := time.Now()
	if err := run.remove(ctx, stackName); err != nil {
		return err
	}
	run.out.passed("stack %s: DELETE_COMPLETE in %.1f s", stackName, time.Since(began).Seconds())
	left, err := run.remaining(ctx)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	run.out.passed("no stack, role, policy, instance profile, topic or rule is left")
	return nil
}
