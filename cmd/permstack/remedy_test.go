package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/remedy"
	"permstack/internal/notify/table"
)

// installed is an installation in the embedded AWS whose findings are resolved by the commands of their messages.
type installed struct {
	t     *testing.T
	cloud *fakeawstest.AWS
	stack *fakeawstest.Stack
	cfg   aws.Config
	words map[string]string // what replaces {name} in a command of a test
	left  map[string]bool   // ids of findings that an earlier case did not resolve, which failed
}

const remedyAccount, remedyRegion = "123456789012", "us-east-1"

// newInstalled launches a stack in an embedded AWS of its own. A nil clock is time.Now.
func newInstalled(t *testing.T, clock func() time.Time) *installed {
	t.Helper()
	cloud := newAWS(t, clock)
	signing, err := lambda.NewFromConfig(cloud.Config(remedyAccount, remedyRegion)).CreateCodeSigningConfig(t.Context(),
		&lambda.CreateCodeSigningConfigInput{AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{
			"arn:aws:signer:us-east-1:999988887777:/signing-profiles/Release/WlXrTjGnKQ",
		}}})
	if err != nil {
		t.Fatal(err)
	}
	stack := cloud.In(remedyAccount, remedyRegion).Launch(fakeawstest.Launch{Parameters: map[string]string{
		"CodeSigningConfigArn": *signing.CodeSigningConfig.CodeSigningConfigArn,
		"ProtectEC2":           "yes", "ProtectEC2MSSQL": "yes", "ProtectS3": "yes", "SupportRole": "yes",
		"SupportControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Support", "ResourceTags": "team=storage",
	}})
	e := &installed{
		t: t, cloud: cloud, stack: stack, left: map[string]bool{}, cfg: cloud.Config(remedyAccount, remedyRegion),
	}
	e.words = map[string]string{
		"admin": fakeawstest.AdministratorAccess, "parent": stack.Name, "account": remedyAccount,
		"region": remedyRegion, "vendor": fakeawstest.ControlPlaneARN,
	}
	for _, name := range []string{stack.Name, stack.PermissionStack(installation.Access),
		stack.PermissionStack(installation.Inventory)} {
		pages := cloudformation.NewListStackResourcesPaginator(stack.CloudFormation,
			&cloudformation.ListStackResourcesInput{StackName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.StackResourceSummaries {
				e.words[*r.LogicalResourceId] = *r.PhysicalResourceId
			}
		}
	}
	e.words["access"], e.words["inventory"] = stack.PermissionStack(installation.Access),
		stack.PermissionStack(installation.Inventory)
	return e
}

// in returns the installation for a subtest.
func (e *installed) in(t *testing.T) *installed {
	other := *e
	other.t, other.stack = t, e.stack.For(t)
	return &other
}

// fill replaces {name} in a command of a test.
func (e *installed) fill(command string) string {
	for name, value := range e.words {
		command = strings.ReplaceAll(command, "{"+name+"}", value)
	}
	return command
}

// aws executes commands of the AWS CLI of a test.
func (e *installed) aws(commands ...string) {
	e.t.Helper()
	for _, command := range commands {
		if _, err := awsCommand(e.t.Context(), e.cfg, e.cloud.Endpoint, e.fill(command)); err != nil {
			e.t.Fatal(err)
		}
	}
}

// permstack runs a command of permstack in this process and returns what it wrote.
func (e *installed) permstack(want []int, args ...string) string {
	e.t.Helper()
	var out, stderr bytes.Buffer
	ctx := awsContext(e.t, e.cloud, remedyAccount, remedyRegion)
	if got := run(ctx, args, &out, &stderr); !slices.Contains(want, got) {
		e.t.Fatalf("permstack %s: exit status %d, want one of %d\n%s%s", strings.Join(args, " "), got, want, &out, &stderr)
	}
	return out.String()
}

// auditKinds are the kinds that permstack audit finds.
var auditKinds = []finding.Kind{
	finding.RoleUnowned, finding.TrustsService, finding.TrustsOwnRole, finding.ResourcePolicyNames, finding.KeyGrantAdded,
	finding.StackOrphaned,
}

// check returns the findings of permstack drift, and those of permstack audit if that finds the kind, by id, and the
// table of both.
func (e *installed) check(kinds ...finding.Kind) (map[string]notify.Reported, string) {
	e.t.Helper()
	out, tables := map[string]notify.Reported{}, new(bytes.Buffer)
	commands := []string{"drift"}
	if slices.ContainsFunc(kinds, func(k finding.Kind) bool { return slices.Contains(auditKinds, k) }) {
		commands = append(commands, "audit")
	}
	for _, command := range commands {
		var m notify.Message
		text := e.permstack([]int{0, 1, 2}, command, "--stack", e.stack.Name, "--output", "json")
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			e.t.Fatalf("permstack %s: %v: %s", command, err, text)
		}
		m.Findings = slices.DeleteFunc(m.Findings, func(f notify.Reported) bool { return e.left[f.ID] })
		for _, f := range m.Findings {
			out[f.ID] = f
			e.checkReported(f, m)
		}
		if err := table.Write(tables, m); err != nil {
			e.t.Fatal(err)
		}
	}
	return out, tables.String()
}

// checkReported checks that a finding has a command or a reason in every form of the message, and a console link.
func (e *installed) checkReported(f notify.Reported, m notify.Message) {
	e.t.Helper()
	if (f.Command == "") == (f.NoCommand == "") {
		e.t.Errorf("%s: command %q, reason %q, want one of the two", f.Kind, f.Command, f.NoCommand)
	}
	if f.Command != "" && !strings.Contains(m.Text(), "\n   command   "+f.Command+"\n") {
		e.t.Errorf("%s: the e-mail does not contain the command %s", f.Kind, f.Command)
	}
	if !strings.HasPrefix(f.Console, "https://us-east-1.console.aws.amazon.com/") ||
		!strings.Contains(m.Text(), "\n   console   "+f.Console+"\n") {
		e.t.Errorf("%s: console %q", f.Kind, f.Console)
	}
}

// execute executes the command of a message literally: permstack in this process, the AWS CLI by awsCommand. It waits
// for the stacks, as whoever executes it does.
func (e *installed) execute(command string) {
	e.t.Helper()
	words, err := splitWords(command)
	if err != nil {
		e.t.Fatal(err)
	}
	if words[0] == "permstack" {
		e.permstack([]int{0}, words[1:]...)
	} else if _, err := awsCommand(e.t.Context(), e.cfg, e.cloud.Endpoint, command); err != nil {
		e.t.Fatal(err)
	}
	for _, name := range []string{e.words["access"], e.words["inventory"], e.words["extra"], e.stack.Name} {
		if name != "" {
			_, _, _ = e.stack.Stacks.Wait(e.t.Context(), remedyAccount, remedyRegion, name)
		}
	}
}

// remedyCase is a tampering that makes a finding of a kind.
type remedyCase struct {
	kind finding.Kind
	name string
	do   func(*installed)
	// more are kinds of findings that the tampering makes beside, each of which its own command resolves.
	more []finding.Kind
	// subject is contained in the subject of the finding, if there are several of the kind.
	subject string
}

// TestRemedies produces findings, executes the command of the message literally, and requires that the finding does not
// exist afterwards and that there is no other one. A full run has findings of every kind; a sample has at least one of
// the kinds that begin with the same word, such as those about trust.
func TestRemedies(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each remedy")
	t.Parallel()
	e := newInstalled(t, nil)
	if found, text := e.check(auditKinds...); len(found) != 0 {
		t.Fatalf("before any change: %s", text)
	}
	sample := policytest.NewStratified(8)
	t.Log(sample)
	for _, c := range remedyCases {
		group, _, _ := strings.Cut(string(c.kind), "-")
		if !sample.Includes(group, string(c.kind)+" "+c.name) {
			continue
		}
		t.Run(string(c.kind)+" "+c.name, func(t *testing.T) { e.in(t).resolve(c) })
	}
	if found, text := e.check(auditKinds...); len(found) != 0 {
		t.Errorf("after all commands: %s", text)
	}
}

// TestEveryCommandIsExecuted requires a case of TestRemedies, or a test of its own, for every kind with a command.
func TestEveryCommandIsExecuted(t *testing.T) {
	tested := map[finding.Kind]bool{}
	for _, c := range remedyCases {
		tested[c.kind] = true
	}
	for kind := range stateCases {
		tested[kind] = true
	}
	for _, kind := range finding.Kinds() {
		if !tested[kind] && !slices.Contains(withoutCommand, kind) {
			t.Errorf("no test executes the command of %s: add a row to remedyCases in remedy_cases_test.go", kind)
		}
	}
}

// resolve makes a tampering and executes the commands of its findings.
func (e *installed) resolve(c remedyCase) {
	e.t.Helper()
	kinds := append([]finding.Kind{c.kind}, c.more...)
	c.do(e)
	open, text := e.check(kinds...)
	resolved := false
	for _, kind := range kinds {
		for _, id := range slices.Sorted(maps.Keys(open)) {
			f, exists := open[id] // it may be resolved by the command of another one
			if !exists || f.Kind != kind || f.Command == "" ||
				kind == c.kind && !strings.Contains(f.Subject, c.subject) && !resolved {
				continue
			}
			if !strings.Contains(text, "\n  command   "+f.Command+"\n") {
				e.t.Errorf("the table does not contain the command %s\n%s", f.Command, text)
			}
			resolved = true
			e.execute(f.Command)
			before := open
			open, text = e.check(kinds...)
			if _, still := open[id]; still {
				e.t.Errorf("after %s: the finding still exists\n%s", f.Command, text)
			}
			for other := range open {
				if _, known := before[other]; !known {
					e.t.Errorf("after %s: there is a new finding\n%s", f.Command, text)
				}
			}
		}
	}
	if !resolved {
		e.t.Errorf("got no finding %s with a command\n%s", c.kind, text)
	}
	if len(open) != 0 {
		e.t.Errorf("after the commands: %s", text)
	}
	for id := range open {
		e.left[id] = true
	}
}

// withoutCommand are the kinds of which no finding has a command.
var withoutCommand = []finding.Kind{finding.ChangeUndone, finding.NotReadable, finding.StateLost}

// partlyWithoutCommand are the kinds of which some findings have none.
var partlyWithoutCommand = []finding.Kind{
	finding.AttachedElsewhere, finding.ChoiceChanged, finding.FunctionTriggerAdded, finding.StackHeld,
	finding.SubscriptionAdded, finding.TagsChanged, finding.TemplateChanged, finding.TopicChanged,
}

// TestKindsWithoutCommand holds the lists of the kinds that one command does not resolve, each with its reason.
func TestKindsWithoutCommand(t *testing.T) {
	got := slices.Sorted(maps.Keys(remedy.Exceptions()))
	want := slices.Sorted(slices.Values(slices.Concat(withoutCommand, partlyWithoutCommand)))
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, kind := range finding.Kinds() {
		f := finding.Finding{ID: "1", Kind: kind, Stack: "s", PhysicalID: "p", Subject: "s"}
		command, reason := remedy.Command(f, remedy.NewPlace("arn:aws:cloudformation:us-east-1:123456789012:stack/s/u"))
		if command == "" && len(reason) < 20 {
			t.Errorf("%s: command %q, reason %q", kind, command, reason)
		}
		if slices.Contains(withoutCommand, kind) && command != "" {
			t.Errorf("%s: got command %s, want none", kind, command)
		}
	}
}
