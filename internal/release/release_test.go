package release_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"permstack"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws"
	locals3 "permstack/internal/fakeaws/s3"
	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/release"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// repository returns a directory with the templates and with zips in dist/.
func repository(t *testing.T, program string) string {
	t.Helper()
	root := t.TempDir()
	write := func(name string, data []byte) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hub, err := os.ReadFile(filepath.Join("..", "..", "templates", "org-hub.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write("template.yaml", permstack.Template)
	write(release.HubTemplate, hub)
	write(release.IAMEventsTemplate, []byte("Resources: {}"))
	for _, f := range launch.Functions(permstack.Template) {
		for _, arch := range launch.Architectures {
			write("dist/"+f+"-"+arch+".zip", zipWith(t, program+" of "+f+" for "+arch))
		}
	}
	return root
}

// requireCodeHashes requires that each package of the drift check has the hash of the
// provisioner's package for the same processor.
func requireCodeHashes(t *testing.T, objects []release.Object) {
	t.Helper()
	hashes := map[string]string{} // of the provisioner's packages, by processor
	for _, o := range objects {
		parts := strings.Split(o.File, "-")
		switch {
		case strings.HasPrefix(o.File, "provisioner-"):
			hashes[parts[1]] = o.SHA256()
		case strings.HasPrefix(o.File, "drift-"):
			in, err := zip.NewReader(bytes.NewReader(o.Body), int64(len(o.Body)))
			if err != nil {
				t.Fatal(err)
			}
			data, err := fs.ReadFile(in, installation.CodeHashesFile)
			if want := fmt.Sprintf(`{"provisioner":%q}`, hashes[parts[1]]); err != nil || string(data) != want {
				t.Errorf("%s of %s: got %s, %v, want %s", installation.CodeHashesFile, o.File, data, err, want)
			}
		}
	}
}

func pack(t *testing.T, root string) []release.Object {
	t.Helper()
	objects, err := release.Pack(release.Options{Root: root, Version: "v1.2.0", BucketPrefix: "releases"})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestPack(t *testing.T) {
	objects := pack(t, repository(t, "program"))
	if again := pack(t, repository(t, "program")); !reflect.DeepEqual(objects, again) { // a diff takes a second
		t.Errorf("packed twice (-first +second):\n%s", cmp.Diff(objects, again))
	}
	byFile := map[string]release.Object{}
	seen := map[string]int{}
	for i, o := range objects {
		byFile[o.File], seen[o.File] = o, i
		if o.Key != "permstack/v1.2.0/"+o.File {
			t.Errorf("key of %s: got %s, want permstack/v1.2.0/%[1]s", o.File, o.Key)
		}
		if strings.HasSuffix(o.File, ".zip") && !strings.Contains(o.File, o.SHA256()) {
			t.Errorf("name of %s does not contain its hash", o.File)
		}
	}
	stack := byFile["launch-stack.yaml"]
	requireCodeHashes(t, objects)
	templates := []string{"launch-stack.yaml"}
	for _, name := range policies.ProfileNames() {
		templates = append(templates, launchlink.ProfileFile(name))
	}
	for _, o := range objects {
		for _, name := range templates {
			if strings.HasSuffix(o.File, ".zip") &&
				(!bytes.Contains(byFile[name].Body, []byte(o.Key)) || seen[o.File] > seen[name]) {
				t.Errorf("%s does not contain %s, or is published before it", name, o.Key)
			}
		}
		if o.File != "SHA256SUMS" && !bytes.Contains(byFile["SHA256SUMS"].Body, []byte(o.SHA256()+"  "+o.File)) {
			t.Errorf("SHA256SUMS does not list %s", o.File)
		}
	}
	for _, name := range policies.ProfileNames() {
		set := byFile[launch.ProfileStackSetFile(name)]
		if !bytes.Contains(set.Body, []byte("Key: "+byFile[launchlink.ProfileFile(name)].Key)) {
			t.Errorf("%s does not launch the template of the profile", launch.ProfileStackSetFile(name))
		}
	}
	if !bytes.Contains(byFile["stackset.yaml"].Body, []byte("Key: "+stack.Key)) || byFile["org-hub.yaml"].Body == nil ||
		byFile["iam-events.yaml"].Body == nil {
		t.Error("stackset.yaml does not launch launch-stack.yaml, or org-hub.yaml or iam-events.yaml is missing")
	}

	dir := filepath.Join(t.TempDir(), "release")
	for range 2 {
		if err := release.Write(objects, dir); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != len(objects) {
		t.Errorf("%d files, %v", len(files), err)
	}
	for _, o := range []release.Options{
		{Root: t.TempDir(), Version: "v1", BucketPrefix: "p"}, {Version: "a/b", BucketPrefix: "releases"},
		{Version: "v1", BucketPrefix: "Releases"},
	} {
		t.Run(fmt.Sprintf("version %s, prefix %s", o.Version, o.BucketPrefix), func(t *testing.T) {
			if _, err := release.Pack(o); err == nil {
				t.Errorf("%+v was packed", o)
			}
		})
	}
}

// TestPublish publishes to two Regions, interrupts and repeats it, and publishes
// another build with the version of a release.
func TestPublish(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	at := func(region string) *s3.Client {
		return s3.NewFromConfig(cloud.Config("111122223333", region), func(o *s3.Options) { o.UsePathStyle = true })
	}
	var out strings.Builder
	p := release.Publisher{
		BucketPrefix: "releases", Regions: []string{"eu-central-1", "us-east-1"}, Owner: "111122223333", Out: &out,
		At: func(region string) release.Store { return at(region) },
	}
	ctx := context.Background()
	objects := pack(t, repository(t, "program"))
	bucket := func(region string, location *types.CreateBucketConfiguration) {
		name := p.Bucket(region)
		if _, err := at(region).CreateBucket(ctx,
			&s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: location}); err != nil {
			t.Fatal(err)
		}
	}
	bucket("eu-central-1", &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"})

	p.Plan(objects)
	if err := p.Publish(ctx, objects); err == nil ||
		!strings.Contains(err.Error(), "bucket releases-us-east-1 does not exist") {
		t.Errorf("without a bucket: got error %v, want one that names it", err)
	}
	name := p.Bucket("eu-central-1")
	if listed, err := at("eu-central-1").ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name}); err != nil ||
		len(listed.Contents) != 0 {
		t.Errorf("before all buckets were checked: got objects %v, %v, want none", listed, err)
	}
	bucket("us-east-1", nil)
	if err := p.Publish(ctx, objects[:2]); err != nil { // interrupted
		t.Fatal(err)
	}
	out.Reset()
	if err := p.Publish(ctx, objects); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), ": exists"); n != 4 ||
		!strings.Contains(out.String(), fmt.Sprintf("[%d/%[1]d] us-east-1", 2*len(objects))) {
		t.Errorf("progress: got %d existing objects, want 4:\n%s", n, &out)
	}
	for _, region := range p.Regions {
		b := p.Bucket(region)
		for _, o := range objects {
			data, err := cloud.S3().Read(s3Reader(region), b, o.Key, "")
			if err != nil || !bytes.Equal(data, o.Body) {
				t.Errorf("%s in %s: %v", o.Key, b, err)
			}
		}
	}
	other := pack(t, repository(t, "another program"))
	if err := p.Publish(ctx, other); err == nil || !strings.Contains(err.Error(), "a release never changes") {
		t.Errorf("another build with the same version: got error %v, want a refusal", err)
	}
}

func s3Reader(region string) locals3.Reader {
	return locals3.Reader{Account: "111122223333", Region: region}
}

// TestForeignBucket checks that nothing is written to a bucket of another account, also
// if its policy lets everybody write.
func TestForeignBucket(t *testing.T) {
	cloud := fakeaws.New(fakeaws.Options{})
	in := func(account string) *s3.Client {
		return s3.NewFromConfig(cloud.Config(account, "us-east-1"), func(o *s3.Options) { o.UsePathStyle = true })
	}
	p := release.Publisher{
		BucketPrefix: "releases", Regions: []string{"us-east-1"}, Owner: "111122223333", Out: t.Output(),
		At: func(string) release.Store { return in("111122223333") },
	}
	bucket := p.Bucket("us-east-1")
	foreign := in("999988887777")
	if _, err := foreign.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":[` +
		`"arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}]}`
	if _, err := foreign.PutBucketPolicy(
		t.Context(),
		&s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy},
	); err != nil {
		t.Fatal(err)
	}
	if _, err := in("111122223333").HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &bucket}); err != nil {
		t.Fatalf("the bucket's policy does not let the publisher in: %v", err)
	}
	err := p.Publish(t.Context(), pack(t, repository(t, "program")))
	if err == nil || !strings.Contains(err.Error(), "does not belong to account 111122223333") {
		t.Errorf("got error %v, want one that names the owner", err)
	}
	listed, err := foreign.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil || len(listed.Contents) > 0 {
		t.Errorf("got objects %v, %v, want none", listed, err)
	}
	p.Owner = ""
	if err := p.Publish(t.Context(), nil); err == nil {
		t.Error("published without an owner")
	}
}

// TestPublishedRegions checks that the template of a release can be launched only in the
// Regions that it was published to, and names them elsewhere.
func TestPublishedRegions(t *testing.T) {
	objects, err := release.Pack(release.Options{
		Root: repository(
			t,
			"program",
		),
		Version:      "v1.2.0",
		BucketPrefix: "releases",
		Regions:      []string{"eu-central-1", "us-east-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(objects, func(o release.Object) bool { return o.File == "launch-stack.yaml" })
	template, err := cfntemplate.Parse(objects[i].Body)
	if err != nil {
		t.Fatal(err)
	}
	parameters := func(more ...string) map[string]string {
		out := map[string]string{
			"ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control", "ExternalId": "e2e-0f8c9b7a41d2",
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for _, file := range []string{"launch-stack.yaml", "clumio.yaml", "stackset.yaml", "clumio-stackset.yaml"} {
		i := slices.IndexFunc(objects, func(o release.Object) bool { return o.File == file })
		template, err := cfntemplate.Parse(objects[i].Body)
		if err != nil {
			t.Fatal(err)
		}
		for prefix, refused := range map[string]bool{"releases": false, "other-releases": true} {
			values := parameters("CodeBucketPrefix", prefix)
			if strings.Contains(file, "stackset") {
				values["OrganizationalUnitIds"], values["Regions"] = "ou-ab12-cdefghij", "us-east-1"
			}
			_, err := template.ResolveParameters(cfntemplate.Environment{
				Parameters: values, Pseudo: cfntemplate.Pseudo{AccountID: "123456789012", Region: "us-east-1", StackName: "s"},
			})
			if refused != (err != nil && strings.Contains(err.Error(), "CodeBucketPrefix")) {
				t.Errorf("%s with the bucket prefix %s: got error %v", file, prefix, err)
			}
		}
	}
	for region, refused := range map[string]bool{"us-east-1": false, "eu-central-1": false, "eu-west-1": true} {
		_, err := template.ResolveParameters(cfntemplate.Environment{
			Parameters: parameters(),
			Pseudo: cfntemplate.Pseudo{AccountID: "123456789012", Region: region, StackName: "s",
				StackID: "arn:aws:cloudformation:" + region + ":123456789012:stack/s/11111111-2222-3333-4444-555555555555"},
		})
		if refused != (err != nil && strings.Contains(err.Error(), "eu-central-1, us-east-1")) {
			t.Errorf("%s: got error %v", region, err)
		}
	}
	if _, err := release.Pack(release.Options{
		Root: repository(t, "program"), Version: "v1", BucketPrefix: "releases", Regions: []string{"eu-nowhere-1"},
	}); err == nil {
		t.Error("an unknown Region is accepted")
	}
}
