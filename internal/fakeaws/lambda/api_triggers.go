package lambda

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// Mapping is an event source mapping.
type Mapping struct{ ID, Account, Region, Function, Source string }

func (r *Registry) publishVersion(call *protocol.Call, name string) (any, error) {
	arn := Resolve(call.Account, call.Region, name)
	var out map[string]any
	err := r.Change(arn, func(f *Function) error {
		f.Versions++
		out = f.configuration()
		out["Version"] = fmt.Sprint(f.Versions)
		out["FunctionArn"] = fmt.Sprintf("%s:%d", f.ARN(), f.Versions)
		return nil
	})
	return out, err
}

func (r *Registry) listVersions(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	list := []any{f.configuration()}
	for n := range f.Versions {
		id := fmt.Sprint(n + 1)
		if f.deleted[id] {
			continue
		}
		version := f.configuration()
		version["Version"] = id
		list = append(list, version)
	}
	return map[string]any{"Versions": list}, nil
}

// deleteVersion deletes a published version. One that an alias refers to cannot be deleted (API reference,
// DeleteFunction).
func (r *Registry) deleteVersion(call *protocol.Call, name, version string) error {
	return r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		n, err := strconv.Atoi(version)
		if err != nil {
			return protocol.Errorf("InvalidParameterValueException", "Version %s cannot be deleted", version).WithStatus(400)
		}
		for alias, of := range f.Aliases {
			if of == version {
				return protocol.Errorf("ResourceConflictException", "Alias %s refers to version %s", alias, version).WithStatus(409)
			}
		}
		if n < 1 || n > f.Versions {
			return protocol.Errorf("ResourceNotFoundException", "Version %s does not exist", version).WithStatus(404)
		}
		f.deleted = maps.Clone(f.deleted)
		if f.deleted == nil {
			f.deleted = map[string]bool{}
		}
		f.deleted[version] = true
		return nil
	})
}

func (r *Registry) createAlias(call *protocol.Call, name string) (any, error) {
	var in struct{ Name, FunctionVersion string }
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	arn := Resolve(call.Account, call.Region, name)
	err := r.Change(arn, func(f *Function) error {
		f.Aliases = maps.Clone(f.Aliases)
		if f.Aliases == nil {
			f.Aliases = map[string]string{}
		}
		if f.Aliases[in.Name] != "" {
			return protocol.Errorf("ResourceConflictException", "Alias already exists: %s:%s", arn, in.Name).
				WithStatus(409)
		}
		f.Aliases[in.Name] = in.FunctionVersion
		return nil
	})
	return map[string]any{"Name": in.Name, "FunctionVersion": in.FunctionVersion, "AliasArn": arn + ":" + in.Name}, err
}

func (r *Registry) listAliases(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, alias := range slices.Sorted(maps.Keys(f.Aliases)) {
		list = append(list, map[string]any{
			"Name": alias, "FunctionVersion": f.Aliases[alias], "AliasArn": f.ARN() + ":" + alias,
		})
	}
	return map[string]any{"Aliases": list}, nil
}

func (r *Registry) deleteAlias(call *protocol.Call, name string) (any, error) {
	alias := path.Base(call.HTTP.URL.Path)
	return nil, r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error {
		f.Aliases = maps.Clone(f.Aliases)
		delete(f.Aliases, alias)
		return nil
	})
}

func (r *Registry) createURL(call *protocol.Call, name string) (any, error) {
	var in struct{ AuthType string }
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	arn := Resolve(call.Account, call.Region, name)
	err := r.Change(arn, func(f *Function) error {
		if f.URLAuth != "" {
			return protocol.Errorf("ResourceConflictException", "A FunctionUrlConfig exists for %s", arn).WithStatus(409)
		}
		f.URLAuth = in.AuthType
		return nil
	})
	if err != nil {
		return nil, err
	}
	f, err := r.Get(arn)
	if err != nil {
		return nil, err
	}
	out := f.urlConfig()
	delete(out, "LastModifiedTime") // not in the response of the creation
	return out, nil
}

func (f *Function) urlConfig() map[string]any {
	return map[string]any{
		"AuthType": f.URLAuth, "FunctionArn": f.ARN(), "CreationTime": "2026-01-01T00:00:00.000+0000",
		"LastModifiedTime": "2026-01-01T00:00:00.000+0000",
		"FunctionUrl":      "https://" + strings.ToLower(f.Name) + ".lambda-url." + f.Region + ".on.aws/",
	}
}

func (r *Registry) deleteURL(call *protocol.Call, name string) (any, error) {
	return nil, r.Change(Resolve(call.Account, call.Region, name), func(f *Function) error { f.URLAuth = ""; return nil })
}

func (r *Registry) listURLs(call *protocol.Call, name string) (any, error) {
	f, err := r.get(call, name)
	if err != nil {
		return nil, err
	}
	list := []any{}
	if f.URLAuth != "" {
		list = append(list, f.urlConfig())
	}
	return map[string]any{"FunctionUrlConfigs": list}, nil
}

func (r *Registry) createMapping(call *protocol.Call, _ string) (any, error) {
	var in struct {
		FunctionName   string
		EventSourceARN string `json:"EventSourceArn"`
	}
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	f, err := r.get(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	m := Mapping{protocol.NewUUID(), call.Account, call.Region, f.ARN(), in.EventSourceARN}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mappings = append(r.mappings, m)
	return m.json(), nil
}

func (m Mapping) json() map[string]any {
	return map[string]any{"UUID": m.ID, "FunctionArn": m.Function, "EventSourceArn": m.Source, "State": "Enabled"}
}

func (r *Registry) deleteMapping(_ *protocol.Call, id string) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, m := range r.mappings {
		if m.ID == id {
			r.mappings = slices.Delete(slices.Clone(r.mappings), i, i+1)
			return m.json(), nil
		}
	}
	return nil, protocol.Errorf("ResourceNotFoundException", "The resource you requested does not exist.").WithStatus(404)
}

func (r *Registry) listMappings(call *protocol.Call, _ string) (any, error) {
	only := ""
	if name := call.HTTP.URL.Query().Get("FunctionName"); name != "" {
		only = Resolve(call.Account, call.Region, name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, m := range r.mappings {
		if m.Account == call.Account && m.Region == call.Region && (only == "" || m.Function == only) {
			list = append(list, m.json())
		}
	}
	return map[string]any{"EventSourceMappings": list}, nil
}
