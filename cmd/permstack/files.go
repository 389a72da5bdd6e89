package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"permstack/internal/policies"
	"permstack/internal/review/consolefiles"
)

// files writes the access into a folder, for the steps by hand.
func (f *synthFlags) files(log io.Writer) error {
	if f.out == "" {
		return usagef("--format files needs --out, the folder to write")
	}
	if f.env.Account == "" || f.env.Region == "" {
		return usagef("--format files needs --account and --region: what is pasted by hand must name them")
	}
	var err error
	if f.env.Tags, err = parseTags(f.tags); err != nil {
		return err
	}
	set, err := policies.Synthesize(f.choice.selection(), f.env)
	if err != nil {
		return err
	}
	files, err := consolefiles.Files(set)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return fmt.Errorf("write files: %w", err)
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(f.out, name), files[name], 0o644); err != nil {
			return fmt.Errorf("write files: %w", err)
		}
	}
	fmt.Fprintf(log, "permstack: wrote %d files into %s; %s has the steps\n", len(names), f.out, filepath.Join(f.out, consolefiles.ReadMe))
	return nil
}
