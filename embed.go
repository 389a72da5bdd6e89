// Package permstack holds files that the command line and the drift check need from anywhere: the
// templates that customers launch, and the schema of profiles.
package permstack

import (
	"embed"
	"io/fs"
)

// Template is template.yaml.
//
//go:embed template.yaml
var Template []byte

//go:embed templates/aws-backup.yaml templates/clumio.yaml templates/cpm.yaml templates/veeam.yaml
var profileTemplates embed.FS

// ProfileTemplate returns the launch template of a built-in profile, whose functions' code is of no release, and nil
// for others.
func ProfileTemplate(profile string) []byte {
	template, err := fs.ReadFile(profileTemplates, "templates/"+profile+".yaml")
	if err != nil {
		return nil
	}
	return template
}

// ProfileSchema is the JSON Schema of profile files.
//
//go:embed internal/policies/profile.schema.json
var ProfileSchema []byte
