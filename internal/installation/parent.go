// Package installation identifies one installation of permstack: the parent
// stack that somebody launched, the names of the permission stacks that belong
// to it, and the tags and outputs by which they find one another.
//
// The provisioner creates what is named here, the drift check reads it and
// notifications mention it; none of them needs to link another for that.
package installation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Parent is the stack that holds the custom resource.
type Parent struct {
	ID        string // the StackId, an ARN
	Partition string
	Region    string
	Account   string
	Name      string
	unique    string // the last part of the ARN: a UUID
}

// stackARN is compiled when it is first needed, not at every cold start.
var stackARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(
		`^arn:(aws[a-z-]*):cloudformation:([a-z0-9-]+):(\d{12}):stack/([A-Za-z][-A-Za-z0-9]{0,127})/([-A-Za-z0-9]+)$`,
	)
})

// ParseParent parses a StackId. It returns an error if the text is not the ARN
// of a stack.
func ParseParent(stackID string) (Parent, error) {
	m := stackARN().FindStringSubmatch(stackID)
	if m == nil {
		return Parent{}, fmt.Errorf("parse StackId %q: not the ARN of a stack", stackID)
	}
	return Parent{ID: stackID, Partition: m[1], Region: m[2], Account: m[3], Name: m[4], unique: m[5]}, nil
}

// Part names one of the permission stacks.
type Part string

const (
	// Access holds the resources that grant access: roles, policies, instance
	// profiles.
	Access Part = "access"
	// Inventory holds the topic and event rules that notify the vendor of changes.
	Inventory Part = "inventory"
)

// Parts lists every part in the order of requests. CloudFormation works on all parts
// at the same time; package provisioner sets the trust policies of roles last.
var Parts = []Part{Inventory, Access}

// maxStackName is CloudFormation's limit (API reference, CreateStack: StackName).
const maxStackName = 128

const longestSuffix = "-permstack-" + string(Inventory)

// StackName returns the name of a permission stack of the parent:
//
//	<parent>-permstack-access, <parent>-permstack-inventory
//
// If that exceeds 128 characters, as it may under StackSets, the parent's name
// is truncated and the UUID of its id inserted:
//
//	<truncated parent>-<UUID>-permstack-access
//
// A hash would do as well, but a template can write the UUID (Fn::Select and
// Fn::Split on AWS::StackId), so the function's own IAM policy can name exactly
// these stacks: stack/${AWS::StackName}-permstack-*/* and
// stack/*-<UUID>-permstack-*/*.
func (p Parent) StackName(part Part) string {
	suffix := "-permstack-" + string(part)
	if len(p.Name)+len(longestSuffix) <= maxStackName { // the same form for every part
		return p.Name + suffix
	}
	unique := p.unique
	if len(unique) > 36 {
		sum := sha256.Sum256([]byte(p.ID))
		unique = hex.EncodeToString(sum[:])[:32]
	}
	keep := maxStackName - len(longestSuffix) - len(unique) - 1
	return strings.TrimRight(p.Name[:keep], "-") + "-" + unique + suffix
}

// StackNames returns the names of the permission stacks, in the order of Parts.
func (p Parent) StackNames() []string {
	var out []string
	for _, part := range Parts {
		out = append(out, p.StackName(part))
	}
	return out
}
