package interop

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// cli is the AWS CLI in one account and Region of the embedded AWS.
type cli struct {
	*awsCLI
	env      []string
	location string
}

// templateURL returns the URL of template.yaml in the embedded S3.
func (c cli) templateURL() string { return c.endpoint + "/permstack-local-templates/template.yaml" }

// run calls the CLI and reads its JSON; it fails the test on an error.
func (c cli) run(into any, args ...string) {
	c.t.Helper()
	stdout, stderr, status := c.call(c.env, append(args, "--output", "json"))
	if status != 0 {
		c.t.Fatalf("%s: aws %s: status %d\n%s", c.location, strings.Join(args[:2], " "), status, stderr)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(stdout), into); err != nil {
		c.t.Fatalf("%s: aws %s: %v\n%s", c.location, strings.Join(args[:2], " "), err, stdout)
	}
}

// runRefused calls the CLI, fails the test if that succeeds, and returns the error message.
func (c cli) runRefused(args ...string) string {
	c.t.Helper()
	stdout, stderr, status := c.call(c.env, args)
	if status == 0 {
		c.t.Fatalf("%s: aws %s succeeded: %s", c.location, strings.Join(args[:2], " "), stdout)
	}
	return stderr
}

// pollPause is the pause between two calls that wait for a stack.
const pollPause = 200 * time.Millisecond

type stack struct {
	StackID           string `json:"StackId"`
	StackStatus       string
	StackStatusReason string
	Outputs           []struct{ OutputKey, OutputValue string }
}

func (s stack) output(key string) string {
	for _, o := range s.Outputs {
		if o.OutputKey == key {
			return o.OutputValue
		}
	}
	return ""
}

// waitForStatus waits until no operation of a stack is in progress, and fails the test if its status is another one.
func (c cli) waitForStatus(name, status string) stack {
	c.t.Helper()
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		var out struct{ Stacks []stack }
		c.run(&out, "cloudformation", "describe-stacks", "--stack-name", name)
		s := out.Stacks[0]
		if strings.HasSuffix(s.StackStatus, "_IN_PROGRESS") {
			time.Sleep(pollPause)
			continue
		}
		if s.StackStatus != status {
			var events struct {
				StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string }
			}
			c.run(&events, "cloudformation", "describe-stack-events", "--stack-name", name)
			c.t.Fatalf("%s: stack %s is %s, want %s: %s\n%v",
				c.location, name, s.StackStatus, status, s.StackStatusReason, events.StackEvents)
		}
		return s
	}
	c.t.Fatalf("%s: stack %s is still in progress after ten minutes", c.location, name)
	return stack{}
}

// parameters returns arguments for the parameters of template.yaml with some Protect… parameters set to yes.
func parameters(connection string, protect ...string) []string {
	values := map[string]string{
		"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "DataPlaneAccountId": "444455556666",
		"ExternalId": "example", "ConnectionId": connection, "ProtectEC2": "no",
	}
	for _, p := range protect {
		values["Protect"+p] = "yes"
	}
	args := []string{"--parameters"}
	for k, v := range values {
		args = append(args, fmt.Sprintf("ParameterKey=%s,ParameterValue=%s", k, v))
	}
	return args
}

func (c cli) create(name, connection string, protect ...string) {
	c.t.Helper()
	c.run(nil, append([]string{
		"cloudformation", "create-stack", "--stack-name", name, "--template-url", c.templateURL(),
		"--capabilities", "CAPABILITY_IAM",
	}, parameters(connection, protect...)...)...)
}

// attached returns the names of the policies that are attached to a role, separated by spaces.
func (c cli) attached(roleARN string) string {
	c.t.Helper()
	var out struct {
		AttachedPolicies []struct{ PolicyName string }
	}
	c.run(&out, "iam", "list-attached-role-policies", "--role-name", roleARN[strings.LastIndex(roleARN, "/")+1:])
	var names []string
	for _, p := range out.AttachedPolicies {
		names = append(names, p.PolicyName)
	}
	return strings.Join(names, " ")
}

// TestAWSCLI launches, updates and deletes stacks with the AWS CLI as a customer would, in two accounts and two Regions
// at the same time.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	aws := startAWSCLI(t, startLocal(t, buildCommand(t)))
	here, east := aws.at("111111111111", "us-east-1"), aws.at("111111111111", "eu-central-1")
	other := aws.at("222222222222", "us-east-1")

	here.create("backup", "main", "EC2", "S3")
	east.create("backup", "main", "RDS")
	other.create("backup", "main", "DynamoDB")
	first := here.waitForStatus("backup", "CREATE_COMPLETE")
	second := east.waitForStatus("backup", "CREATE_COMPLETE")
	third := other.waitForStatus("backup", "CREATE_COMPLETE")

	role := first.output("RoleArn")
	if !strings.HasPrefix(role, "arn:aws:iam::111111111111:role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-main") {
		t.Errorf("RoleArn = %q", role)
	}
	wants := map[string][2]string{ // stack → a policy that is attached, one that is not
		first.StackID:  {"ClumioS3BackupPolicy", "ClumioRdsBackupPolicy"},
		second.StackID: {"ClumioRdsBackupPolicy", "ClumioS3BackupPolicy"},
		third.StackID:  {"ClumioDynamoDbBackupPolicy", "ClumioS3BackupPolicy"},
	}
	check := func(c cli, s stack) {
		t.Helper()
		names := c.attached(s.output("RoleArn"))
		if want := wants[s.StackID]; !strings.Contains(names, want[0]) || strings.Contains(names, want[1]) {
			t.Errorf("%s: attached are %s; want %s and not %s", c.location, names, want[0], want[1])
		}
	}
	check(here, first)
	check(east, second)
	check(other, third)

	var resources struct {
		StackResources []struct{ LogicalResourceId, ResourceType, ResourceStatus string }
	}
	here.run(&resources, "cloudformation", "describe-stack-resources", "--stack-name", "backup")
	if len(resources.StackResources) < 5 {
		t.Errorf("describe-stack-resources: %v", resources.StackResources)
	}
	for _, r := range resources.StackResources {
		if r.ResourceStatus != "CREATE_COMPLETE" {
			t.Errorf("resource %s is %s", r.LogicalResourceId, r.ResourceStatus)
		}
	}
	var topic struct{ Attributes map[string]string }
	here.run(&topic, "sns", "get-topic-attributes", "--topic-arn", first.output("EventTopicArn"))
	if !json.Valid([]byte(topic.Attributes["Policy"])) {
		t.Errorf("the topic's policy is %q", topic.Attributes["Policy"])
	}
	var rules struct {
		Rules []struct{ Name, State string }
	}
	here.run(&rules, "events", "list-rules")
	if len(rules.Rules) == 0 {
		t.Error("there are no event rules")
	}

	// An update that drops S3 touches nothing but this stack.
	here.run(nil, append([]string{
		"cloudformation", "update-stack", "--stack-name", "backup", "--use-previous-template", "--capabilities",
		"CAPABILITY_IAM",
	}, parameters("main", "EC2")...)...)
	first = here.waitForStatus("backup", "UPDATE_COMPLETE")
	wants[first.StackID] = [2]string{"ClumioEC2BackupPolicy", "ClumioS3BackupPolicy"}
	check(here, first)
	check(east, second)
	check(other, third)
	if got := first.output("RoleArn"); got != role {
		t.Errorf("the update changed RoleArn from %s to %s", role, got)
	}

	// An invalid choice is refused before anything is created.
	message := here.runRefused(append([]string{
		"cloudformation", "create-stack", "--stack-name", "nothing", "--template-url", here.templateURL(),
		"--capabilities", "CAPABILITY_IAM",
	}, parameters("none")...)...)
	if !strings.Contains(message, "at least one kind of asset") {
		t.Errorf("no asset: got %s", message)
	}

	// A launch whose role already exists fails with that reason and rolls back.
	here.create("again", "main", "EC2")
	here.waitForStatus("again", "ROLLBACK_COMPLETE")
	var events struct {
		StackEvents []struct{ LogicalResourceId, ResourceStatus, ResourceStatusReason string }
	}
	here.run(&events, "cloudformation", "describe-stack-events", "--stack-name", "again")
	reason := ""
	for _, e := range events.StackEvents {
		if e.LogicalResourceId == "PermissionStack" && e.ResourceStatus == "CREATE_FAILED" {
			reason = e.ResourceStatusReason
		}
	}
	if !strings.Contains(reason, "us-east-1-main") || !strings.Contains(reason, "exist") {
		t.Errorf("the reason of the failure is %q; want the name of the existing role", reason)
	}
	check(here, first)

	for _, c := range []cli{here, east, other} {
		c.run(nil, "cloudformation", "delete-stack", "--stack-name", "backup")
	}
	here.run(nil, "cloudformation", "delete-stack", "--stack-name", "again")
	waitForDeletions(here, east, other)
}

// waitForDeletions waits until no stack exists, and fails the test if any other resource remains.
func waitForDeletions(all ...cli) {
	for _, c := range all { // of every Region, because IAM's resources belong to none
		c.waitForDeletion()
	}
	for _, c := range all {
		c.requireEmpty()
	}
}

func (c cli) waitForDeletion() {
	c.t.Helper()
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(pollPause) {
		var out struct{ Stacks []stack }
		c.run(&out, "cloudformation", "describe-stacks")
		if len(out.Stacks) == 0 {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s: stacks are left: %v", c.location, out.Stacks)
		}
	}
}

func (c cli) requireEmpty() {
	c.t.Helper()
	for _, list := range [][]string{
		{"iam", "list-roles"}, {"iam", "list-policies", "--scope", "Local"}, {"iam", "list-instance-profiles"},
		{"sns", "list-topics"}, {"events", "list-rules"},
	} {
		var out map[string][]any
		c.run(&out, list...)
		for _, left := range out {
			if len(left) > 0 {
				c.t.Errorf("%s: left behind: %v", c.location, left)
			}
		}
	}
}
