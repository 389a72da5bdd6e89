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
var longestValues = strings.NewReplacer(
	pseudoPartition, "aws-us-gov",
	pseudoAccount, "123456789012",
	pseudoRegion, strings.Repeat("r", maxRegion),
	pseudoSuffix, "amazonaws.com.cn",
	pseudoStack, strings.Repeat("s", 128),
)

// size counts a document's characters as IAM does, in the longest partition and
// Region where the environment leaves them open.
func size(d policydoc.Document) int {
	text, err := d.JSON()
	if err != nil { // strings and maps of strings always marshal
		panic(err)
	}
	return policydoc.CountedSize(longestValues.Replace(string(text)))
}

func openEnvironment(env Environment) Environment {
	env.Partition, env.Account, env.Region = "", "", ""
	return env
}

// split packs a policy's statements into as many documents as IAM's limit asks
// for: in their order, a new part where the next one does not fit.
func (s synthesis) split(statements []catalog.Statement) [][]catalog.Statement {
	var out [][]catalog.Statement
	doc := policydoc.Document{Version: policydoc.Version}
	var part []catalog.Statement
	for _, st := range statements {
		written, ok := s.statement(st)
		if !ok {
			continue
		}
		larger := doc
		larger.Statement = append(larger.Statement[:len(larger.Statement):len(larger.Statement)], written)
		if len(part) > 0 && size(larger) > MaxManagedPolicy {
			out = append(out, part)
			part = nil
			larger = policydoc.Document{Version: policydoc.Version, Statement: []policydoc.Statement{written}}
		}
		doc = larger
		part = append(part, st)
	}
	if len(part) > 0 {
		out = append(out, part)
	}
	return out
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
