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

// AlertTopicPrefix begins the name of the alert topic, which ends with the UUID of the parent stack: see AlertTopic in
// template.yaml.
const AlertTopicPrefix = "permstack-alerts-"

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

// StackName returns the name of a permission stack of the parent:
//
//	<parent>-<UUID>-permstack-access, <parent>-<UUID>-permstack-inventory
//
// The UUID is the last part of the parent's id. A parent's name that would exceed
// 128 characters with it, as it may under StackSets, is truncated.
//
// The UUID separates parents whose names contain each other: a template can write
// it (Fn::Select and Fn::Split on AWS::StackId), so the policies of the
// installation name exactly these stacks, stack/*-<UUID>-permstack-access/* and
// stack/*-<UUID>-permstack-inventory/*. CheckName refuses the one kind of parent
// whose own name these patterns would match.
func (p Parent) StackName(part Part) string {
	keep := min(len(p.Name), maxStackName-len(p.StackMarker())-len(Inventory)) // the same for every part
	return strings.TrimRight(p.Name[:keep], "-") + p.StackMarker() + string(part)
}

// StackMarker returns what the names of the permission stacks have between the
// parent's name and the part: -<UUID>-permstack-
func (p Parent) StackMarker() string {
	unique := p.unique
	if len(unique) > 36 {
		sum := sha256.Sum256([]byte(p.ID))
		unique = hex.EncodeToString(sum[:])[:32]
	}
	return "-" + unique + "-permstack-"
}

// ShortID returns the first part of the parent's UUID, eight hex digits. It ends
// the names of resources that are too long for the connection ID.
func (p Parent) ShortID() string {
	short, _, _ := strings.Cut(p.unique, "-")
	return short
}

// CheckName returns an error for a parent that is named like a permission stack:
// with the UUID of another installation in its name, that one's function could
// change it.
func (p Parent) CheckName() error {
	for _, part := range Parts {
		if strings.HasSuffix(p.Name, "-permstack-"+string(part)) {
			return fmt.Errorf("the stack's name %q ends like that of a permission stack (-permstack-%s): "+
				"launch it under another name", p.Name, part)
		}
	}
	return nil
}

// StackNames returns the names of the permission stacks, in the order of Parts.
func (p Parent) StackNames() []string {
	var out []string
	for _, part := range Parts {
		out = append(out, p.StackName(part))
	}
	return out
}
