package policies

import (
	"slices"
	"sort"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies/schema"
)

// CloudFormation's pseudo parameters, for empty values of an environment.
const (
	pseudoPartition = "${AWS::Partition}"
	pseudoAccount   = "${AWS::AccountId}"
	pseudoRegion    = "${AWS::Region}"
	pseudoSuffix    = "${AWS::URLSuffix}"
	pseudoStack     = "${AWS::StackName}"
)

func orPseudo(value, pseudo string) string {
	if value == "" {
		return pseudo
	}
	return value
}

// terms maps the ${…} names of the catalogue to their values in an environment.
type terms map[string]string

func newTerms(profile schema.Profile, c choice, env Environment) terms {
	t := terms{
		"Partition":               orPseudo(env.Partition, pseudoPartition),
		"Account":                 orPseudo(env.Account, pseudoAccount),
		"Region":                  orPseudo(env.Region, pseudoRegion),
		"DataPlaneAccount":        env.DataPlaneAccountID,
		"ControlPlaneAccount":     iampolicy.AccountInARN(env.ControlPlaneRoleARN),
		"ControlPlaneRole":        env.ControlPlaneRoleARN,
		"SupportControlPlaneRole": env.SupportControlPlaneRoleARN,
		"ExternalId":              env.ExternalID,
		"Path":                    env.Path,
		"EC2Service":              ec2Service(env.Partition),
	}
	t.choose(profile, c)
	return t
}

// longestTerms returns the terms with the longest value of each in any Region.
func longestTerms(profile schema.Profile, c choice, env Environment) terms {
	t := newTerms(profile, c, env)
	t["Partition"], t["Account"], t["Region"] = longestPartition, longestAccount, longestRegion
	t["EC2Service"] = longestEC2Service
	t.choose(profile, c)
	return t
}

// choose sets the values of the profile's own terms.
func (t terms) choose(profile schema.Profile, c choice) {
	done := map[string]bool{}
	for _, term := range profile.Terms {
		if !done[term.Name] && c.hasAny(term.For) {
			t[term.Name], done[term.Name] = t.expand(term.Value), true
		}
	}
}

// ec2Service returns EC2's service principal. No other service principal of the profiles has another suffix in China.
func ec2Service(partition string) string {
	switch partition {
	case "":
		return "ec2." + pseudoSuffix
	case "aws-cn":
		return "ec2.amazonaws.com.cn"
	}
	return "ec2.amazonaws.com"
}

// expand replaces ${…} names by their values. Unknown names are not modified, because IAM's policy variables have the
// same syntax.
func (t terms) expand(s string) string {
	start := strings.Index(s, "${")
	if start < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 32)
	for start >= 0 {
		end := strings.IndexByte(s[start:], '}')
		if end < 0 {
			break
		}
		end += start
		b.WriteString(s[:start])
		if value, ok := t[s[start+2:end]]; ok {
			b.WriteString(value)
		} else {
			b.WriteString(s[start : end+1])
		}
		s = s[end+1:]
		start = strings.Index(s, "${")
	}
	b.WriteString(s)
	return b.String()
}

// conditions returns a statement's conditions. Empty values of the environment are omitted from a list of several; a
// single value stays empty, so that the condition is never met.
func (s synthesis) conditions(when schema.Conditions) iampolicy.Conditions {
	if len(when) == 0 {
		return nil
	}
	out := make(iampolicy.Conditions, len(when))
	for operator, keys := range when {
		out[operator] = make(map[string]iampolicy.Values, len(keys))
		for key, values := range keys {
			expanded := make(iampolicy.Values, 0, len(values))
			for _, v := range values {
				if kind, entity, ok := reference(v); ok {
					expanded = append(expanded, s.referencedARNs(kind, entity)...)
				} else if v == otherAccount {
					expanded = append(expanded, s.otherAccounts(operator)...)
				} else if v = s.terms.expand(v); v != "" || len(values) == 1 {
					expanded = append(expanded, v)
				}
			}
			if len(expanded) == 0 {
				expanded = iampolicy.Values{""}
			}
			out[operator][key] = expanded
		}
	}
	return out
}

// otherAccounts are the values of ${OtherAccount} in a condition: the listed
// accounts; without any, whatever matches every account for an operator with
// wildcards, and nothing for others.
func (s synthesis) otherAccounts(operator string) []string {
	accounts := s.names.env.OtherAccounts
	if len(accounts) == 0 && strings.Contains(operator, "Like") {
		return []string{"*"}
	}
	return accounts
}

// resources expands ARNs, and references to the selection's own entities.
func (s synthesis) resources(list []string) iampolicy.Values {
	out := make(iampolicy.Values, 0, len(list))
	for _, r := range list {
		if kind, entity, ok := reference(r); ok {
			out = append(out, s.referencedARNs(kind, entity)...)
			continue
		}
		if !strings.Contains(r, otherAccount) {
			out = append(out, s.terms.expand(r))
			continue
		}
		accounts := s.names.env.OtherAccounts
		if len(accounts) == 0 {
			accounts = []string{"*"}
		}
		for _, a := range accounts {
			out = append(out, s.terms.expand(strings.ReplaceAll(r, otherAccount, a)))
		}
	}
	return out
}

// otherAccount is replaced by each of the customer's other accounts.
const otherAccount = "${OtherAccount}"

// reference parses "${roles:Entity}" into kind and entity.
func reference(s string) (kind, entity string, ok bool) {
	body, ok := strings.CutPrefix(s, "${")
	if !ok || !strings.HasSuffix(body, "}") {
		return "", "", false
	}
	kind, entity, _ = strings.Cut(strings.TrimSuffix(body, "}"), ":")
	return kind, entity, slices.Contains([]string{"roles", "policies", "topics", "rules", "stacks"}, kind)
}

// referencedARNs returns the ARNs of the included entities that a reference names, in the profile's order.
func (s synthesis) referencedARNs(kind, entity string) []string {
	var out []string
	matches := func(e string) bool { return entity == "*" || entity == e }
	switch kind {
	case "roles":
		var entities []string
		for _, r := range s.chosen.roles {
			if matches(r.Entity) {
				entities = append(entities, r.Entity)
			}
		}
		for _, name := range s.names.all(entities) {
			out = append(out, s.terms.expand("arn:${Partition}:iam::${Account}:role")+s.names.path()+name)
		}
	case "policies":
		var entities []string
		for e, parts := range s.chosen.policies {
			if matches(e) {
				for i := range parts {
					entities = append(entities, partEntity(e, i))
				}
			}
		}
		sort.Strings(entities)
		for _, name := range s.names.all(entities) {
			out = append(out, s.terms.expand("arn:${Partition}:iam::${Account}:policy")+s.names.path()+name)
		}
	case "topics":
		for _, t := range s.chosen.topics {
			if matches(t.Entity) {
				out = append(out, s.topicARN(t.Entity))
			}
		}
	case "rules":
		var entities []string
		for _, r := range s.chosen.rules {
			if matches(r.Entity) {
				entities = append(entities, r.Entity)
			}
		}
		for _, name := range s.names.all(entities) {
			out = append(out, s.terms.expand("arn:${Partition}:events:${Region}:${Account}:rule/")+name)
		}
	case "stacks":
		stacks := s.names.env.StackNames
		if len(stacks) == 0 {
			stacks = []string{pseudoStack}
		}
		for _, name := range stacks {
			out = append(out, s.terms.expand("arn:${Partition}:cloudformation:${Region}:${Account}:stack/")+name+"/*")
		}
	}
	return out
}

func (s synthesis) topicARN(entity string) string {
	return s.terms.expand("arn:${Partition}:sns:${Region}:${Account}:") + s.names.physical(entity)
}

// sentence returns a reason with a capital letter, for descriptions in IAM and EventBridge.
func sentence(why string) string {
	if why == "" {
		return ""
	}
	return strings.ToUpper(why[:1]) + why[1:]
}
