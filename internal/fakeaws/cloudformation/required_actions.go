package cloudformation

import (
	"maps"
	"slices"
)

// RequiredActions returns the actions that the handlers of a type may require for a
// resource with these properties, sorted: from AWS's schema, without what is called
// only for a property that is not set.
func RequiredActions(typ string, properties []string) []string {
	p := findProvider(typ)
	if p == nil {
		return nil
	}
	out := map[string]bool{}
	for _, handler := range []string{createHandler, readHandler, updateHandler, deleteHandler} {
		for _, action := range append(checkedRights(typ, handler), p.schema().Permissions.forHandler(handler)...) {
			needs := p.schema().Rights.For[action]
			if needs == nil || slices.ContainsFunc(needs, func(n string) bool { return slices.Contains(properties, n) }) {
				out[action] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// OnAnyResource returns the actions of the handlers that IAM authorizes on "*" only.
func OnAnyResource() []string { return slices.Clone(anyResource) }
