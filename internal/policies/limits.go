package policies

import (
	"fmt"
	"strings"
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

// The longest values that an environment may have, or CloudFormation put for a
// pseudo parameter.
const (
	longestPartition  = "aws-us-gov"
	longestAccount    = "123456789012"
	longestRegion     = "rrrrrrrrrrrrrrr" // maxRegion
	longestEC2Service = "ec2.amazonaws.com.cn"
	longestStack      = 128
)

// pseudoGrowth is by how much a pseudo parameter may grow when CloudFormation
// puts its value in.
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
