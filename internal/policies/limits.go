package policies

import (
	"fmt"
	"strings"
)

// IAM's quotas ("IAM and AWS STS quotas"), in characters without white space. The number of attached policies and the
// size of a trust policy are the default quotas; an account may have higher ones, which are not used.
const (
	MaxManagedPolicy       = 6144  // characters of a managed policy
	MaxInlinePolicies      = 10240 // characters of a role's inline policies together
	MaxTrustPolicy         = 2048  // characters of a trust policy
	MaxManagedPoliciesRole = 10    // managed policies attached to a role
)

// The longest values of an environment and of CloudFormation's pseudo parameters.
const (
	longestPartition  = "aws-us-gov"
	longestAccount    = "123456789012"
	longestRegion     = "rrrrrrrrrrrrrrr" // maxRegion
	longestEC2Service = "ec2.amazonaws.com.cn"
	longestStack      = 128
)

// pseudoGrowth is the number of characters by which the longest value of a pseudo parameter exceeds its name;
// negative if it is shorter.
var pseudoGrowth = map[string]int{
	pseudoPartition: len(longestPartition) - len(pseudoPartition),
	pseudoAccount:   len(longestAccount) - len(pseudoAccount),
	pseudoRegion:    len(longestRegion) - len(pseudoRegion),
	pseudoSuffix:    len("amazonaws.com.cn") - len(pseudoSuffix),
	pseudoStack:     longestStack - len(pseudoStack),
}

func longestEnvironment(env Environment) Environment {
	env.Partition, env.Account, env.Region = longestPartition, longestAccount, longestRegion
	return env
}

// LimitError is returned for a set that exceeds IAM's quotas.
type LimitError struct{ Problems []string }

func (e *LimitError) Error() string {
	return "the permissions do not fit IAM's limits (a shorter path or connection id, or fewer assets, helps): " +
		strings.Join(e.Problems, "; ")
}

// checkLimits returns a *LimitError if the set exceeds IAM's quotas.
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
