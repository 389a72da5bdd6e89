// Command genschemas writes what the embedded CloudFormation uses of AWS's resource type schemas to
// internal/fakeaws/cloudformation/schemas.json: the permissions of the handlers, the properties and which of them are
// required, create-only, read-only and write-only. It takes the types that the embedded CloudFormation has.
//
//	go run ./tools/genschemas -origin "CloudFormation registry, us-east-1" -date 2026-10-20 DIRECTORY-OR-ZIP
//
// The source is AWS's archive of a Region, CloudformationSchema.zip (CloudFormation user guide, "Resource type
// schemas"), or any folder with a JSON file for each type, such as cfnlint/data/schemas/resources in the Python package
// cfn-lint, which is pinned in interop/tools.txt and has the date of its schemas in data/schemas/version.json. If
// several files are of one type, as in cfn-lint for several Regions, the one with the most properties is used.
package main

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/cloudformation"
)

func main() {
	log.SetFlags(0)
	origin := flag.String("origin", "", "where the schemas are from, for the fixture")
	date := flag.String("date", "", "date of the schemas, YYYY-MM-DD")
	out := flag.String("out", "internal/fakeaws/cloudformation/schemas.json", "file to write")
	flag.Parse()
	if flag.NArg() != 1 || *origin == "" {
		log.Fatal("usage: genschemas -origin TEXT -date YYYY-MM-DD [-out FILE] DIRECTORY-OR-ZIP")
	}
	if _, err := time.Parse(time.DateOnly, *date); err != nil {
		log.Fatalf("-date: %v", err)
	}
	source, err := open(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	fixture, err := extract(source, cloudformation.Types())
	if err != nil {
		log.Fatalf("read schemas of %s: %v", flag.Arg(0), err)
	}
	fixture.Origin, fixture.Date = *origin, *date
	text, err := json.MarshalIndent(fixture, "", " ")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
		log.Fatal(err)
	}
}

// open returns the files of a directory or a zip.
func open(name string) (fs.FS, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return os.DirFS(name), nil
	}
	return zip.OpenReader(name)
}

// document is a schema as AWS publishes it ("Resource type schema", CloudFormation CLI user guide).
type document struct {
	TypeName             string   `json:"typeName"`
	Required             []string `json:"required"`
	CreateOnlyProperties []string `json:"createOnlyProperties"`
	ReadOnlyProperties   []string `json:"readOnlyProperties"`
	WriteOnlyProperties  []string `json:"writeOnlyProperties"`
	Properties           map[string]json.RawMessage
	Handlers             map[string]struct {
		Permissions []string `json:"permissions"`
	} `json:"handlers"`
}

// extract returns the schemas of the types.
func extract(source fs.FS, types []string) (cloudformation.SchemaFixture, error) {
	fixture := cloudformation.SchemaFixture{Types: map[string]cloudformation.TypeSchema{}}
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		var d document
		if err := json.Unmarshal(text, &d); err != nil || !slices.Contains(types, d.TypeName) {
			return nil // of another type, or a file that is no schema
		}
		if have, ok := fixture.Types[d.TypeName]; !ok || len(have.Properties) < len(d.Properties) {
			fixture.Types[d.TypeName] = reduce(d)
		}
		return nil
	})
	if err != nil {
		return fixture, err
	}
	var missing []error
	for _, typ := range types {
		if _, ok := fixture.Types[typ]; !ok {
			missing = append(missing, fmt.Errorf("there is no schema of %s", typ))
		}
	}
	return fixture, errors.Join(missing...)
}

// reduce returns what the fixture has of a schema.
func reduce(d document) cloudformation.TypeSchema {
	out := cloudformation.TypeSchema{
		Properties: slices.Sorted(maps.Keys(d.Properties)),
		Required:   slices.Sorted(slices.Values(d.Required)),
		CreateOnly: pointers(d.CreateOnlyProperties),
		ReadOnly:   pointers(d.ReadOnlyProperties),
		WriteOnly:  pointers(d.WriteOnlyProperties),
		Handlers:   map[string][]string{},
	}
	for name, handler := range d.Handlers {
		if name != "list" { // stack operations do not list
			out.Handlers[name] = slices.Sorted(slices.Values(handler.Permissions))
		}
	}
	return out
}

// pointers returns JSON pointers below /properties without that prefix, sorted.
func pointers(list []string) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = strings.TrimPrefix(p, "/properties/")
	}
	slices.Sort(out)
	return out
}
