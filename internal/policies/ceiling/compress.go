package ceiling

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
)

// width is how wide the patterns of a ceiling are. A profile has the narrowest that fits.
type width int

const (
	beginnings width = iota // patterns are beginnings of names: "ec2:DescribeVpn*"
	parts                   // and parts of names: "ec2:*Subnets"
	reads                   // and may match every action that lists or describes, also those of sensitive
	joint                   // and those that every choice with the pattern grants anyway; no pattern is written twice
	kinds                   // and those that change what every choice with the pattern can delete anyway
)

// compress returns patterns of actions that match each of wanted, of one service or several, and apart from them only
// actions that are granted anyway (also) or that are harmless. The patterns are sorted, and the same input always has
// the same result.
//
// It is a greedy cover: the pattern is taken that saves most characters, until none saves any.
func compress(wanted []string, also map[string]bool, w width) []string {
	open := map[string][]string{} // by service
	for _, a := range wanted {
		service, name, _ := strings.Cut(a, ":")
		if !slices.Contains(open[service], name) {
			open[service] = append(open[service], name)
		}
	}
	var out []string
	for _, service := range slices.Sorted(maps.Keys(open)) {
		out = append(out, compressService(service, open[service], also, w)...)
	}
	slices.Sort(out)
	return out
}

func compressService(service string, names []string, also map[string]bool, w width) []string {
	slices.Sort(names)
	allowed := map[string]bool{}
	for _, n := range names {
		allowed[n] = true
	}
	var refused []string
	for _, a := range actions.Matching(service + ":*") {
		_, name, _ := strings.Cut(a.Name, ":")
		permitted := also[a.Name] || harmless(a) && (w >= reads || !slices.Contains(sensitive, a.Name))
		if !allowed[name] && !permitted {
			refused = append(refused, strings.ToLower(name))
		}
	}
	candidates := slices.DeleteFunc(patterns(names, w), func(p string) bool {
		return slices.ContainsFunc(refused, matcher(p))
	})
	covered := map[string][]string{}
	for _, p := range candidates {
		matches := matcher(p)
		for _, n := range names {
			if matches(strings.ToLower(n)) {
				covered[p] = append(covered[p], n)
			}
		}
	}
	overhead := len(service) + len(`:"",`)
	done := map[string]bool{}
	var out []string
	for {
		best, saved := "", 0
		for _, p := range candidates {
			s := -(len(p) + overhead)
			for _, n := range covered[p] {
				if !done[n] {
					s += len(n) + overhead
				}
			}
			if s > saved {
				best, saved = p, s
			}
		}
		if saved <= 0 {
			break
		}
		for _, n := range covered[best] {
			done[n] = true
		}
		out = append(out, service+":"+best)
	}
	for _, n := range names {
		if !done[n] {
			out = append(out, service+":"+n)
		}
	}
	return out
}

// matcher returns actions.Match of a pattern of patterns for names in lower case. There are thousands of patterns for
// hundreds of names.
func matcher(pattern string) func(string) bool {
	text := strings.ToLower(strings.Trim(pattern, "*"))
	begins, ends := strings.HasSuffix(pattern, "*"), strings.HasPrefix(pattern, "*")
	switch {
	case strings.ContainsAny(text, "*?"):
		return func(name string) bool { return actions.Match(pattern, name) }
	case begins && ends:
		return func(name string) bool { return strings.Contains(name, text) }
	case begins:
		return func(name string) bool { return strings.HasPrefix(name, text) }
	case ends:
		return func(name string) bool { return strings.HasSuffix(name, text) }
	}
	return func(name string) bool { return name == text }
}

// patterns returns the candidates for names of actions: beginnings of whole words and, unless only these are wanted,
// runs of words between wildcards and last words. They are sorted by length, then by name.
func patterns(names []string, width width) []string {
	seen := map[string]bool{}
	for _, n := range names {
		w := words(n)
		for i := 1; i <= len(w); i++ {
			seen[strings.Join(w[:i], "")+"*"] = true
			if width == beginnings {
				continue
			}
			for j := range i {
				seen["*"+strings.Join(w[j:i], "")+"*"] = true
			}
			seen["*"+strings.Join(w[i-1:], "")] = true
		}
	}
	delete(seen, "**")
	return slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}

// words splits a name before its capital letters: "Describe", "D", "B", "Snapshots".
func words(name string) []string {
	var out []string
	start := 0
	for i := 1; i < len(name); i++ {
		if name[i] >= 'A' && name[i] <= 'Z' {
			out = append(out, name[start:i])
			start = i
		}
	}
	return append(out, name[start:])
}

// harmless reports whether an action only lists or describes resources.
func harmless(a actions.Action) bool {
	_, name, _ := strings.Cut(a.Name, ":")
	return (strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "List")) &&
		!a.Is(actions.Write) && !a.Is(actions.Permissions) && !a.Is(actions.Tagging)
}

// changes returns the actions that change resources of the kinds that some of granted delete: rds:RebootDBInstance
// with rds:DeleteDBInstance. Those that manage permissions are not among them.
func changes(granted map[string]bool) map[string]bool {
	deleted, services := map[string]bool{}, map[string]bool{}
	for a := range granted {
		service, name, _ := strings.Cut(a, ":")
		if kind, ok := strings.CutPrefix(name, "Delete"); ok {
			deleted[service+":"+kind], services[service] = true, true
		}
	}
	out := map[string]bool{}
	for service := range services {
		for _, a := range actions.Matching(service + ":*") {
			_, name, _ := strings.Cut(a.Name, ":")
			kind := strings.Join(words(name)[1:], "")
			harmful := !a.Is(actions.Write) || a.Is(actions.Permissions) || isExact(a.Name)
			if deleted[service+":"+kind] && !harmful {
				out[a.Name] = true
			}
		}
	}
	return out
}

// sensitive are actions that describe or list and return secrets or data: user data, the output of commands,
// parameters and outputs of stacks, settings of functions.
var sensitive = []string{
	"cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks", "cloudformation:ListExports",
	"dynamodb:DescribeStream",
	"ec2:DescribeInstanceAttribute", "ec2:DescribeLaunchTemplateVersions", "ec2:DescribeSpotFleetRequests",
	"ec2:DescribeSpotInstanceRequests", "ec2:DescribeVpnConnections", "ec2:DescribeClientVpnEndpoints",
	"ssm:DescribeSessions", "ssm:ListCommandInvocations", "ssm:ListCommands", "ssm:ListInventoryEntries",
}
