package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/flows"
	"permstack/internal/policies/scope"
)

// scopeFlags are the flags that narrow a choice to resources.
type scopeFlags struct {
	values map[scope.Kind]*[]string
	file   string
	loaded scope.Scope // of the file
}

// scopeFlagNames are the flags by kind. --tag and --region are what is created, and where.
var scopeFlagNames = map[scope.Kind][2]string{
	scope.Tag:      {"only-tag", "narrow to resources with the tag `KEY=VALUE` (repeatable)"},
	scope.Bucket:   {"bucket", "narrow S3 to the bucket `NAME`, which may end with * (repeatable)"},
	scope.Table:    {"table", "narrow DynamoDB to the table `NAME` or ARN, which may end with * (repeatable)"},
	scope.Database: {"db", "narrow RDS to the instance or cluster `ID`, which may end with * (repeatable)"},
	scope.Key:      {"key", "narrow KMS to the key `ID` or ARN (repeatable)"},
	scope.Region:   {"only-region", "narrow to `REGION` (repeatable)"},
	scope.VPC:      {"vpc", "narrow networks to the VPC `ID` (repeatable)"},
}

func (f *scopeFlags) register(flags *pflag.FlagSet) {
	f.values = map[scope.Kind]*[]string{}
	for _, k := range scope.Kinds {
		f.values[k] = new([]string)
		flags.StringSliceVar(f.values[k], scopeFlagNames[k][0], nil, scopeFlagNames[k][1])
	}
	flags.StringVar(&f.file, "scope-file", "", "`FILE` of what to narrow to, in YAML or JSON; - is the standard input")
}

// maxScopeFile is the largest scope file that is read, in bytes.
const maxScopeFile = 1 << 20

// load reads --scope-file, if it is given.
func (f *scopeFlags) load(cmd *cobra.Command) error {
	if f.file == "" {
		return nil
	}
	var in io.Reader = cmd.InOrStdin()
	if f.file != "-" {
		file, err := os.Open(f.file)
		if err != nil {
			return fmt.Errorf("read --scope-file: %w", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxScopeFile+1))
	if err != nil {
		return fmt.Errorf("read --scope-file %s: %w", f.file, err)
	}
	if len(data) > maxScopeFile {
		return usagef("--scope-file %s: larger than %d bytes", f.file, maxScopeFile)
	}
	if f.loaded, err = parseScope(data); err != nil {
		return usagef("--scope-file %s: %v", f.file, err)
	}
	return nil
}

// parseScope parses a scope in YAML, of which JSON is a part: lists by the names of package scope, and tags as a
// mapping or a list of KEY=VALUE.
func parseScope(data []byte) (scope.Scope, error) {
	var form struct {
		Tags      yaml.Node
		Buckets   []string
		Tables    []string
		Databases []string
		Keys      []string
		Regions   []string
		VPCs      []string
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&form); err != nil {
		if errors.Is(err, io.EOF) {
			return scope.Scope{}, errors.New("it is empty")
		}
		return scope.Scope{}, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return scope.Scope{}, errors.New("want one document")
	}
	out := scope.Scope{Buckets: form.Buckets, Tables: form.Tables, Databases: form.Databases, Keys: form.Keys,
		Regions: form.Regions, VPCs: form.VPCs}
	switch form.Tags.Kind {
	case yaml.MappingNode:
		var tags map[string]string
		if err := form.Tags.Decode(&tags); err != nil {
			return scope.Scope{}, err
		}
		for key, value := range tags {
			out.Tags = append(out.Tags, key+"="+value)
		}
	case yaml.SequenceNode:
		if err := form.Tags.Decode(&out.Tags); err != nil {
			return scope.Scope{}, err
		}
	case 0:
	default:
		return scope.Scope{}, errors.New("tags: want KEY: VALUE, or a list of KEY=VALUE")
	}
	if out = out.Normal(); out.IsZero() {
		return scope.Scope{}, errors.New("it names nothing; the lists are tags, buckets, tables, databases, keys, regions, vpcs")
	}
	return out, nil
}

// scope returns what the flags and the file narrow to.
func (f *scopeFlags) scope() scope.Scope {
	var given scope.Scope
	for k, values := range f.values {
		given = given.With(k, *values)
	}
	return given.Merge(f.loaded)
}

// synthesize returns the set of a choice. It refuses a scope that is too long or breaks a promised flow.
func (f *choiceFlags) synthesize(sel policies.Selection, env policies.Environment) (policies.Set, error) {
	return synthesizeInScope(sel, env)
}

func synthesizeInScope(sel policies.Selection, env policies.Environment) (policies.Set, error) {
	set, err := policies.Synthesize(sel, env)
	if sel.Scope.IsZero() {
		return set, err
	}
	if long := permissionstack.CheckScope(sel, env); long != nil {
		return policies.Set{}, long
	}
	profile, _ := policies.ProfileAt(sel.Profile, sel.CatalogVersion)
	if err := flows.CheckScope(profile, flows.Get(sel.Profile), sel, env); err != nil {
		return policies.Set{}, err
	}
	return set, err
}

// load reads --profile-file and --scope-file, if they are given.
func (f *choiceFlags) load(cmd *cobra.Command) error {
	if err := f.profileFlags.load(cmd); err != nil {
		return err
	}
	return f.scope.load(cmd)
}
