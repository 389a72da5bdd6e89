package cloudformation

import (
	"maps"
	"strings"

	"permstack/internal/fakeaws/logs"
)

const logGroupType = "AWS::Logs::LogGroup"

// LogGroups implements logs.Groups.
func (e *Engine) LogGroups(account, region string) map[string]logs.Group {
	e.mu.Lock()
	defer e.mu.Unlock()
	prefix := strings.Join([]string{logGroupType, account, region, ""}, " ")
	out := map[string]logs.Group{}
	for key, r := range e.records {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			out[name] = maps.Clone(r.props)
		}
	}
	return out
}

// PutLogGroup implements logs.Groups.
func (e *Engine) PutLogGroup(account, region, name string, properties logs.Group) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := strings.Join([]string{logGroupType, account, region, name}, " ")
	if properties == nil {
		delete(e.records, key)
		return
	}
	e.records[key] = &record{maps.Clone(properties)}
}
