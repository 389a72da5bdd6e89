package sts

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/servicekeys"
)

const assumeAction = "sts:AssumeRole"

// assumeRole is the API call. Like AWS, it returns the same AccessDenied if the
// role does not exist and if it does not trust the caller.
func (s *Service) assumeRole(_ context.Context, call *protocol.Call) (any, error) {
	arn, name, external := call.Str("RoleArn"), call.Str("RoleSessionName"), call.Str("ExternalId")
	if !roleARNPattern.MatchString(arn) {
		return nil, protocol.Errorf("ValidationError", "%s is invalid", arn)
	}
	if !sessionPattern.MatchString(name) {
		return nil, violation("roleSessionName", name,
			`Member must satisfy regular expression pattern: [\w+=,.@-]* and have 2 to 64 characters`)
	}
	if n := len(external); call.Has("ExternalId") && (n < 2 || n > 1224 || !externalPattern.MatchString(external)) {
		return nil, violation("externalId", external,
			`Member must satisfy regular expression pattern: [\w+=,.@:\/-]* and have 2 to 1224 characters`)
	}
	if call.Has("Policy") || len(call.Structs("PolicyArns")) > 0 {
		return nil, protocol.NotImplemented("session policies")
	}
	seconds, err := call.Int("DurationSeconds", 3600)
	if err != nil {
		return nil, err
	}
	if seconds < 900 || seconds > 43200 {
		return nil, violation("durationSeconds", fmt.Sprint(seconds), "Member must have value between 900 and 43200")
	}
	account := iampolicy.AccountInARN(arn)
	_, roleName := splitRoleARN(arn)
	role, ok := s.iam.Lookup(account, roleName)
	if !ok || role.ARN != arn {
		return nil, notAuthorized(call, arn)
	}
	if err := s.trusts(call, role.Trust, account, arn, external); err != nil {
		return nil, err
	}
	if seconds > role.MaxSession {
		return nil, protocol.Errorf("ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	session := s.issue(account, arn, name, "", time.Duration(seconds)*time.Second)
	return assumed(session), nil
}

// trusts evaluates the role's trust policy and, if that alone does not suffice,
// the caller's own policies.
func (s *Service) trusts(call *protocol.Call, trust, account, arn, external string) error {
	doc, err := iampolicy.Parse([]byte(trust))
	if err != nil {
		return notAuthorized(call, arn)
	}
	r := eval.Request{
		Principal: eval.Principal{Account: call.Account, ARN: call.Caller.ARN},
		Action:    assumeAction,
		Context: map[string][]string{
			"aws:PrincipalAccount": {call.Account},
			"aws:PrincipalArn":     {call.Caller.ARN},
			"aws:CurrentTime":      {s.clock().UTC().Format(time.RFC3339)},
			"aws:SecureTransport":  {"true"},
			"sts:RoleSessionName":  {call.Str("RoleSessionName")},
		},
	}
	if call.Has("ExternalId") {
		r.Context["sts:ExternalId"] = []string{external}
	}
	if call.Caller.RoleName != "" {
		if own, ok := s.iam.Lookup(call.Account, call.Caller.RoleName); ok {
			r.Principal.RoleARN = own.ARN
			r.Context["aws:PrincipalArn"] = []string{own.ARN}
		}
	}
	decision, match := eval.Trust(doc, r)
	if decision != eval.Allow {
		return notAuthorized(call, arn)
	}
	if call.Caller.RoleName == "" || match == eval.Exact && account == call.Account {
		return nil
	}
	return call.Authorize(assumeAction, arn, nil)
}

// AssumableBy returns an error unless a role exists and trusts an AWS service.
// keys may have the aws:SourceArn of the resource for which it calls; the service
// sends the keys of package servicekeys and no others.
func (s *Service) AssumableBy(account, roleARN, service string, keys map[string][]string) error {
	_, name := splitRoleARN(roleARN)
	role, ok := s.iam.Lookup(account, name)
	if !ok || role.ARN != roleARN {
		return fmt.Errorf("role %s does not exist", roleARN)
	}
	doc, err := iampolicy.Parse([]byte(role.Trust))
	if err != nil {
		return fmt.Errorf("trust policy of %s: %w", roleARN, err)
	}
	origin := servicekeys.Origin{Account: account}
	if arn := keys[servicekeys.SourceARN]; len(arn) > 0 {
		origin.ARN = arn[0]
	}
	full := servicekeys.Context(service, assumeAction, origin)
	full["aws:CurrentTime"] = []string{s.clock().UTC().Format(time.RFC3339)}
	decision, _ := eval.Trust(doc, eval.Request{
		Principal: eval.Principal{Service: service}, Action: assumeAction, Context: full,
	})
	if decision != eval.Allow {
		return fmt.Errorf("role %s does not let %s assume it (%s by its trust policy)", roleARN, service, decision)
	}
	return nil
}

func notAuthorized(call *protocol.Call, arn string) *protocol.Error {
	return protocol.Errorf("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
		call.Caller.ARN, arn).
		WithStatus(http.StatusForbidden)
}

func assumed(s Session) any {
	type credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 protocol.Time
	}
	type user struct{ AssumedRoleId, Arn string }
	return struct {
		Credentials      credentials
		AssumedRoleUser  user
		PackedPolicySize int
	}{
		credentials{s.Caller.AccessKeyID, s.Secret, s.Token, protocol.Time(s.Expires)},
		user{s.Caller.RoleID + ":" + s.Caller.SessionName, s.Caller.ARN}, 0,
	}
}
