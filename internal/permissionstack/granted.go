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

// GrantedHash identifies what a set grants and to whom: 64 hex digits. Names of
// statements, reasons, descriptions, tags, the order of lists and the way in which
// a large policy is split do not change it; an additional action, resource,
// condition, principal, boundary or event does. The external id does not take part:
// whoever can read the hash could try short ids until one has it.
func GrantedHash(set policies.Set) (string, error) {
	set, _, err := parameterize(set)
	if err != nil {
		return "", err
	}
	var lines []string
	add := func(kind string, value any) error {
		data, err := json.Marshal(value)
		lines = append(lines, kind+" "+string(data))
		return err
	}
	for _, r := range set.Roles {
		if err := add("role", []any{r.Path + r.Name, r.PermissionsBoundary, r.InstanceProfile}); err != nil {
			return "", fmt.Errorf("hash role %s: %w", r.Name, err)
		}
		docs := []iampolicy.Document{}
		for _, list := range [][]policies.Policy{r.Managed, r.Inline} {
			for _, p := range list {
				docs = append(docs, p.Document)
			}
		}
		for _, s := range canonicalStatements(docs...) {
			lines = append(lines, "allows "+r.Name+" "+s)
		}
		for _, s := range canonicalStatements(r.Trust) {
			lines = append(lines, "trusts "+r.Name+" "+s)
		}
	}
	for _, t := range set.Topics {
		lines = append(lines, "topic "+t.Name)
		for _, s := range canonicalStatements(t.Policy) {
			lines = append(lines, "topic "+t.Name+" "+s)
		}
	}
	for _, r := range set.Rules {
		targets := []string{}
		for _, t := range r.Targets {
			targets = append(targets, t.TopicEntity)
		}
		sort.Strings(targets)
		if err := add("rule", []any{r.Name, r.Pattern, targets}); err != nil {
			return "", fmt.Errorf("hash rule %s: %w", r.Name, err)
		}
	}
	sort.Strings(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:]), nil
}

// canonicalStatements returns the statements of some documents in canonical form.
func canonicalStatements(docs ...iampolicy.Document) []string {
	var out []string
	for _, d := range docs {
		for _, s := range d.Statement {
			data, err := json.Marshal([]any{
				s.Effect, canonicalPrincipal(s.Principal), canonicalPrincipal(s.NotPrincipal),
				// IAM compares actions, operators and condition keys without regard to case.
				sorted(s.Action, strings.ToLower), sorted(s.NotAction, strings.ToLower),
				sorted(s.Resource, unchanged), sorted(s.NotResource, unchanged),
				canonicalConditions(s.Condition),
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

func canonicalConditions(c iampolicy.Conditions) map[string][]string {
	out := map[string][]string{}
	for operator, keys := range c {
		for key, values := range keys {
			out[strings.ToLower(operator+" "+key)] = sorted(values, unchanged)
		}
	}
	return out
}

func canonicalPrincipal(p *iampolicy.Principal) any {
	if p == nil {
		return nil
	}
	if p.Everyone {
		return "*"
	}
	out := map[string][]string{}
	for kind, ids := range p.ByType {
		out[kind] = sorted(ids, unchanged)
	}
	return out
}

func unchanged(s string) string { return s }

// sorted returns the values in order, without duplicates.
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
