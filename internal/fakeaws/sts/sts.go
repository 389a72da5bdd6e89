// Package sts is the STS of the embedded AWS: the caller's identity, sessions
// of roles, and encoded authorization messages. AssumeRole evaluates the role's trust policy, external id included.
//
// There are no session policies, MFA, limit of role chaining or web identities.
package sts

import (
	"cmp"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/iam"
	"permstack/internal/fakeaws/protocol"
)

// Session is a role session and its credentials.
type Session struct {
	Caller  protocol.Caller
	Account string
	RoleARN string
	Secret  string
	Token   string
	Expires time.Time
}

// Service is the STS of all accounts of one Cloud.
type Service struct {
	iam    *iam.Service
	clock  func() time.Time
	sealer cipher.AEAD // of encoded authorization messages

	mu       sync.Mutex
	sessions map[string]Session // by access key id
}

// New returns an STS for the roles of an IAM.
func New(roles *iam.Service, clock func() time.Time) *Service {
	return &Service{iam: roles, clock: clock, sealer: newSealer(), sessions: map[string]Session{}}
}

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "sts", Protocol: protocol.Query, Version: "2011-06-15",
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Source:    "internal/fakeaws/sts/sts.go",
		Actions: map[string]protocol.Action{
			"GetCallerIdentity": protocol.NewAction(s.getCallerIdentity, protocol.NoPermissions),
			"AssumeRole":        protocol.NewAction(s.assumeRole, protocol.CheckedByHandler),
			"DecodeAuthorizationMessage": protocol.NewAction(s.decodeAuthorizationMessage,
				protocol.OnAnyResource("sts:DecodeAuthorizationMessage")),
		},
	}
}

// defaultSessionDuration is the duration of sessions that services begin.
const defaultSessionDuration = 12 * time.Hour

// Issue begins a session of a role without evaluating its trust policy.
func (s *Service) Issue(account, roleARN, name string) Session {
	return s.issue(account, roleARN, name, "", defaultSessionDuration)
}

// IssueToFunction is Issue for a function, whose ARN all calls of the session have as lambda:SourceFunctionArn.
func (s *Service) IssueToFunction(account, roleARN, functionARN string) Session {
	name := functionARN[strings.LastIndexByte(functionARN, ':')+1:]
	return s.issue(account, roleARN, name, functionARN, defaultSessionDuration)
}

func (s *Service) issue(account, roleARN, name, functionARN string, duration time.Duration) Session {
	partition, roleName := splitRoleARN(roleARN)
	role, _ := s.iam.Lookup(account, roleName)
	if role.ARN != "" {
		roleName = role.Name
	}
	var random [48]byte
	_, _ = rand.Read(random[:]) // never fails since Go 1.24
	key := "ASIA"
	for _, b := range random[:16] {
		key += string("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[b%32])
	}
	session := Session{
		Caller: protocol.Caller{
			AccessKeyID: key,
			ARN:         fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", partition, account, roleName, name),
			RoleName:    roleName, RoleARN: cmp.Or(role.ARN, roleARN), RoleID: role.ID, SessionName: name,
			FunctionARN: functionARN,
		},
		Account: account, RoleARN: roleARN,
		Secret:  base64.RawStdEncoding.EncodeToString(random[16:46]),
		Token:   "permstack-local/" + base64.RawURLEncoding.EncodeToString(random[:]),
		Expires: s.clock().Add(duration).Truncate(time.Second),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, old := range s.sessions {
		if s.clock().After(old.Expires.Add(defaultSessionDuration)) {
			delete(s.sessions, k)
		}
	}
	s.sessions[key] = session
	return session
}

// Session returns a session by its access key id, and false if this STS did not
// issue the key. The error refuses a wrong token or an expired session.
func (s *Service) Session(accessKeyID, token string) (Session, bool, *protocol.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[accessKeyID]
	switch {
	case !ok:
		return Session{}, false, nil
	case token != session.Token:
		return Session{}, true, protocol.Errorf("InvalidClientTokenId", "The security token included in the "+
			"request is invalid.").
			WithStatus(http.StatusForbidden)
	case s.clock().After(session.Expires):
		return Session{}, true, protocol.Errorf("ExpiredToken", "The security token included in the request is "+
			"expired").
			WithStatus(http.StatusForbidden)
	}
	return session, true, nil
}

// Token returns the session token of an access key id, or "".
func (s *Service) Token(accessKeyID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[accessKeyID].Token
}

func (s *Service) getCallerIdentity(_ context.Context, call *protocol.Call) (any, error) {
	user := call.Account
	if call.Caller.RoleName != "" {
		user = call.Caller.RoleID + ":" + call.Caller.SessionName
	}
	return struct{ Arn, UserId, Account string }{call.Caller.ARN, user, call.Account}, nil
}

var (
	sessionPattern  = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalPattern = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
	roleARNPattern  = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:role/.+$`)
)

// splitRoleARN returns the partition and the name in
// arn:p:iam::account:role/path/name.
func splitRoleARN(arn string) (partition, name string) {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 {
		partition = parts[1]
	}
	return partition, arn[strings.LastIndexByte(arn, '/')+1:]
}

func violation(field, value, rule string) *protocol.Error {
	return protocol.Violation("ValidationError", field, value, rule)
}
