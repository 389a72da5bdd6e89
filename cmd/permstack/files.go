package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"permstack/internal/review/consolefiles"
)

// files writes the files for the IAM console to the directory --out.
func (f *synthFlags) files(log io.Writer) error {
	if f.out == "" {
		return usagef("--format files requires --out, the directory to write to")
	}
	if f.env.Account == "" || f.env.Region == "" {
		return usagef("--format files requires --account and --region: the console does not fill them in")
	}
	if f.output.format != formatJSON {
		return usagef("--output is not used with --format files: IAM accepts policies as JSON only")
	}
	var err error
	if f.env.Tags, err = parseTags(f.tags); err != nil {
		return err
	}
	set, err := f.synthesize()
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
	fmt.Fprintf(log, "permstack: wrote %d files to %s; the steps are in %s\n",
		len(names), f.out, filepath.Join(f.out, consolefiles.ReadMe))
	return nil
}
