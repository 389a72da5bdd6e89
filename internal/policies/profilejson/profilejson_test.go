package profilejson_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"permstack/internal/policies"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/profilejson"
	"permstack/internal/policies/schema"
)

// TestRoundTrip writes and reads the built-in profiles.
func TestRoundTrip(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			want, _ := policies.Profile(name)
			data, err := profilejson.Encode(want, flows.Get(name)...)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := profilejson.Encode(want, flows.Get(name)...); !bytes.Equal(data, again) {
				t.Error("two results for one profile")
			}
			got, err := profilejson.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(schema.ProfileFlows{Profile: want, Flows: flows.Get(name)}, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("after reading (-want +got):\n%s", d)
			}
		})
	}
}

const acme = `{"name":"acme","vendor":"Acme","assets":[{"asset":"ec2","title":"EBS"}],"roles":[{"entity":"AcmeRole","why":"x"}]}`

func TestDecodeErrors(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"no JSON":       {"profile: acme", "read profile"},
		"unknown field": {strings.Replace(acme, `"vendor"`, `"vendr"`, 1), "vendr"},
		"two values":    {acme + acme, "one JSON value"},
		"name":          {strings.Replace(acme, `"acme"`, `"../acme"`, 1), `name "../acme"`},
		"no role":       {`{"name":"acme","assets":[{"asset":"ec2"}]}`, "no asset or no role"},
		"no prefix":     {strings.Replace(acme, "AcmeRole", "R", 1), "no common beginning"},
		"too large":     {strings.Repeat(" ", profilejson.MaxFile+1), "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := profilejson.Decode([]byte(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

func TestReadFolder(t *testing.T) {
	if got, err := profilejson.ReadFolder(fstest.MapFS{}); err != nil || len(got) != 0 {
		t.Errorf("without a folder: got %v, %v", got, err)
	}
	got, err := profilejson.ReadFolder(fstest.MapFS{"profiles/acme.json": {Data: []byte(acme)}, "bootstrap": {}})
	if err != nil || len(got) != 1 || got[0].Vendor != "Acme" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := profilejson.ReadFolder(fstest.MapFS{"profiles/other.json": {Data: []byte(acme)}}); err == nil {
		t.Error("a file with another name than its profile was read")
	}
	many := fstest.MapFS{}
	for i := range profilejson.MaxFiles + 1 {
		many[fmt.Sprintf("profiles/p%d.json", i)] = &fstest.MapFile{Data: []byte(acme)}
	}
	if _, err := profilejson.ReadFolder(many); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("too many files: %v", err)
	}
}

// TestLargestFiles checks that a file of 4 MiB is read and no larger one, and that 16 files are.
func TestLargestFiles(t *testing.T) {
	read := func(size int) error {
		data := acme + strings.Repeat(" ", size-len(acme))
		_, err := profilejson.ReadFolder(fstest.MapFS{"profiles/acme.json": {Data: []byte(data)}})
		return err
	}
	if err := read(4 << 20); err != nil {
		t.Errorf("4 MiB: %v", err)
	}
	if err := read(4<<20 + 1); err == nil || !strings.Contains(err.Error(), "larger than 4194304 bytes") {
		t.Errorf("more than 4 MiB: got error %v", err)
	}
	files := fstest.MapFS{}
	for i := range 16 {
		name := fmt.Sprint("acme", i)
		data := strings.Replace(acme, `"acme"`, `"`+name+`"`, 1)
		files["profiles/"+name+".json"] = &fstest.MapFile{Data: []byte(data)}
	}
	if got, err := profilejson.ReadFolder(files); err != nil || len(got) != 16 {
		t.Errorf("16 files: got %d, %v", len(got), err)
	}
}
