package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/policies/profilefile"
)

const usageProfileFile = "`FILE` or directory of a profile that is not built in; it becomes the --profile"

// profileFlags are the flags that name the vendor's profile.
type profileFlags struct {
	profile string
	file    string
	loaded  bool
}

func (f *profileFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.profile, "profile", policies.TemplateProfileNames()[0], usageProfile())
	f.registerFile(cmd)
}

// registerFile registers --profile-file alone, for commands whose choices name the profile.
func (f *profileFlags) registerFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "profile-file", "", usageProfileFile)
}

// load reads --profile-file, if it is given, adds the profile and selects it.
func (f *profileFlags) load(cmd *cobra.Command) error {
	if f.file == "" || f.loaded {
		return nil
	}
	loaded, err := profilefile.LoadPath(f.file)
	if err != nil {
		return fmt.Errorf("--profile-file %s cannot be used ('permstack profile lint' checks it):\n%w", f.file, err)
	}
	name := loaded.Profile.Name
	if cmd.Flags().Changed("profile") && f.profile != name {
		return usagef("--profile %s: the profile in %s is %s; omit --profile", f.profile, f.file, name)
	}
	if err := policies.AddProfile(loaded.Profile, loaded.Flows...); err != nil {
		return usagef("--profile-file %s: profile %s is built in: give the profile in the file another name", f.file, name)
	}
	f.profile, f.loaded = name, true
	return nil
}
