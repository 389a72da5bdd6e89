package profilefile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestNarrow checks for which actions and resources of a statement AWS sends the tags or the VPC of a resource
// (Service Authorization Reference, Amazon EC2), and that a notNarrowed that says nothing new is refused.
func TestNarrow(t *testing.T) {
	const (
		volume   = "'arn:${Partition}:ec2:${Region}:${Account}:volume/*'"
		snapshot = "'arn:${Partition}:ec2:${Region}::snapshot/*'"
		vpc      = "'arn:${Partition}:ec2:${Region}:${Account}:vpc/*'"
		subnet   = "'arn:${Partition}:ec2:${Region}:${Account}:subnet/*'"
	)
	const useless = "17: notNarrowed: tag narrows nothing of statement N; leave it out"
	for _, tt := range []struct {
		name, statement string
		want            string // the kinds, actions and resources that are narrowed
		problems        []string
	}{
		{"a volume", "actions: ec2:ModifyVolume, resources: " + volume, "{tag [] []}", nil},
		{"a volume for backups", "for: {operations: backup}, actions: ec2:ModifyVolume, resources: " + volume, "{tag [] []}",
			nil},
		{"a snapshot, beside a volume", "actions: ec2:DeleteSnapshot, resources: [" + volume + ", " + snapshot + "]", "",
			nil},
		{"a volume of the vendor's", "actions: ec2:DeleteVolume, when: {StringEquals: {'aws:ResourceTag/V': x}}, " +
			"resources: " + volume, "", nil},
		{"a volume with a tag of its own", "actions: ec2:CreateVolume, when: {StringEquals: {'aws:RequestTag/V': x}}, " +
			"resources: " + volume, "", nil},
		{"a subnet", "actions: ec2:DeleteSubnet, resources: " + subnet, "{vpc [] []}", nil},
		{"a recorded reason", "notNarrowed: {tag: all of them}, actions: ec2:ModifyVolume, resources: " + volume, "", nil},
		{"a reason for VPCs", "notNarrowed: {vpc: new ones}, actions: ec2:DeleteVpc, resources: " + vpc, "", nil},
		{"a reason for nothing", "notNarrowed: {tag: none}, actions: ec2:DeleteSnapshot, resources: " + snapshot, "",
			[]string{useless}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := small + "          - {sid: N, why: works, " + tt.statement + "}\n"
			loaded, found := problems(t, map[string]string{"acme.yaml": text})
			var got []string
			for _, n := range loaded.Profile.Roles[0].Policies[0].Statements[1].Narrow {
				got = append(got, fmt.Sprint(n))
			}
			if narrow := strings.Join(got, " "); narrow != tt.want || !slices.Equal(found, tt.problems) {
				t.Errorf("got %s, %q, want %s, %q", narrow, found, tt.want, tt.problems)
			}
		})
	}
}

// TestMisplacedLine checks which line is the first that begins in a column of its own.
func TestMisplacedLine(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		from  int
		want  int
	}{
		{"none", []string{"a:", "  b: 1", "  c:", "    - d: 1", "      e: 1", "f: 1"}, 1, 0},
		{"a key between two levels", []string{"a:", "    b: 1", "  c: 2"}, 1, 3},
		{"from its line", []string{"a:", "    b: 1", "  c: 2"}, 3, 3},
		{"before the first line to examine", []string{"a:", "    b: 1", "  c: 2"}, 4, 0},
		{"the first line", []string{"    a: 1", "  b: 2"}, 1, 2},
		{"comments and empty lines", []string{"a:", "    b: 1", "", "  # comment", " ", "    c: 2"}, 1, 0},
		{"a text of several lines", []string{"a:", "    b: |", "          text", "        less", "    c: 1"}, 1, 0},
		{"after one", []string{"a:", "    b: |", "          text", "  c: 1"}, 1, 4},
		{"at the margin", []string{"a: |", "    text", "  less", "b: 1"}, 1, 0},
		{"a key in the column of one", []string{"a:", "    b: |", "      t", "    c:", "        d: 1", "      e: 1"}, 1, 6},
		{"a text in an item", []string{"- a: >-", "      text", "    less", "  b: 1"}, 1, 0},
		{"a list in the column of its key", []string{"a:", "- x: 1", "  y: 2", "b: 2", "c:", "- z: 1"}, 1, 0},
		{"a key in the column of a list", []string{"- a: 1", "b: 2"}, 1, 2},
		{"an item beside its list", []string{"a:", "    - b: 1", "  - c: 1"}, 1, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := misplacedLine(strings.Join(tt.lines, "\n"), tt.from); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestSyntaxProblem(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"the last line", "a: 1\nb: [x", "2: a [ is not closed, or two items have no comma between them " +
			"(did not find expected ',' or ']')"},
		{"no line for the advice", "a: {b: c\nd", "2: a { is not closed, or a text with braces is not in quotes: " +
			"'${Account}' (did not find expected ',' or '}')"},
		{"no advice", "a: \"\\q\"\n", "1: found unknown escape character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := problems(t, map[string]string{"acme.yaml": tt.text})
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
