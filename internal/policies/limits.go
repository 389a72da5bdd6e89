package policies

import (
	"fmt"
	"strings"

	"permstack/internal/policies/catalog"
	"permstack/internal/policydoc"
)

// IAM's limits ("IAM and AWS STS quotas"); characters are counted without white
// space. The numbers of attachments and trust size are the defaults: an account
// may have higher ones, we do not rely on it.
const (
	MaxManagedPolicy       = 6144  // characters of a managed policy
	MaxInlinePolicies      = 10240 // characters of a role's inline policies together
	MaxTrustPolicy         = 2048  // characters of a trust policy
	MaxManagedPoliciesRole = 10    // managed policies attached to a role
)

// longestValues are the longest that CloudFormation may put for its pseudo
// parameters.
var longestValues = map[string]string{
	pseudoPartition: "aws-us-gov",
	pseudoAccount:   "123456789012",
	pseudoRegion:    strings.Repeat("r", maxRegion),
	pseudoSuffix:    "amazonaws.com.cn",
	pseudoStack:     strings.Repeat("s", 128),
}

// size counts a document's characters as IAM does, in the longest partition and
// Region where the environment leaves them open.
func size(d policydoc.Document) int {
	data, err := d.JSON()
	if err != nil { // documents always marshal
		panic(err)
	}
	text := string(data)
	n := policydoc.CountedSize(text)
	for pseudo, value := range longestValues {
		n += strings.Count(text, pseudo) * (len(value) - len(pseudo))
	}
	return n
}

func openEnvironment(env Environment) Environment {
	env.Partition, env.Account, env.Region = "", "", ""
	return env
}

// split packs a policy's statements into as many documents as IAM's limit asks
// for: in their order, a new part where the next one does not fit.
func (s synthesis) split(statements []catalog.Statement) [][]catalog.Statement {
	whole := policydoc.Document{Version: policydoc.Version}
	for _, st := range statements {
		written, _ := s.statement(st)
		whole.Statement = append(whole.Statement, written)
	}
	if size(whole) <= MaxManagedPolicy {
		return [][]catalog.Statement{statements}
	}
	empty := size(policydoc.Document{Version: policydoc.Version})
	var out [][]catalog.Statement
	var part []catalog.Statement
	used := empty
	for i, st := range statements {
		// A document of one statement less an empty one is the statement; one
		// more for the comma before it.
		n := 1 + size(policydoc.Document{Version: policydoc.Version, Statement: whole.Statement[i : i+1]}) - empty
		if len(part) > 0 && used+n > MaxManagedPolicy {
			out, part, used = append(out, part), nil, empty
		}
		part, used = append(part, st), used+n
	}
	return append(out, part)
}

// LimitError says that IAM would refuse the set.
type LimitError struct{ Problems []string }

func (e *LimitError) Error() string {
	return "the permissions do not fit IAM's limits (a shorter path or connection id, or fewer assets, helps): " +
		strings.Join(e.Problems, "; ")
}

// checkLimits holds a set against IAM's limits.
func checkLimits(set Set) error {
	var problems []string
	over := func(what string, have, limit int) {
		if have > limit {
			problems = append(problems, fmt.Sprintf("%s: %d of at most %d", what, have, limit))
		}
	}
	for _, r := range set.Roles {
		over("trust policy of "+r.Entity+" in characters", size(r.Trust), MaxTrustPolicy)
		over("managed policies of "+r.Entity, len(r.Managed), MaxManagedPoliciesRole)
		inline := 0
		for _, p := range r.Inline {
			inline += size(p.Document)
		}
		over("inline policies of "+r.Entity+" in characters", inline, MaxInlinePolicies)
		for _, p := range r.Managed {
			over("policy "+p.Entity+" in characters", size(p.Document), MaxManagedPolicy)
		}
	}
	if len(problems) > 0 {
		return &LimitError{problems}
	}
	return nil
}
