package region_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"permstack/internal/awsapi/region"
)

// sdkPartitions returns the metadata of the SDK that go.mod pins.
func sdkPartitions(t *testing.T) map[string]map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "internal", "endpoints", "awsrulesfn", "partitions.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct {
		Partitions []struct {
			ID      string         `json:"id"`
			Regions map[string]any `json:"regions"`
			Outputs struct {
				DNSSuffix string `json:"dnsSuffix"`
			} `json:"outputs"`
		} `json:"partitions"`
	}
	if err := json.Unmarshal(data, &metadata); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{} // partition → Region → DNS suffix
	for _, p := range metadata.Partitions {
		out[p.ID] = map[string]string{}
		for name := range p.Regions {
			if !strings.HasSuffix(name, "-global") { // a name for global services
				out[p.ID][name] = p.Outputs.DNSSuffix
			}
		}
	}
	return out
}

// TestSDK compares the table with the SDK's metadata.
func TestSDK(t *testing.T) {
	names := []string{}
	for id, regions := range sdkPartitions(t) {
		if !slices.Contains(region.PartitionIDs(), id) {
			t.Errorf("partition %s is missing", id)
		}
		for name, suffix := range regions {
			names = append(names, name)
			p, ok := region.Lookup(name)
			if !ok || p.ID != id || p.DNSSuffix != suffix || region.DNSSuffix(id) != suffix {
				t.Errorf("Region %s: got %+v, %v; want partition %s, suffix %s", name, p, ok, id, suffix)
			}
		}
	}
	slices.Sort(names)
	if got := region.Names(); !slices.Equal(got, names) {
		t.Errorf("got Regions %q, want %q", got, names)
	}
}

func TestLookup(t *testing.T) {
	for _, name := range []string{"", "eu-centrall-1", "us-east-9", "aws-global", "EU-WEST-1"} {
		t.Run(name, func(t *testing.T) {
			if p, ok := region.Lookup(name); ok || region.IsKnown(name) {
				t.Errorf("got partition %+v, want none", p)
			}
			if got := region.LambdaArchitecture(name); got != region.X8664 {
				t.Errorf("got %s, want %s", got, region.X8664)
			}
		})
	}
	for name, want := range map[string]region.Architecture{
		"us-east-1": region.ARM64, "us-gov-west-1": region.ARM64, "cn-north-1": region.ARM64,
		"eusc-de-east-1": region.X8664, "us-iso-east-1": region.X8664,
	} {
		t.Run(name, func(t *testing.T) {
			if got := region.LambdaArchitecture(name); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	if got := region.DNSSuffix("aws-nowhere"); got != "amazonaws.com" {
		t.Errorf("suffix of an unknown partition: got %s", got)
	}
}
