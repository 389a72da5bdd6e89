package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/terminal"
)

// Set by the build of a release with -ldflags "-X main.releaseVersion=…" (see
// tools/release). Other builds have what Go records: the module's version with
// 'go install MODULE@VERSION', the commit in a checkout.
var releaseVersion, releaseCommit, releaseDate string

// buildVersion is what this program was built from.
type buildVersion struct {
	Version   string `json:"version"` // "development" for a build of a checkout
	Commit    string `json:"commit"`  // "" if the build does not record it
	Modified  bool   `json:"modified"`
	Date      string `json:"date"` // of the commit, RFC 3339 in UTC
	Go        string `json:"go"`
	Platform  string `json:"platform"`
	Catalogue string `json:"catalogue"` // the newest release of the catalogue
}

func readVersion() buildVersion {
	v := buildVersion{
		Version: releaseVersion, Commit: releaseCommit, Date: releaseDate,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Catalogue: policies.Releases[len(policies.Releases)-1],
	}
	if info, ok := debug.ReadBuildInfo(); ok && v.Version == "" {
		if info.Main.Version != "(devel)" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Date = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	v.Version = cmp.Or(v.Version, "development")
	return v
}

// version returns the version in one line, for --version and recordings.
func version() string {
	v := readVersion()
	return v.Version + " (catalogue " + v.Catalogue + ")"
}

func (v buildVersion) write(s terminal.Screen) {
	commit := cmp.Or(v.Commit, "not recorded")
	if v.Modified {
		commit += ", with changes"
	}
	for _, row := range [][2]string{
		{"permstack", v.Version}, {"commit", commit}, {"date", cmp.Or(v.Date, "not recorded")},
		{"catalogue", v.Catalogue}, {"go", strings.TrimPrefix(v.Go, "go") + " " + v.Platform},
	} {
		s.Line(fmt.Sprintf("%-11s%s", row[0], row[1]))
	}
}

func newVersion() *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and its date",
		Long: `Print the version of this program, the commit that it was built from and the date of
the commit, the newest release of the catalogue, and the version of Go.

Exit status: 0.`,
		Example: `  permstack version
  permstack version --output json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersion()
			return write(cmd.OutOrStdout(), output.format, v, v.write)
		},
	}
	output.register(cmd, "", formatTable, formatJSON, formatYAML)
	return cmd
}
