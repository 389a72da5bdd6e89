package cfntemplate

import (
	"slices"
	"strings"
)

// Dependencies returns the resources that a resource must follow: those it
// names by Ref, Fn::GetAtt or Fn::Sub in the branches that are taken, and its
// DependsOn, as far as their own conditions hold.
func (b *Resolved) Dependencies(id string) ([]string, error) {
	r := b.Template.resources[id]
	if r == nil {
		return nil, nil
	}
	var deps []string
	add := func(dep string) {
		if !slices.Contains(deps, dep) {
			deps = append(deps, dep)
		}
	}
	for _, dep := range r.DependsOn {
		if b.IsActive(dep) {
			add(dep)
		}
	}
	taken := func(condition string) bool { return b.Conditions[condition] }
	err := walk(r.properties, taken, func(u use) error {
		if u.condition || b.Template.resources[u.name] == nil {
			return nil
		}
		if !b.IsActive(u.name) {
			return unresolved(u.line, u.name)
		}
		add(u.name)
		return nil
	})
	return deps, err
}

// Order returns the active resources so that each follows all it depends on;
// among those that are free it keeps the template's order. A circle is an
// error that names it.
func (b *Resolved) Order() ([]*Resource, error) {
	const (
		unseen = iota
		open
		done
	)
	state := map[string]int{}
	var out []*Resource
	var path []string
	var visit func(id string) error
	visit = func(id string) error {
		switch state[id] {
		case done:
			return nil
		case open:
			circle := slices.Clone(path[slices.Index(path, id):])
			return errAt(b.Template.resources[id].Line, "Circular dependency between resources: [%s]",
				strings.Join(circle, ", "))
		}
		state[id] = open
		path = append(path, id)
		deps, err := b.Dependencies(id)
		if err != nil {
			return err
		}
		for _, dep := range deps {
			if err := visit(dep); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		out = append(out, b.Template.resources[id])
		return nil
	}
	for _, r := range b.active {
		if err := visit(r.LogicalID); err != nil {
			return nil, err
		}
	}
	return out, nil
}
