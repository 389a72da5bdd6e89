package permissionstack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
)

// GrantedHash identifies what a set grants and to whom: 64 hex digits over its
// meaning. Names of statements, reasons, descriptions, tags, the order of lists
// and the way in which a large policy is split change nothing; an action, a
// resource, a condition, a principal, a boundary or an event more does.
func GrantedHash(set policies.Set) (string, error) {
	var lines []string
	say := func(kind string, value any) error {
		data, err := json.Marshal(value)
		lines = append(lines, kind+" "+string(data))
		return err
	}
	for _, r := range set.Roles {
		if err := say("role", []any{r.Path + r.Name, r.PermissionsBoundary, r.InstanceProfile}); err != nil {
			return "", fmt.Errorf("hash role %s: %w", r.Name, err)
		}
		docs := []iampolicy.Document{}
		for _, list := range [][]policies.Policy{r.Managed, r.Inline} {
			for _, p := range list {
				docs = append(docs, p.Document)
			}
		}
		for _, s := range statements(docs...) {
			lines = append(lines, "allows "+r.Name+" "+s)
		}
		for _, s := range statements(r.Trust) {
			lines = append(lines, "trusts "+r.Name+" "+s)
		}
	}
	for _, t := range set.Topics {
		lines = append(lines, "topic "+t.Name)
		for _, s := range statements(t.Policy) {
			lines = append(lines, "topic "+t.Name+" "+s)
		}
	}
	for _, r := range set.Rules {
		targets := []string{}
		for _, t := range r.Targets {
			targets = append(targets, t.TopicEntity)
		}
		sort.Strings(targets)
		if err := say("rule", []any{r.Name, r.Pattern, targets}); err != nil {
			return "", fmt.Errorf("hash rule %s: %w", r.Name, err)
		}
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:]), nil
}

// statements writes the statements of some documents in one canonical form.
func statements(docs ...iampolicy.Document) []string {
	var out []string
	for _, d := range docs {
		for _, s := range d.Statement {
			data, err := json.Marshal([]any{
				s.Effect, principal(s.Principal), principal(s.NotPrincipal),
				// IAM reads actions, operators and condition keys without regard to case.
				sorted(s.Action, strings.ToLower), sorted(s.NotAction, strings.ToLower),
				sorted(s.Resource, asIs), sorted(s.NotResource, asIs),
				conditions(s.Condition),
			})
			if err != nil { // strings and maps of strings always marshal
				panic(err)
			}
			out = append(out, string(data))
		}
	}
	sort.Strings(out)
	return out
}

func conditions(c iampolicy.Conditions) map[string][]string {
	out := map[string][]string{}
	for operator, keys := range c {
		for key, values := range keys {
			out[strings.ToLower(operator+" "+key)] = sorted(values, asIs)
		}
	}
	return out
}

func principal(p *iampolicy.Principal) any {
	if p == nil {
		return nil
	}
	if p.Everyone {
		return "*"
	}
	out := map[string][]string{}
	for kind, ids := range p.ByType {
		out[kind] = sorted(ids, asIs)
	}
	return out
}

func asIs(s string) string { return s }

// sorted lists values once each.
func sorted(values iampolicy.Values, form func(string) string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, v := range values {
		if v = form(v); !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	sort.Strings(out)
	return out
}
