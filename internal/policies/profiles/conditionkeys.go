package profiles

import (
	"embed"
	"fmt"
	"path"
)

//go:embed condition-keys.yaml */condition-keys.yaml
var conditionKeys embed.FS

// ConditionKeys returns the file condition-keys.yaml of a profile, or that for every
// profile if the name is empty: why statements do not use condition keys that AWS
// sends. Package internal/policies/conditionkeys parses it.
func ConditionKeys(name string) ([]byte, error) {
	data, err := conditionKeys.ReadFile(path.Join(name, "condition-keys.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the reasons for unused condition keys: %w", err)
	}
	return data, nil
}
