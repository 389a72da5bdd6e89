// Package permstack holds files that the command line needs from anywhere: the
// template that customers launch, and the schema of profiles.
package permstack

import _ "embed"

// Template is template.yaml.
//
//go:embed template.yaml
var Template []byte

// ProfileSchema is the JSON Schema of profile files.
//
//go:embed internal/policies/profile.schema.json
var ProfileSchema []byte
