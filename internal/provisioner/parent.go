package provisioner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/cfn"

	"permstack/internal/permissionstack"
)

// Parent is the stack that holds the custom resource; its id tells where we are.
type Parent struct {
	ID        string // ARN
	Partition string
	Region    string
	Account   string
	Name      string
	unique    string // the last part of the ARN: a UUID
}

// stackARN is compiled when it is first needed, not at every cold start.
var stackARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^arn:(aws[a-z-]*):cloudformation:([a-z0-9-]+):(\d{12}):stack/([A-Za-z][-A-Za-z0-9]{0,127})/([-A-Za-z0-9]+)$`)
})

// ParseParent reads a StackId.
func ParseParent(stackID string) (Parent, error) {
	m := stackARN().FindStringSubmatch(stackID)
	if m == nil {
		return Parent{}, fmt.Errorf("read StackId %q: it is no ARN of a stack", stackID)
	}
	return Parent{ID: stackID, Partition: m[1], Region: m[2], Account: m[3], Name: m[4], unique: m[5]}, nil
}

// maxStackName is CloudFormation's limit.
const maxStackName = 128

// StackName names a permission stack of the parent:
//
//	<parent>-permstack-access, <parent>-permstack-inventory
//
// Where that would be too long, as under StackSets, whose stack names are long,
// the parent's name is cut and the unique part of its id put in:
//
//	<begin of parent>-<UUID>-permstack-access
//
// A hash would do as well, but a template can write the UUID (Fn::Select and
// Fn::Split on AWS::StackId), so the function's own IAM policy can name exactly
// these stacks: stack/${AWS::StackName}-permstack-*/* and
// stack/*-<UUID>-permstack-*/*.
func (p Parent) StackName(part permissionstack.Part) string {
	suffix := "-permstack-" + string(part)
	if len(p.Name)+len(longestSuffix) <= maxStackName { // the same form for every part
		return p.Name + suffix
	}
	unique := p.unique
	if len(unique) > 36 {
		unique = digest(p.ID)[:32]
	}
	keep := maxStackName - len(longestSuffix) - len(unique) - 1
	return strings.TrimRight(p.Name[:keep], "-") + "-" + unique + suffix
}

// StackNames lists the permission stacks of the parent, in the order of
// permissionstack.Parts.
func (p Parent) StackNames() []string {
	var out []string
	for _, part := range permissionstack.Parts {
		out = append(out, p.StackName(part))
	}
	return out
}

const longestSuffix = "-permstack-" + string(permissionstack.Inventory)

// PhysicalID names the custom resource. It follows from the event's stack and
// logical id alone, so a Create that failed, even one without valid properties,
// and the Delete that follows it agree.
func PhysicalID(event cfn.Event) string {
	return "permstack-" + digest(event.StackID, event.LogicalResourceID)[:32]
}

// Tags that say whose a permission stack is. CloudFormation copies them to the
// stack's roles, topic and rules.
const (
	parentTag   = ownPrefix + "parent"   // the parent's StackId
	resourceTag = ownPrefix + "resource" // the custom resource's logical id
)

// clientToken makes a repeated request harmless: the same event asks for the
// same operation with the same token (at most 128 characters).
func clientToken(requestID, action, stack string, attempt int) string {
	return "permstack-" + action + "-" + digest(requestID, action, stack, fmt.Sprint(attempt))[:32]
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}
