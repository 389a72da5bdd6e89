// Package permstack holds the template that customers launch, so that the
// command line can launch it too, from anywhere.
package permstack

import _ "embed"

// Template is template.yaml.
//
//go:embed template.yaml
var Template []byte
