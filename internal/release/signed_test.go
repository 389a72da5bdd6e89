package release_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/release"
)

const signatureFile = "META_INF/aws_signer_signature_v1.0.SF"

// sign returns a zip as AWS Signer returns it: written again, with a directory and a signature. Files replace or follow
// those of the zip.
func sign(t *testing.T, unsigned []byte, files ...*zip.FileHeader) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(unsigned), int64(len(unsigned)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		if slices.ContainsFunc(files, func(other *zip.FileHeader) bool { return other.Name == f.Name }) {
			continue
		}
		content, err := fs.ReadFile(in, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		header := &zip.FileHeader{Name: f.Name}
		header.SetMode(f.Mode())
		to, err := w.CreateHeader(header)
		if err == nil {
			_, err = to.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		if to, err := w.CreateHeader(f); err != nil {
			t.Fatal(err)
		} else if _, err := to.Write([]byte("content")); err != nil && !strings.HasSuffix(f.Name, "/") {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func signatureEntries() []*zip.FileHeader {
	return []*zip.FileHeader{{Name: "META_INF/"}, {Name: signatureFile}}
}

// packSigned packs a release of which AWS Signer signs each zip that is missing, as docs/publish.md describes.
func packSigned(t *testing.T, o release.Options) []release.Object {
	t.Helper()
	for range 3 {
		objects, err := release.Pack(o)
		unsigned := (*release.UnsignedError)(nil)
		if err == nil {
			return objects
		}
		if !errors.As(err, &unsigned) {
			t.Fatal(err)
		}
		for _, z := range unsigned.Zips {
			name := filepath.Join(o.Signed, "job-"+z.SHA256()[:12]+".zip")
			if err := os.WriteFile(name, sign(t, z.Body, signatureEntries()...), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("zips are missing after all were signed")
	return nil
}

// TestSignedRelease launches a signed release with a code signing configuration that enforces signatures: its code is
// deployed, in sync, and no other can be. The templates of an unsigned release refuse a configuration.
func TestSignedRelease(t *testing.T) {
	policytest.RequireSlow(t, "it builds signed zips")
	o := release.Options{
		Root: repository(t, "a program for another machine"), Version: "v1", BucketPrefix: "signed-releases",
		Signed: t.TempDir(),
	}
	objects := packSigned(t, o)
	requireCodeHashes(t, objects)
	cloud := fakeawstest.Start(t, fakeawstest.Options{})
	account := cloud.In("123456789012", "us-east-1")
	publish(t, cloud, account.ID, account.Region, o.BucketPrefix, objects)
	client := lambda.NewFromConfig(account.Config(account.ID, account.Region))
	config, err := client.CreateCodeSigningConfig(t.Context(), &lambda.CreateCodeSigningConfigInput{
		AllowedPublishers: &types.AllowedPublishers{SigningProfileVersionArns: []string{
			"arn:aws:signer:us-east-1:123456789012:/signing-profiles/Release/WlXrTjGnKQ",
		}},
		CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce},
	})
	if err != nil {
		t.Fatal(err)
	}
	parameters := map[string]string{
		"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "ExternalId": "e2e-0f8c9b7a41d2", "ProtectEC2": "yes",
		"CodeSigningConfigArn": *config.CodeSigningConfig.CodeSigningConfigArn,
	}
	template := func(file string) []byte {
		i := slices.IndexFunc(objects, func(o release.Object) bool { return o.File == file })
		return objects[i].Body
	}
	stack := account.Launch(fakeawstest.Launch{Template: template("clumio.yaml"), Parameters: parameters})
	if result := stack.CheckDrift(); result.Status != "in-sync" || result.Drifted > 0 || result.Checked == 0 {
		t.Errorf("the drift check reports %+v, want no drift", result)
	}
	_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("permstack-drift-" + path.Base(stack.StackID)), ZipFile: zipWith(t, "theirs"),
	})
	if failed := (*types.CodeVerificationFailedException)(nil); !errors.As(err, &failed) {
		t.Errorf("deploy unsigned code: got error %v, want CodeVerificationFailedException", err)
	}
	stack.Delete()

	unsigned, err := os.ReadFile(filepath.Join("..", "..", "templates", "clumio.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		text []byte
	}{{"unsigned", unsigned}, {"stack set", template("clumio-stackset.yaml")}} {
		name, text := tc.name, tc.text
		template, err := cfntemplate.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if name == "stack set" {
			parameters["OrganizationalUnitIds"], parameters["Regions"] = "ou-ab12-cdefghij", "us-east-1"
		}
		_, err = template.ResolveParameters(cfntemplate.Environment{
			Parameters: parameters, Pseudo: cfntemplate.Pseudo{AccountID: account.ID, Region: account.Region, StackName: "s"},
		})
		if err == nil || !strings.Contains(err.Error(), "leave CodeSigningConfigArn empty") {
			t.Errorf("%s, with a code signing configuration: got error %v, want a refusal", name, err)
		}
	}
}

// TestForgedSignedZip requires that a zip is published only if it has exactly the files of the release and a signature.
func TestForgedSignedZip(t *testing.T) {
	root := repository(t, "program")
	executable := &zip.FileHeader{Name: signatureFile}
	executable.SetMode(0o755)
	link := &zip.FileHeader{Name: "META_INF/"}
	link.SetMode(fs.ModeSymlink | 0o777)
	for name, tc := range map[string]struct {
		files []*zip.FileHeader
		want  string // in the error
	}{
		"signed":             {signatureEntries(), "drift-"},
		"hyphen in the name": {[]*zip.FileHeader{{Name: "META-INF/aws_signer_signature_v2.SF"}}, "drift-"},
		"no signature":       {nil, "it has no signature"},
		"directory alone":    {[]*zip.FileHeader{{Name: "META_INF/"}}, "it has no signature"},
		"another program":    {append(signatureEntries(), &zip.FileHeader{Name: "bootstrap"}), "provisioner-"},
		"another file":       {append(signatureEntries(), &zip.FileHeader{Name: "code-hashes.json"}), "neither a file"},
		"another metadata":   {append(signatureEntries(), &zip.FileHeader{Name: "META_INF/x.so"}), "neither a file"},
		"path":               {append(signatureEntries(), &zip.FileHeader{Name: "META_INF/../x"}), "neither a file"},
		"name twice": {
			append(signatureEntries(), &zip.FileHeader{Name: "x"}, &zip.FileHeader{Name: "x"}), "twice",
		},
		"executable":          {[]*zip.FileHeader{executable}, "is not a signature"},
		"link":                {[]*zip.FileHeader{link}, "as a link"},
		"program not allowed": {append(signatureEntries(), &zip.FileHeader{Name: "./bootstrap"}), "neither a file"},
	} {
		t.Run(name, func(t *testing.T) {
			o := release.Options{Root: root, Version: "v1", BucketPrefix: "releases", Signed: t.TempDir()}
			_, err := release.Pack(o)
			unsigned := (*release.UnsignedError)(nil)
			if !errors.As(err, &unsigned) || len(unsigned.Zips) != 2 {
				t.Fatalf("got error %v, want one with two zips", err)
			}
			for _, z := range unsigned.Zips {
				path := filepath.Join(o.Signed, z.File)
				if err := os.WriteFile(path, sign(t, z.Body, tc.files...), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := release.Pack(o); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
			again := sign(t, unsigned.Zips[0].Body, append(signatureEntries(), &zip.FileHeader{Name: "META-INF/"})...)
			if err := os.WriteFile(filepath.Join(o.Signed, "again.zip"), again, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := release.Pack(o); name == "signed" && (err == nil || !strings.Contains(err.Error(), "two signed")) {
				t.Errorf("signed twice: got error %v, want a refusal", err)
			}
		})
	}
	o := release.Options{Root: root, Version: "v1", BucketPrefix: "releases", Signed: filepath.Join(t.TempDir(), "absent")}
	if _, err := release.Pack(o); err == nil {
		t.Error("a directory that does not exist is accepted")
	}
}
