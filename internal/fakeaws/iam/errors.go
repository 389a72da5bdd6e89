package iam

import (
	"net/http"

	"permstack/internal/fakeaws/protocol"
)

// The limits of IAM that this service keeps, at their default values.
const (
	maxManagedPolicySize = 6144  // characters without white space
	maxInlinePolicySize  = 10240 // of one role together, without white space
	maxTrustPolicySize   = 2048  // without white space
	maxAttachments       = 10    // managed policies of one role
	maxVersions          = 5     // of one managed policy
	maxTags              = protocol.MaxTags
	maxDocument          = 131072 // characters of any document, with white space
)

func noSuchEntity(format string, args ...any) *protocol.Error {
	return protocol.Errorf("NoSuchEntity", format, args...).WithStatus(http.StatusNotFound)
}

func noRole(name string) *protocol.Error {
	return noSuchEntity("The role with name %s cannot be found.", name)
}

func noPolicy(arn string) *protocol.Error { return noSuchEntity("Policy %s was not found.", arn) }

func notAttachable(arn string) *protocol.Error {
	return noSuchEntity("Policy %s does not exist or is not attachable.", arn)
}

func alreadyExists(format string, args ...any) *protocol.Error {
	return protocol.Errorf("EntityAlreadyExists", format, args...).WithStatus(http.StatusConflict)
}

func deleteConflict(format string, args ...any) *protocol.Error {
	return protocol.Errorf("DeleteConflict", format, args...).WithStatus(http.StatusConflict)
}

func limitExceeded(format string, args ...any) *protocol.Error {
	return protocol.Errorf("LimitExceeded", format, args...).WithStatus(http.StatusConflict)
}

func malformed(err error) *protocol.Error {
	return protocol.Errorf("MalformedPolicyDocument", "%v", err)
}

func constraint(field, value, rule string) *protocol.Error {
	return protocol.Violation("ValidationError", field, value, rule)
}
