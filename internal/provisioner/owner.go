package provisioner

import (
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Owns tells whether a stack's tags say that it is a permission stack of this
// parent. The drift checker asks; it must not take another's stack for ours.
func (p Parent) Owns(stack types.Stack) bool { return tagValue(&stack, parentTag) == p.ID }
