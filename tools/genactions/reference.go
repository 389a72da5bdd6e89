package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/reference"
)

// writeReference returns the compressed data of package reference: a header and a line for each service.
func writeReference(folder string) ([]byte, error) {
	var manifest struct{ Name, Version, UpdatedAt string }
	if err := load(filepath.Join(folder, "package.json"), &manifest); err != nil {
		return nil, err
	}
	data := filepath.Join(folder, "data")
	var prefixes []string
	if err := load(filepath.Join(data, "services.json"), &prefixes); err != nil {
		return nil, err
	}
	global, err := globalKeys(folder)
	if err != nil {
		return nil, err
	}
	date, _, _ := strings.Cut(manifest.UpdatedAt, "T")
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	lines := json.NewEncoder(z)
	lines.SetEscapeHTML(false)
	header := reference.Header{Package: manifest.Name, Version: manifest.Version, Date: date, Global: global}
	if err := lines.Encode(header); err != nil {
		return nil, err
	}
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		s, err := service(data, prefix)
		if err != nil {
			return nil, fmt.Errorf("read service %s: %w", prefix, err)
		}
		if err := lines.Encode(s); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// service returns the line of a service.
func service(data, prefix string) (reference.Service, error) {
	list, err := readActions(data, prefix)
	if err != nil {
		return reference.Service{}, err
	}
	types, err := readTypes(data, prefix)
	if err != nil {
		return reference.Service{}, err
	}
	b := builder{keys: map[string]int{}}
	b.out.Prefix = prefix
	typeIndex := map[string]int{}
	for i, key := range slices.Sorted(maps.Keys(types)) {
		t := types[key]
		typeIndex[key] = i
		b.out.Types = append(b.out.Types, reference.Type{Name: t.Key, ARN: t.ARN, Keys: b.index(t.ConditionKeys)})
	}
	for _, key := range slices.Sorted(maps.Keys(list)) {
		a := list[key]
		e := reference.Entry{Name: a.Name, Keys: b.index(a.ConditionKeys)}
		for level := range strings.SplitSeq(a.AccessLevel, ", ") {
			e.Levels = append(e.Levels, strings.ToLower(level))
		}
		for _, r := range a.ResourceTypes {
			i, ok := typeIndex[strings.ToLower(r.Name)]
			if !ok {
				return reference.Service{}, fmt.Errorf("resource type %s of action %s is not described", r.Name, a.Name)
			}
			e.On = append(e.On, reference.Use{Type: i, Keys: b.index(r.ConditionKeys)})
		}
		b.out.Actions = append(b.out.Actions, e)
	}
	return b.out, nil
}

// builder collects the condition keys of a service in a table.
type builder struct {
	out  reference.Service
	keys map[string]int
}

func (b *builder) index(keys []string) []int {
	var out []int
	for _, k := range keys {
		i, ok := b.keys[k]
		if !ok {
			i = len(b.out.Keys)
			b.keys[k] = i
			b.out.Keys = append(b.out.Keys, k)
		}
		out = append(out, i)
	}
	return out
}

var globalKey = regexp.MustCompile(`(?m)^\s*key: '([^']+)'`)

// globalKeys reads the condition keys of every service, which the package has as code only.
func globalKeys(folder string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "dist", "cjs", "globalConditionKeys.js"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range globalKey.FindAllSubmatch(text, -1) {
		out = append(out, strings.Replace(string(m[1]), "/tag-key", "/${TagKey}", 1))
	}
	if len(out) < 30 {
		return nil, errors.New("globalConditionKeys.js has another form than the generator expects")
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
