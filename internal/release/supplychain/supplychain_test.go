package supplychain_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"permstack/internal/release/supplychain"
)

// TestSBOM describes this test's own program.
func TestSBOM(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	files := []supplychain.File{
		{Name: "permstack-linux-amd64", Body: body},
		{Name: "launch-stack.yaml", Body: []byte("x")},
	}
	programs := map[string]io.ReaderAt{"permstack-linux-amd64": bytes.NewReader(body)}
	out, err := supplychain.SBOM("v1", programs, files)
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat, SpecVersion string
		Components             []struct {
			Type, Name, PURL string
			Hashes           []struct{ Alg, Content string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal(out, &bom); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if bom.BOMFormat != "CycloneDX" || bom.SpecVersion != "1.6" || len(bom.Components) < 2 ||
		bom.Components[0].Hashes[0].Content != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s", out)
	}
	if !strings.HasPrefix(bom.Components[1].PURL, "pkg:golang/") || len(bom.Dependencies) != 1 ||
		len(bom.Dependencies[0].DependsOn) != len(bom.Components)-1 {
		t.Errorf("got dependencies %+v of components %+v", bom.Dependencies, bom.Components)
	}
	programs["permstack-linux-amd64"] = strings.NewReader("no program")
	if _, err := supplychain.SBOM("v1", programs, files); err == nil {
		t.Error("a file without build information is accepted")
	}
}

// TestImage follows the digests from the index to the program of each architecture.
func TestImage(t *testing.T) {
	programs := map[string][]byte{"amd64": []byte("program for amd64"), "arm64": []byte("program for arm64")}
	image, err := supplychain.Image("v1", []string{"amd64", "arm64"}, programs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := supplychain.Image("v1", []string{"amd64", "arm64"}, programs)
	if err != nil || !bytes.Equal(image, again) {
		t.Errorf("two images of the same programs differ: %v", err)
	}
	files := untar(t, image)
	type descriptor struct {
		Digest   string
		Size     int
		Platform map[string]string
	}
	blob := func(d descriptor) []byte {
		t.Helper()
		data := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		sum := sha256.Sum256(data)
		if d.Digest != "sha256:"+hex.EncodeToString(sum[:]) || d.Size != len(data) {
			t.Errorf("blob %s has %d bytes with digest %x", d.Digest, len(data), sum)
		}
		return data
	}
	decode := func(data []byte, into any) {
		t.Helper()
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	var index struct{ Manifests []descriptor }
	decode(files["index.json"], &index)
	if len(index.Manifests) != 2 || files["oci-layout"] == nil {
		t.Fatalf("got index %s", files["index.json"])
	}
	for _, m := range index.Manifests {
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		decode(blob(m), &manifest)
		var config struct {
			Architecture string
			RootFS       struct {
				DiffIDs []string `json:"diff_ids"`
			}
		}
		decode(blob(manifest.Config), &config)
		if config.Architecture != m.Platform["architecture"] || config.RootFS.DiffIDs[0] != manifest.Layers[0].Digest {
			t.Errorf("got config %+v for %v", config, m.Platform)
		}
		content := untar(t, blob(manifest.Layers[0]))
		if len(content) != 1 || !bytes.Equal(content["permstack"], programs[config.Architecture]) {
			t.Errorf("%s: the layer has %v", config.Architecture, content)
		}
	}
}

func untar(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProvenance(t *testing.T) {
	const commit = "0123456789012345678901234567890123456789"
	for name, c := range map[string]string{"of a commit": commit, "of a source archive": ""} {
		t.Run(name, func(t *testing.T) {
			out, err := supplychain.Provenance(supplychain.Source{
				Repository: "https://example.com/permstack", Commit: c, Version: "v1",
				Builder: "https://example.com/builder", Go: "go1.26",
			}, []supplychain.File{{Name: "a", Body: []byte("x")}})
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte("x"))
			for _, want := range []string{
				"https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1", hex.EncodeToString(sum[:]),
				"https://example.com/builder",
			} {
				if !strings.Contains(string(out), want) {
					t.Errorf("got %s, want %s", out, want)
				}
			}
			if c != "" && !strings.Contains(string(out), `"gitCommit": "`+commit+`"`) {
				t.Errorf("got %s, want the commit", out)
			}
			if c == "" && (strings.Contains(string(out), "gitCommit") || strings.Contains(string(out), "resolvedDep")) {
				t.Errorf("got %s, want no source", out)
			}
		})
	}
}
