package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/awsapi/region"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// choiceFlags are the flags of a choice, the same in every command.
type choiceFlags struct {
	profileFlags
	preset                      string
	assets, operations, options []string
	supportRole                 bool
	awsBackupInventory          bool
	catalogVersion              string
	restoreUntil                restoreUntilFlag
	scope                       scopeFlags
}

func (f *choiceFlags) register(cmd *cobra.Command, unchosen string) {
	flags := cmd.Flags()
	f.profileFlags.register(cmd)
	flags.StringSliceVar(&f.assets, "assets", nil, usageAssets+" ("+unchosen+")")
	flags.StringSliceVar(&f.operations, "operations", nil, usageOperations)
	flags.StringSliceVar(&f.options, "options", nil, usageOptions)
	flags.StringVar(&f.preset, "preset", "", usagePreset)
	flags.BoolVar(&f.supportRole, "support-role", false, "add a role for the vendor's support staff")
	flags.BoolVar(&f.awsBackupInventory, "aws-backup-inventory", false, "allow listing the backups of AWS Backup")
	f.restoreUntil.register(flags)
	f.scope.register(flags)
	flags.StringVar(&f.catalogVersion, "catalog-version", "", "release of the catalogue (default: the newest)")
}

// complete registers shell completion for those of the flags that a command has.
func (f *choiceFlags) complete(cmd *cobra.Command) {
	values := map[string]func() []string{
		"profile":         policies.ProfileNames,
		"catalog-version": func() []string { return policies.Releases },
		"assets":          func() []string { return texts(f.everything().Assets) },
		"operations":      func() []string { return texts(f.everything().Operations) },
		"options":         func() []string { return texts(f.everything().Options) },
		"preset": func() []string {
			var out []string
			profile, _ := policies.Profile(f.profile)
			for _, p := range profile.Presets {
				out = append(out, p.Name+"\t"+p.Title)
			}
			return out
		},
		"partition": region.PartitionIDs,
	}
	for name, list := range values {
		if cmd.Flags().Lookup(name) != nil {
			must(cmd.RegisterFlagCompletionFunc(name, completeList(func() []string {
				if f.load(cmd) != nil {
					return nil
				}
				return list()
			})))
		}
	}
}

// completeFixed registers shell completion for a flag with fixed values.
func completeFixed(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// completeList returns a completion of the last element of a comma-separated list.
func completeList(list func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndex(typed, ",")+1]
		var out []string
		for _, v := range list() {
			if name, _, _ := strings.Cut(v, "\t"); !slices.Contains(strings.Split(before, ","), name) {
				out = append(out, before+v)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

func must(err error) {
	if err != nil { // only for a flag that is not registered
		panic(err)
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// everything returns all assets, operations and options of the profile and release.
func (f *choiceFlags) everything() policies.Selection {
	profile, _ := policies.ProfileAt(f.profile, f.catalogVersion)
	all := choice.Everything(profile)
	all.CatalogVersion = f.catalogVersion
	return all
}

// selection returns the choice that the flags make.
func (f *choiceFlags) selection() policies.Selection {
	s := policies.Selection{Profile: f.profile, Preset: f.preset, CatalogVersion: f.catalogVersion,
		RestoreUntil: f.restoreUntil.time, Scope: f.scope.scope()}
	for _, a := range f.assets {
		s.Assets = append(s.Assets, schema.Asset(strings.TrimSpace(a)))
	}
	for _, o := range f.operations {
		s.Operations = append(s.Operations, schema.Operation(strings.TrimSpace(o)))
	}
	for _, o := range f.options {
		s.Options = append(s.Options, schema.Option(strings.TrimSpace(o)))
	}
	if f.supportRole {
		s.Options = append(s.Options, "support-role")
	}
	if f.awsBackupInventory {
		s.Options = append(s.Options, "aws-backup-inventory")
	}
	return s
}

// selectionOrEverything returns the choice that the flags make, or everything if
// they name neither assets nor a preset.
func (f *choiceFlags) selectionOrEverything() policies.Selection {
	s := f.selection()
	if len(s.Assets) > 0 || s.Preset != "" {
		return s
	}
	all := f.everything()
	s.Assets = all.Assets
	if len(s.Options) == 0 {
		s.Options = all.Options
	}
	return s
}

// completeChoice completes an argument that is a choice, written
// PROFILE:ASSETS:OPERATIONS:OPTIONS, or a file.
func completeChoice(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	profile, found := policies.Profile(strings.Split(strings.Split(typed, ":")[0], "@")[0])
	if !found || !strings.Contains(typed, ":") {
		var out []string
		for _, name := range policies.ProfileNames() {
			out = append(out, name, name+":")
		}
		return out, cobra.ShellCompDirectiveNoSpace
	}
	all := choice.Everything(profile)
	lists := [][]string{texts(all.Assets), texts(all.Operations), texts(all.Options)}
	n := strings.Count(typed, ":") - 1
	if n >= len(lists) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	before := typed[:strings.LastIndexAny(typed, ":,")+1]
	var out []string
	for _, v := range lists[n] {
		out = append(out, before+v)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
