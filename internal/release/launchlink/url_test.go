package launchlink_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack"
	"permstack/internal/awsapi/region"
	"permstack/internal/policies"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

func link() launchlink.Link {
	return launchlink.Link{
		TemplateURL: "https://releases-eu-west-1.s3.eu-west-1.amazonaws.com/permstack/v1/clumio.yaml",
		Region:      "eu-west-1", StackName: "permstack", Profile: "clumio",
	}
}

// profileStack returns the template of a built-in profile.
func profileStack(t *testing.T, name string) []byte {
	t.Helper()
	p, _ := policies.Profile(name)
	stack, err := launch.ProfileStack(permstack.Template, p, launch.Unreleased(launch.Functions(permstack.Template)...))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// TestURL parses links as the console does.
func TestURL(t *testing.T) {
	stack := profileStack(t, "clumio")
	l := link()
	l.Assets, l.Operations = []string{"ec2-mssql", "s3"}, []string{"restore"}
	l.Parameters = map[string]string{"ResourceTags": "team=a b+c", "ConnectionId": "c-1", "PermissionsBoundaryArn": ""}
	text, err := l.URL(stack)
	if err != nil {
		t.Fatal(err)
	}
	page, query, ok := strings.Cut(text, "#/stacks/quickcreate?")
	if !ok || page != "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1" ||
		strings.ContainsAny(text, " +") {
		t.Errorf("got link %s", text)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"templateURL": l.TemplateURL, "stackName": "permstack", "param_ProtectEC2MSSQL": "yes", "param_ProtectS3": "yes",
		"param_ProtectEC2": "no", "param_ProtectRDS": "no", "param_AllowBackup": "no", "param_AllowRestore": "yes",
		"param_ResourceTags": "team=a b+c", "param_ConnectionId": "c-1", "param_PermissionsBoundaryArn": "",
	} {
		t.Run(name, func(t *testing.T) {
			if got, there := values[name]; !there || got[0] != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}

	for region, want := range map[string]string{
		"us-gov-west-1": "https://us-gov-west-1.console.amazonaws-us-gov.com/",
		"cn-north-1":    "https://cn-north-1.console.amazonaws.cn/",
	} {
		t.Run(region, func(t *testing.T) {
			l := link()
			l.Region = region
			l.TemplateURL = strings.ReplaceAll(l.TemplateURL, "eu-west-1", region)
			if strings.HasPrefix(region, "cn-") {
				l.TemplateURL = strings.Replace(l.TemplateURL, ".amazonaws.com", ".amazonaws.com.cn", 1)
			}
			text, err := l.URL(stack)
			if err != nil || !strings.HasPrefix(text, want) || strings.Contains(text, "param_") {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
}

func TestURLErrors(t *testing.T) {
	stack := profileStack(t, "clumio")
	for name, tc := range map[string]struct {
		edit func(*launchlink.Link)
		want string
	}{
		"a secret": {func(l *launchlink.Link) { l.Parameters = map[string]string{"ExternalId": "x"} }, "is secret"},
		"an unknown name": {func(l *launchlink.Link) { l.Parameters = map[string]string{"Colour": "x"} },
			"the template has ProtectEC2"},
		"an unknown asset": {func(l *launchlink.Link) { l.Assets = []string{"floppy"} }, "asset \"floppy\""},
		"no asset":         {func(l *launchlink.Link) { l.Assets = []string{} }, "at least one kind of asset"},
		"an unknown verb":  {func(l *launchlink.Link) { l.Operations = []string{"destroy"} }, "clumio has backup, restore"},
		"a wrong value":    {func(l *launchlink.Link) { l.Parameters = map[string]string{"RolePath": "x"} }, "slash"},
		"against the rules": {func(l *launchlink.Link) { l.Parameters = map[string]string{"SupportRole": "yes"} },
			"SupportControlPlaneRoleArn is required"},
		"a Region":           {func(l *launchlink.Link) { l.Region = "Ireland" }, "no Region of this name"},
		"a stack name":       {func(l *launchlink.Link) { l.StackName = "1 stack" }, "want a letter"},
		"not S3":             {func(l *launchlink.Link) { l.TemplateURL = "https://example.com/clumio.yaml" }, "in S3"},
		"another partition":  {func(l *launchlink.Link) { l.Region = "cn-north-1" }, "another partition"},
		"a path beside S3":   {func(l *launchlink.Link) { l.TemplateURL = "https://s3.amazonaws.com.example.com/b/k" }, "in S3"},
		"something appended": {func(l *launchlink.Link) { l.TemplateURL += "&param_ProtectS3=yes#x" }, "in S3"},
	} {
		t.Run(name, func(t *testing.T) {
			l := link()
			tc.edit(&l)
			if text, err := l.URL(stack); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %s, error %v, want an error that contains %q", text, err, tc.want)
			}
		})
	}
}

// TestReadmeButton compares the button in the README with the output of launch-url.
func TestReadmeButton(t *testing.T) {
	stack, r := profileStack(t, "clumio"), launch.Unreleased()
	link, err := launchlink.Link{
		TemplateURL: launchlink.ObjectURL(r.BucketPrefix, "us-east-1", launchlink.Key("v0.1.0", "clumio.yaml")),
		Region:      "us-east-1", StackName: "permstack", Profile: "clumio",
	}.URL(stack)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\n"+launchlink.Button(link)+"\n") {
		t.Errorf("README.md does not contain the button %s", launchlink.Button(link))
	}
}

// TestRegions builds a link for each Region whose console is public, and refuses the
// others.
func TestRegions(t *testing.T) {
	stack := profileStack(t, "clumio")
	for _, name := range region.Names() {
		t.Run(name, func(t *testing.T) {
			partition, _ := region.Lookup(name)
			link, err := launchlink.Link{
				Region: name, StackName: "permstack", TemplateURL: launchlink.ObjectURL("b", name, "clumio.yaml"),
				Profile: "clumio",
			}.URL(stack)
			if partition.Console == "" {
				if err == nil {
					t.Errorf("got link %s, want an error", link)
				}
				return
			}
			if want := "https://" + name + "." + partition.Console + "/"; err != nil || !strings.HasPrefix(link, want) {
				t.Errorf("got %q, %v, want a link that begins with %s", link, err, want)
			}
		})
	}
}
