package interop

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/e2e/docsection"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// driftDocument contains the table of TestPeers.
const driftDocument = "../docs/drift.md"

var update = flag.Bool("update", false, "write the comparison in docs/drift.md")

// TestPeers changes one installation for each case, and compares what permstack, CloudFormation's drift detection and
// cfn-drift-extended report that they did not report before the change. The table in docs/drift.md is the result.
// CloudFormation's drift detection is the one of the embedded AWS, which compares the properties that a template
// declares with what exists, as the User Guide describes it ("Detect unmanaged configuration changes").
func TestPeers(t *testing.T) {
	t.Parallel()
	program := tool(t, "PERMSTACK_CFN_DRIFT")
	p := &peers{
		program: program,
		account: fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "us-east-1"),
	}
	cases := append(peerTamperings(), harmlessChanges()...)
	sample := policytest.NewSample(8)
	if !*update {
		t.Log(sample)
		cases = slices.DeleteFunc(cases, func(c peerCase) bool { return !sample.Includes(c.name) })
	}
	full := len(cases) == len(peerTamperings())+len(harmlessChanges())
	installed := make([]*tampered, len(cases))
	var unchanged [2]int
	for i := range cases {
		connection := fmt.Sprintf("c%02d", i)
		installed[i] = &tampered{Stack: p.account.Launch(fakeawstest.Launch{
			Name:       "backup-" + connection,
			Parameters: installedParameters(connection),
		}), t: t, connection: connection}
		installed[i].CheckDrift()
		installed[i].Messages()
		if i == 0 && full { // the only installation of the account: there are no rules of others on the event bus
			own := installed[:1]
			unchanged = [2]int{p.cloudFormation(t, own).count(own[0].stacks()), p.extended(t).count(own[0].stacks())}
		}
	}
	stacksBefore, extendedBefore := p.cloudFormation(t, installed), p.extended(t)
	for i, c := range cases {
		if err := c.do(installed[i]); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	stacksAfter, extendedAfter := p.cloudFormation(t, installed), p.extended(t)

	document, err := os.ReadFile(driftDocument)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	fmt.Fprint(&table, "| change | permstack | CloudFormation | cfn-drift-extended |\n|---|---|---|---|\n")
	counts := map[bool][3]int{} // harmless -> reports
	for i, c := range cases {
		s := installed[i]
		direction := s.direction()
		found := [3]bool{
			direction != "",
			stacksAfter.countMore(stacksBefore, s.stacks()),
			extendedAfter.countMore(extendedBefore, append(s.stacks(), s.connection)),
		}
		if direction != c.want {
			t.Errorf("%s: got direction %q, want %q", c.name, direction, c.want)
		}
		n := counts[c.harmless]
		for k := range found {
			if found[k] {
				n[k]++
			}
		}
		counts[c.harmless] = n
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", c.name, cell(found[0], string(direction), c.harmless),
			cell(found[1], "found", c.harmless), cell(found[2], "found", c.harmless))
		table.WriteString(row)
		if !full && !strings.Contains(string(document), row) {
			t.Errorf("%s has no row %s", driftDocument, row)
		}
	}
	if !full {
		return
	}
	n, m := counts[false], counts[true]
	fmt.Fprintf(&table, "| **found, of %d** | %d | %d | %d |\n", len(peerTamperings()), n[0], n[1], n[2])
	fmt.Fprintf(&table, "| **false alarms, of %d** | %d | %d | %d |\n", len(harmlessChanges()), m[0], m[1], m[2])
	fmt.Fprintf(&table, "| **findings before any change, one installation** | 0 | %d | %d |\n", unchanged[0], unchanged[1])
	docsection.Check(t, driftDocument, "comparison", "go test ./interop -run TestPeers -update", table.String(), *update)
}

func cell(found bool, text string, harmless bool) string {
	switch {
	case found && harmless:
		return "false alarm"
	case found:
		return text
	}
	return "–"
}

// peers runs the other means of drift detection.
type peers struct {
	program string
	account *fakeawstest.Account
}

// reports holds what was reported, by the name of the stack that it is about.
type reports map[string]map[string]bool

func (r reports) add(stack, text string) {
	if r[stack] == nil {
		r[stack] = map[string]bool{}
	}
	r[stack][text] = true
}

func (r reports) count(stacks []string) int {
	n := 0
	for _, s := range stacks {
		n += len(r[s])
	}
	return n
}

// countMore reports whether something is reported that was not reported before.
func (r reports) countMore(before reports, stacks []string) bool {
	for _, s := range stacks {
		for text := range r[s] {
			if !before[s][text] {
				return true
			}
		}
	}
	return false
}

// cloudFormation detects drift of every stack of the installations.
func (p *peers) cloudFormation(t *testing.T, installed []*tampered) reports {
	t.Helper()
	out := reports{}
	for _, s := range installed {
		for _, name := range s.stacks() {
			begun, err := p.account.CloudFormation.DetectStackDrift(t.Context(),
				&cloudformation.DetectStackDriftInput{StackName: &name})
			if err != nil {
				t.Fatal(err)
			}
			for {
				status, err := p.account.CloudFormation.DescribeStackDriftDetectionStatus(t.Context(),
					&cloudformation.DescribeStackDriftDetectionStatusInput{StackDriftDetectionId: begun.StackDriftDetectionId})
				if err != nil {
					t.Fatal(err)
				}
				if status.DetectionStatus != cfntypes.StackDriftDetectionStatusDetectionInProgress {
					break
				}
			}
			drifts, err := p.account.CloudFormation.DescribeStackResourceDrifts(t.Context(),
				&cloudformation.DescribeStackResourceDriftsInput{
					StackName: &name, StackResourceDriftStatusFilters: []cfntypes.StackResourceDriftStatus{
						cfntypes.StackResourceDriftStatusModified, cfntypes.StackResourceDriftStatusDeleted,
					},
				})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range drifts.StackResourceDrifts {
				out.add(name, *d.LogicalResourceId)
			}
		}
	}
	return out
}

// extended runs both commands of cfn-drift-extended over the account. What "orphans" reports belongs to no stack and is
// listed under the connection that its name contains.
func (p *peers) extended(t *testing.T) reports {
	t.Helper()
	out := reports{}
	var audit struct {
		Findings []map[string]any `json:"findings"`
	}
	p.run(t, &audit, "audit", "--stack-prefix", "backup-", "--no-fail-on-drift")
	for _, f := range audit.Findings {
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		out.add(fmt.Sprint(f["stack_name"]), string(text))
	}
	var orphans struct {
		Findings []map[string]any `json:"findings"`
	}
	p.run(t, &orphans, "orphans", "--services", "iam,lambda,sqs,sns")
	for _, f := range orphans.Findings {
		id := fmt.Sprint(f["resource_id"])
		parts := strings.FieldsFunc(id, func(r rune) bool { return r == '-' || r == '/' || r == ':' })
		out.add(parts[len(parts)-1], id)
	}
	return out
}

// run runs a command of cfn-drift-extended and reads its report.
func (p *peers) run(t *testing.T, into any, args ...string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	env := environment(p.account.Endpoint, p.account.ID, p.account.Region)
	args = append(args, "--region", p.account.Region, "--output-json", report)
	_, stderr, err := runProgram(t, env, p.program, args...)
	text, readError := os.ReadFile(report)
	if readError != nil { // the exit status of "orphans" is 1 if it finds something
		t.Fatalf("cfn-drift-extended %s: %v\n%s", args[0], err, stderr)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// tampered is an installation that a case changes.
type tampered struct {
	*fakeawstest.Stack
	t          *testing.T
	connection string
}

// stacks returns the names of the installation's stacks.
func (s *tampered) stacks() []string {
	return []string{s.Name, s.PermissionStack(installation.Access), s.PermissionStack(installation.Inventory)}
}

// direction runs the check and returns the direction that it reports; "" if it reports nothing.
func (s *tampered) direction() finding.Direction {
	s.CheckDrift()
	var out finding.Direction
	for _, m := range s.Messages() {
		if m.Kind == notify.KindDrift {
			out = m.Direction
		}
	}
	return out
}

func (s *tampered) roleName() *string { return aws.String("ClumioIAMRole-us-east-1-" + s.connection) }
