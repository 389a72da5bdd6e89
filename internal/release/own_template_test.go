package release_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/release"
	"permstack/internal/release/launchlink"
)

// TestOwnTemplates launches each built-in profile that template.yaml cannot select on the embedded AWS, from the
// template of its own that a packed release has, and requires that each role exists and that nothing has drifted.
func TestOwnTemplates(t *testing.T) {
	policytest.RequireSlow(t, "it packs a release for each profile")
	root := repository(t, "placeholder")
	zips, err := filepath.Glob(filepath.Join(root, "dist", "*.zip"))
	if err != nil || len(zips) == 0 {
		t.Fatalf("got %d zips, %v", len(zips), err)
	}
	for _, name := range zips {
		if err := os.WriteFile(name, zipWith(t, "a program for another machine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := release.Options{Root: root, Version: "v1", BucketPrefix: "own-releases", Documents: map[string][]byte{}}
	for _, name := range policies.ProfileNames() {
		options.Documents[launchlink.PermissionsFile(name)] = []byte("permissions of " + name)
	}
	objects, err := release.Pack(options)
	if err != nil {
		t.Fatal(err)
	}
	launched := 0
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		if !profile.OwnTemplate {
			continue
		}
		launched++
		t.Run(name, func(t *testing.T) {
			var template []byte
			for _, o := range objects {
				if o.File == name+".yaml" {
					template = o.Body
				}
			}
			aws := fakeawstest.Start(t, fakeawstest.Options{})
			account := aws.In("123456789012", "us-east-1")
			publish(t, aws, account.ID, account.Region, options.BucketPrefix, objects)
			parameters := map[string]string{}
			for _, n := range profile.Needs {
				if n.Value == schema.ControlPlaneRole {
					parameters["ControlPlaneRoleArn"] = fakeawstest.ControlPlaneARN
				}
			}
			stack := account.Launch(fakeawstest.Launch{Template: template, Parameters: parameters})
			if entity := profile.Roles[0].Entity; !strings.HasPrefix(stack.RoleName(), entity+"-us-east-1-") {
				t.Fatalf("got role %s, want one of %s", stack.RoleName(), entity)
			}
			requireDocument(t, aws, stack, name, options)
			granted := account.ManagedPolicies(stack.RoleName())
			sel := choice.Everything(profile)
			sel.Profile = name
			set, err := policies.Synthesize(sel, choice.Example(sel, policies.Environment{
				Partition: "aws", Account: account.ID, Region: "us-east-1",
			}))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range set.Roles[0].Managed {
				for _, a := range p.Document.Actions() {
					if !strings.Contains(granted, `"`+a+`"`) {
						t.Errorf("the role lacks %s, which the choice of everything has", a)
					}
				}
			}
			if result := stack.CheckDrift(); result.Status != "in-sync" || result.Drifted > 0 || result.Checked == 0 {
				t.Errorf("the drift check reports %+v, want no drift", result)
			}
			stack.Delete()
		})
	}
	if launched == 0 {
		t.Error("no built-in profile has a template of its own")
	}
}

// requireDocument requires that the stack links to the permissions of its profile in the bucket of its Region.
func requireDocument(t *testing.T, aws *fakeawstest.AWS, stack *fakeawstest.Stack, profile string, o release.Options) {
	t.Helper()
	const account, region = "123456789012", "us-east-1"
	key := launchlink.Key(o.Version, launchlink.PermissionsFile(profile))
	url := launchlink.ObjectURL(o.BucketPrefix, region, key)
	if got := installation.Output(stack.Outputs, "PermissionsDocument"); got != url {
		t.Fatalf("got the link %q, want %q", got, url)
	}
	store := s3.NewFromConfig(aws.Config(account, region), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := o.BucketPrefix + "-" + region
	out, err := store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil || !bytes.Equal(body, o.Documents[launchlink.PermissionsFile(profile)]) {
		t.Errorf("got the document %q, %v", body, err)
	}
}
