package release_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies/lint"
	"permstack/internal/release"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// block is a fenced block of code.
var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// TestDocument follows docs/add-a-profile.md: it writes the file, runs every command in order, and launches the
// packaged release on the embedded AWS with the parameters of the document.
func TestDocument(t *testing.T) {
	policytest.RequireSlow(t, "it builds a release with build.sh")
	text, err := os.ReadFile("../../docs/add-a-profile.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := document{t: t, dir: dir, program: filepath.Join(dir, "permstack")}
	if out, err := exec.Command("go", "build", "-o", d.program, "permstack/cmd/permstack").CombinedOutput(); err != nil {
		t.Fatalf("build permstack: %v\n%s", err, out)
	}
	var parameters []struct{ ParameterKey, ParameterValue string }
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		switch kind, body := m[1], m[2]; {
		case kind == "yaml":
			if err := os.WriteFile(filepath.Join(dir, "acme.yaml"), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		case kind == "sh":
			for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
				d.run(line)
			}
		case strings.Contains(body, "Statement"):
			if err := os.WriteFile(filepath.Join(dir, "policy.json"), []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		case strings.Contains(body, "ParameterKey"):
			if err := json.Unmarshal([]byte(body), &parameters); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d.commands < 5 || d.objects == nil || len(parameters) < 3 {
		t.Fatalf("ran %d commands, packaged %d objects, found %d parameters", d.commands, len(d.objects), len(parameters))
	}
	values := map[string]string{}
	for _, p := range parameters {
		values[p.ParameterKey] = p.ParameterValue
	}
	d.launch(values)
}

// document is a run of the document in a directory.
type document struct {
	t            *testing.T
	dir, program string
	commands     int
	options      release.Options
	objects      []release.Object
}

// run runs a command of the document. The package command packs what was built before; here that is a placeholder for
// another machine, for which the embedded AWS runs the functions of the test's program.
func (d *document) run(line string) {
	d.t.Helper()
	d.commands++
	words := strings.Fields(line)
	switch words[0] {
	case "permstack":
		cmd := exec.Command(d.program, words[1:]...)
		cmd.Dir = d.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			d.t.Fatalf("%s: %v\n%s", line, err, out)
		}
	case "./build.sh":
		if words[1] != "package" {
			d.t.Fatalf("unexpected command %s", line)
		}
		flags := map[string]string{}
		for i := 2; i+1 < len(words); i += 2 {
			flags[words[i]] = words[i+1]
		}
		loaded, problems, err := lint.LoadPath(filepath.Join(d.dir, flags["--profile-file"]))
		if err != nil || len(problems) > 0 {
			d.t.Fatal(err, problems)
		}
		root := repository(d.t, "placeholder")
		zips, err := filepath.Glob(filepath.Join(root, "dist", "*.zip"))
		if err != nil || len(zips) == 0 {
			d.t.Fatalf("got %d zips, %v", len(zips), err)
		}
		for _, name := range zips {
			if err := os.WriteFile(name, zipWith(d.t, "a program for another machine"), 0o600); err != nil {
				d.t.Fatal(err)
			}
		}
		d.options = release.Options{
			Root: root, Version: flags["--version"], BucketPrefix: flags["--bucket-prefix"], Profile: &loaded.Profile,
			Flows: loaded.Flows,
		}
		if d.objects, err = release.Pack(d.options); err != nil {
			d.t.Fatal(err)
		}
		if again, err := release.Pack(d.options); err != nil || len(again) != len(d.objects) {
			d.t.Fatalf("packed again: %v", err)
		} else {
			for i := range again {
				if !bytes.Equal(again[i].Body, d.objects[i].Body) {
					d.t.Errorf("%s differs if it is packed again", again[i].File)
				}
			}
		}
	default:
		d.t.Fatalf("unexpected command %s", line)
	}
}

// launch publishes the release on the embedded AWS, launches it and reads what the role may do.
func (d *document) launch(values map[string]string) {
	d.t.Helper()
	const region = "us-east-1"
	aws := fakeawstest.Start(d.t, fakeawstest.Options{})
	account := aws.In("123456789012", region)
	publish(d.t, aws, account.ID, region, d.options.BucketPrefix, d.objects)
	var template []byte
	for _, o := range d.objects {
		if o.File == "acme.yaml" {
			template = o.Body
		}
	}
	stack := account.Launch(fakeawstest.Launch{Template: template, Parameters: values})
	if !strings.HasPrefix(stack.RoleName(), "AcmeRole-us-east-1-") {
		d.t.Fatalf("got role %s", stack.RoleName())
	}
	granted := account.ManagedPolicies(stack.RoleName())
	if !strings.Contains(granted, "ec2:CreateSnapshot") || strings.Contains(granted, "ec2:DeleteSnapshot") {
		d.t.Errorf("the role may\n%s\nwant the choice of operations: backup alone", granted)
	}
	// Nobody subscribed to the alert topic, so the run is not completed.
	if result := stack.CheckDrift(); result.Status != "in-sync" || result.Drifted > 0 || result.Checked == 0 {
		d.t.Errorf("the drift check reports %+v, want no drift", result)
	}
	stack.Delete()
}

// publish uploads a release to a new bucket of the embedded AWS.
func publish(t *testing.T, aws *fakeawstest.AWS, account, region, prefix string, objects []release.Object) {
	t.Helper()
	store := s3.NewFromConfig(aws.Config(account, region), func(o *s3.Options) { o.UsePathStyle = true })
	p := release.Publisher{
		BucketPrefix: prefix, Regions: []string{region}, Owner: account, Out: t.Output(),
		At: func(string) release.Store { return store },
	}
	bucket := p.Bucket(region)
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
}

// zipWith returns a function's package with a program.
func zipWith(t *testing.T, program string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	to, err := w.Create("bootstrap")
	if err == nil {
		_, err = to.Write([]byte(program))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
