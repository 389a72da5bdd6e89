// Command compileprofiles turns the profiles of a folder, which are YAML files,
// into Go source and JSON:
//
//	compileprofiles PROFILES FLOWS
//
// writes PROFILES/zz_NAME.go, a variable that is the profile, so that the
// provisioner parses nothing when it starts, and FLOWS/NAME.json, the profile's
// flows, which only tests and commands read. See go generate in package profiles.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"permstack/internal/policies/profilefile"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: compileprofiles PROFILES FLOWS")
		os.Exit(2)
	}
	if err := compileAll(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compileAll(folder, flows string) error {
	found, err := filepath.Glob(filepath.Join(folder, "*", "profile.yaml"))
	if err != nil {
		return err
	}
	for _, f := range found {
		name := filepath.Base(filepath.Dir(f))
		loaded, err := profilefile.Load(os.DirFS(folder), name)
		if err != nil {
			return fmt.Errorf("compile profile %s:\n%w", name, err)
		}
		source, err := goSource(name, loaded.Profile)
		if err != nil {
			return fmt.Errorf("compile profile %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, "zz_"+name+".go"), source, 0o644); err != nil {
			return fmt.Errorf("compile profile %s: %w", name, err)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(loaded.Flows); err != nil {
			return fmt.Errorf("compile flows of %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(flows, name+".json"), text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("compile flows of %s: %w", name, err)
		}
	}
	return nil
}
