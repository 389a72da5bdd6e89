package profiles

import (
	"embed"
	"fmt"
)

//go:embed */narrowings.yaml
var narrowings embed.FS

// Narrowings returns the file narrowings.yaml of a profile: the recorded differences
// from the vendor's own permissions. Package internal/policies/narrowings parses it.
func Narrowings(name string) ([]byte, error) {
	data, err := narrowings.ReadFile(name + "/narrowings.yaml")
	if err != nil {
		return nil, fmt.Errorf("read narrowings of profile %s: %w", name, err)
	}
	return data, nil
}
