package interop

import (
	"archive/zip"
	"bufio"
	"errors"

	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// motoDifference is something in which moto 5.2.5 differs from AWS, and what the template is changed to because of it.
type motoDifference struct {
	name    string
	whose   string // the program that differs from AWS
	why     string
	rewrite func(*yaml.Node)
}

// motoDifferences are those that launch-stack.yaml meets. All are moto's. It also skips types that it does not have
// (AWS::CloudWatch::Alarm, AWS::Lambda::EventInvokeConfig, AWS::SNS::TopicInlinePolicy and AWS::SQS::QueuePolicy), and
// AWS::CloudFormation::StackSet is one of them, so that stackset.yaml itself cannot run there.
var motoDifferences = []motoDifference{
	{
		"NoValue for a statement", "moto", "AWS::NoValue removes a statement from a policy (as the next one); moto keeps " +
			"it as null, and IAM's CreatePolicy fails. Without all of these statements VendorCeiling would have none",
		replaceNoValueStatements,
	},
	{
		"NoValue in a list", "moto", "AWS::NoValue removes an element of a list (CloudFormation User Guide, \"Pseudo " +
			"parameters reference\"); moto keeps it as null, and IAM's CreateRole fails", removeNoValueElements,
	},
	{
		"parameter without Name", "moto", "the Name of AWS::SSM::Parameter is optional (CloudFormation template " +
			"reference); moto requires it", nameParameters,
	},
	{
		"custom resource", "moto", "moto runs functions in Docker", removeCustomResource,
	},
}

// TestMotoRollOut creates a stack set from launch-stack.yaml on moto and deploys it to the accounts of an
// organizational unit in two Regions.
func TestMotoRollOut(t *testing.T) {
	t.Parallel()
	c := startAWSCLI(t, startMoto(t, tool(t, "PERMSTACK_MOTO"))).at("111111111111", "us-east-1")
	template := motoTemplate(t)

	var organization struct {
		Roots []struct {
			ID string `json:"Id"`
		}
	}
	c.run(nil, "organizations", "create-organization")
	c.run(&organization, "organizations", "list-roots")
	root := organization.Roots[0].ID
	var unit struct {
		OrganizationalUnit struct {
			ID string `json:"Id"`
		}
	}
	c.run(&unit, "organizations", "create-organizational-unit", "--parent-id", root, "--name", "Production")
	var members []string
	for _, name := range []string{"shop", "billing"} {
		var made struct {
			CreateAccountStatus struct {
				AccountID string `json:"AccountId"`
			}
		}
		c.run(&made, "organizations", "create-account", "--account-name", name, "--email", name+"@example.com")
		members = append(members, made.CreateAccountStatus.AccountID)
		c.run(nil, "organizations", "move-account", "--account-id", made.CreateAccountStatus.AccountID,
			"--source-parent-id", root, "--destination-parent-id", unit.OrganizationalUnit.ID)
	}
	regions := []string{"us-east-1", "eu-central-1"}
	release := t.TempDir() // as in dist/release: the template, and a zip for each function and architecture
	copyFile(t, template, filepath.Join(release, "launch-stack.yaml"))
	for _, name := range []string{"drift", "provisioner"} {
		for _, architecture := range []string{"amd64", "arm64"} {
			writeZip(t, filepath.Join(release, name+"-"+architecture+".zip"))
		}
	}
	for _, region := range regions {
		bucket := "s3://amzn-s3-demo-permstack-" + region
		c.run(nil, "s3", "mb", bucket, "--region", region)
		c.run(nil, "s3", "sync", release, bucket+"/permstack/unreleased", "--only-show-errors", "--region", region)
	}
	values := []string{
		"ParameterKey=ExternalId,ParameterValue=secret", "ParameterKey=ConnectionId,ParameterValue=org",
		"ParameterKey=ControlPlaneRoleArn,ParameterValue=arn:aws:iam::111122223333:role/Control",
	}
	c.run(nil, append([]string{
		"cloudformation", "create-stack-set", "--stack-set-name", "permstack", "--permission-model", "SERVICE_MANAGED",
		"--auto-deployment", "Enabled=true,RetainStacksOnAccountRemoval=false", "--capabilities", "CAPABILITY_IAM",
		"--template-url", "https://amzn-s3-demo-permstack-us-east-1.s3.us-east-1.amazonaws.com/permstack/unreleased/" +
			"launch-stack.yaml", "--parameters",
	}, values...)...)
	c.run(nil, append([]string{
		"cloudformation", "create-stack-instances", "--stack-set-name", "permstack", "--deployment-targets",
		"OrganizationalUnitIds=" + unit.OrganizationalUnit.ID, "--regions",
	}, regions...)...)
	var instances struct {
		Summaries []struct{ Account, Region, Status string }
	}
	c.run(&instances, "cloudformation", "list-stack-instances", "--stack-set-name", "permstack")
	var got []string
	for _, in := range instances.Summaries {
		got = append(got, in.Account+" "+in.Region+" "+in.Status)
	}
	var want []string
	for _, m := range members {
		for _, r := range regions {
			want = append(want, m+" "+r+" CURRENT")
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got instances %q, want %q", got, want)
	}
	for i, m := range members {
		requireMotoStack(t, c, m, regions[i])
	}
}

// requireMotoStack requires what the template creates in the account and Region of a member. moto hides the stack of an
// instance with service-managed permissions, so that its resources are read from their services.
func requireMotoStack(t *testing.T, admin cli, account, region string) {
	t.Helper()
	var session struct {
		Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	}
	admin.run(&session, "sts", "assume-role", "--role-session-name", "member", "--role-arn",
		"arn:aws:iam::"+account+":role/OrganizationAccountAccessRole")
	credentials := session.Credentials
	env := append(environment(admin.endpoint, credentials.AccessKeyID, region),
		"AWS_SECRET_ACCESS_KEY="+credentials.SecretAccessKey, "AWS_SESSION_TOKEN="+credentials.SessionToken)
	member := cli{admin.awsCLI, env, account + " " + region}
	for _, list := range []struct {
		want  int
		query []string
	}{
		{2, []string{"lambda", "list-functions", "--query", "Functions"}},
		{1, []string{"sns", "list-topics", "--query", "Topics"}},
		{1, []string{"ssm", "describe-parameters", "--query", "Parameters"}},
		{1, []string{"logs", "describe-log-groups", "--query", "logGroups"}},
		{3, []string{"iam", "list-roles", "--path-prefix", "/permstack/" + region + "/org/installer/", "--query", "Roles"}},
	} {
		var got []any
		member.run(&got, list.query...)
		if len(got) != list.want {
			t.Errorf("%s: aws %s: got %v, want %d", member.location, strings.Join(list.query, " "), got, list.want)
		}
	}
}

// motoTemplate writes launch-stack.yaml with every difference removed, and returns the path of the file.
func motoTemplate(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "templates", "launch-stack.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	for _, d := range motoDifferences {
		before, err := yaml.Marshal(&document)
		if err != nil {
			t.Fatal(err)
		}
		d.rewrite(&document)
		after, err := yaml.Marshal(&document)
		if err != nil {
			t.Fatal(err)
		}
		if string(after) == string(before) {
			t.Errorf("difference %q of %s (%s): the template does not meet it any more", d.name, d.whose, d.why)
		}
	}
	data, err = yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "launch-stack.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// removeNoValueElements removes elements of lists that may be AWS::NoValue.
func removeNoValueElements(n *yaml.Node) {
	if n.Kind == yaml.SequenceNode && n.Tag != "!If" {
		n.Content = slices.DeleteFunc(n.Content, func(item *yaml.Node) bool {
			return item.Tag == "!If" && slices.ContainsFunc(item.Content, func(branch *yaml.Node) bool {
				return branch.Tag == "!Ref" && branch.Value == "AWS::NoValue"
			})
		})
	}
	for _, child := range n.Content {
		removeNoValueElements(child)
	}
}

// replaceNoValueStatements replaces AWS::NoValue for a statement of a policy by a statement that grants nothing:
// GetCallerIdentity requires no permission (STS API reference).
func replaceNoValueStatements(n *yaml.Node) {
	if n.Tag == "!If" {
		statement, other := n.Content[1], n.Content[2]
		if other.Tag == "!Ref" && other.Value == "AWS::NoValue" && slices.ContainsFunc(statement.Content,
			func(key *yaml.Node) bool { return key.Value == "Effect" }) {
			var none yaml.Node
			if err := none.Encode(map[string]string{
				"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*",
			}); err != nil { // strings always encode
				panic(err)
			}
			n.Content[2] = &none
		}
	}
	for _, child := range n.Content {
		replaceNoValueStatements(child)
	}
}

// nameParameters adds a name to each SSM parameter.
func nameParameters(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == "Type" && n.Content[i+1].Value == "AWS::SSM::Parameter" {
			for j := 0; j+1 < len(n.Content); j += 2 {
				if n.Content[j].Value == "Properties" {
					n.Content[j+1].Content = append(n.Content[j+1].Content,
						&yaml.Node{Kind: yaml.ScalarNode, Value: "Name"},
						&yaml.Node{Kind: yaml.ScalarNode, Tag: "!Ref", Value: "AWS::StackName"})
				}
			}
		}
	}
	for _, child := range n.Content {
		nameParameters(child)
	}
}

// removeCustomResource removes the custom resource, and the outputs that read it.
func removeCustomResource(n *yaml.Node) {
	document := n.Content[0]
	for i := 0; i+1 < len(document.Content); i += 2 {
		section := document.Content[i+1]
		if name := document.Content[i].Value; name != "Resources" && name != "Outputs" {
			continue
		}
		var kept []*yaml.Node
		for j := 0; j+1 < len(section.Content); j += 2 {
			text, err := yaml.Marshal(section.Content[j+1])
			if err != nil || strings.Contains(string(text), "Custom::") || strings.Contains(string(text), "PermissionStack.") ||
				strings.Contains(string(text), "PermissionStack\n") {
				continue
			}
			kept = append(kept, section.Content[j], section.Content[j+1])
		}
		section.Content = kept
	}
}

// startMoto runs moto on a free port until the test ends and returns its endpoint.
func startMoto(t *testing.T, program string) string {
	t.Helper()
	command := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	out, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, endpoint, ok := strings.Cut(lines.Text(), "Running on "); ok {
			go keepTraceback(t, lines)
			return strings.TrimSpace(endpoint)
		}
	}
	t.Fatal("moto ended without listening")
	return ""
}

// keepTraceback logs what moto prints about an internal error. It ends with moto.
func keepTraceback(t *testing.T, lines *bufio.Scanner) {
	found := false
	for lines.Scan() {
		found = found || strings.HasPrefix(lines.Text(), "Traceback")
		if found && t.Context().Err() == nil {
			t.Log("moto: " + lines.Text())
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writeZip writes a zip with an empty bootstrap: moto stores the code and does not run it.
func writeZip(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	_, err = archive.Create("bootstrap")
	if err := errors.Join(err, archive.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}
