package kms

import (
	"strings"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/fakeaws/resourcepolicy"
	"permstack/internal/iampolicy"
)

// serviceActions are what a service needs to send to a topic or queue that a key encrypts (SNS Developer Guide, "Enable
// compatibility between event sources from AWS services and encrypted topics"; SQS Developer Guide, "Configure KMS
// permissions for AWS services").
var serviceActions = []string{"kms:GenerateDataKey", "kms:Decrypt"}

// AllowService returns an error unless the policy of the key that encrypts a topic or queue lets a service use it.
// keyID is KmsMasterKeyId: "", an id, an ARN or an alias. The policy of a key of AWS (alias/aws/sns, alias/aws/sqs)
// names no service, and cannot be changed. A key that is not here, such as that of a stack, is not checked.
func (s *Service) AllowService(call resourcepolicy.ServiceCall, keyID string) error {
	refused := protocol.Errorf("KMSAccessDenied", "The ciphertext refers to a customer master key that does not exist, "+
		"does not exist in this region, or you are not allowed to access.")
	if keyID == "" {
		return nil
	}
	if i := strings.LastIndex(keyID, "alias/"); i >= 0 {
		if strings.HasPrefix(keyID[i:], "alias/aws/") {
			return refused
		}
		return nil // there are no other aliases
	}
	arn := keyID
	if !strings.HasPrefix(arn, "arn:") {
		key, _ := iampolicy.ParseARN(call.Resource) // in its account and Region
		key.Service, key.Resource = "kms", "key/"+keyID
		arn = key.String()
	}
	s.mu.Lock()
	k := s.keys[arn]
	policy := ""
	if k != nil {
		policy = k.policy
	}
	s.mu.Unlock()
	if k == nil {
		return nil
	}
	for _, action := range serviceActions {
		use := call
		use.Action, use.Resource = action, arn
		if use.Allow(policy) != nil {
			return refused
		}
	}
	return nil
}
