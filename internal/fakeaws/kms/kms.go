// Package kms is the part of AWS KMS that the account audit and the check of flows read,
// and the calls that prepare it: keys with their policy and grants. Nothing is encrypted: the other
// services of the embedded AWS store data as it is, but SNS and SQS ask whether a service may use the key.
//
// There are no aliases, key material or tags, and no policy but "default". A key whose deletion is scheduled remains.
package kms

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

// Service is the KMS of all accounts and Regions of one Cloud.
type Service struct {
	clock func() time.Time

	mu   sync.Mutex
	keys map[string]*key // by ARN
}

type key struct {
	arn, id, account, region string
	description, policy      string
	state                    string // a key state, such as Enabled
	created                  time.Time
	grants                   []grant
}

// grant is a grant as ListGrants returns it.
type grant struct {
	KeyId, GrantId, Name                string
	GranteePrincipal, RetiringPrincipal string `json:",omitempty"`
	IssuingAccount                      string
	Operations                          []string
	Constraints                         json.RawMessage `json:",omitempty"`
	CreationDate                        protocol.Time
}

// New returns a KMS without keys.
func New(clock func() time.Time) *Service { return &Service{clock: clock, keys: map[string]*key{}} }

// Definition returns the service for the server to register: for each call its
// handler and the permissions that it requires.
func (s *Service) Definition() protocol.Service {
	return protocol.Service{
		Name: "kms", Protocol: protocol.JSON, Version: "2014-11-01", TargetPrefix: "TrentService",
		Source: "internal/fakeaws/kms/kms.go",
		Actions: map[string]protocol.Action{
			"CreateKey":           protocol.LockedJSON(&s.mu, s.createKey, protocol.OnAnyResource("kms:CreateKey")),
			"DescribeKey":         protocol.LockedJSON(&s.mu, s.describeKey, onKey),
			"EnableKey":           protocol.LockedJSON(&s.mu, s.setState(enabled, disabled, enabled), onKey),
			"DisableKey":          protocol.LockedJSON(&s.mu, s.setState(disabled, disabled, enabled), onKey),
			"ScheduleKeyDeletion": protocol.LockedJSON(&s.mu, s.setState(pendingDeletion, disabled, enabled), onKey),
			"CancelKeyDeletion":   protocol.LockedJSON(&s.mu, s.setState(disabled, pendingDeletion), onKey),
			"ListKeys":            protocol.LockedJSON(&s.mu, s.listKeys, protocol.OnAnyResource("kms:ListKeys")),
			"ListAliases":         protocol.LockedJSON(&s.mu, s.listAliases, protocol.OnAnyResource("kms:ListAliases")),
			"GetKeyPolicy":        protocol.LockedJSON(&s.mu, s.getKeyPolicy, onKey),
			"PutKeyPolicy":        protocol.LockedJSON(&s.mu, s.putKeyPolicy, onKey),
			"CreateGrant":         protocol.LockedJSON(&s.mu, s.createGrant, onKey),
			"ListGrants":          protocol.LockedJSON(&s.mu, s.listGrants, onKey),
			"RevokeGrant":         protocol.LockedJSON(&s.mu, s.revokeGrant, onKey),
		},
	}
}

// onKey is the permission on the key that the body names.
func onKey(call *protocol.Call) []protocol.Access {
	var in struct{ KeyId string }
	_ = json.Unmarshal(call.Body, &in) // an unreadable body is refused by the call itself
	return []protocol.Access{{Action: "kms:" + call.Action, Resource: keyARN(call, in.KeyId)}}
}

func keyARN(call *protocol.Call, id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	return call.ARN("kms", call.Region, call.Account, "key/"+id)
}

func (s *Service) find(call *protocol.Call, id string) (*key, error) {
	k := s.keys[keyARN(call, id)]
	if k == nil || k.account != call.Account || k.region != call.Region {
		return nil, protocol.Errorf("NotFoundException", "Key '%s' does not exist", keyARN(call, id))
	}
	return k, nil
}

// defaultPolicy lets the policies of the account decide (KMS Developer Guide, "Default
// key policy").
func defaultPolicy(call *protocol.Call) string {
	return `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",` +
		`"Effect":"Allow","Principal":{"AWS":"` + call.ARN("iam", "", call.Account, "root") +
		`"},"Action":"kms:*","Resource":"*"}]}`
}

func checkPolicy(policy string) error {
	if _, err := iampolicy.Parse([]byte(policy)); err != nil {
		return protocol.Errorf("MalformedPolicyDocumentException", "%v", err)
	}
	return nil
}

type keyMetadata struct {
	AWSAccountId, KeyId, Arn, Description string
	Enabled                               bool
	KeyState, KeyManager, KeyUsage        string
	CreationDate                          protocol.Time
}

func (k *key) metadata() any {
	return map[string]any{"KeyMetadata": keyMetadata{
		k.account, k.id, k.arn, k.description, k.state == enabled, k.state, "CUSTOMER", "ENCRYPT_DECRYPT",
		protocol.Time(k.created),
	}}
}

// Key states (KMS Developer Guide, "Key states of AWS KMS keys").
const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
)

// keyInput names a key.
type keyInput struct {
	KeyId               string
	PendingWindowInDays int // of ScheduleKeyDeletion
}

// setState returns a call that sets the state of a key that has one of some states. A key whose deletion is cancelled
// is disabled.
func (s *Service) setState(state string, from ...string) func(*protocol.Call, keyInput) (any, error) {
	return func(call *protocol.Call, in keyInput) (any, error) {
		k, err := s.find(call, in.KeyId)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(from, k.state) {
			return nil, protocol.Errorf("KMSInvalidStateException", "%s is %s.", k.arn, k.state)
		}
		k.state = state
		out := map[string]any{}
		if state == pendingDeletion || call.Action == "CancelKeyDeletion" {
			out["KeyId"] = k.arn
		}
		if state == pendingDeletion {
			days := in.PendingWindowInDays
			if days == 0 {
				days = 30
			}
			out["DeletionDate"], out["KeyState"] = protocol.Time(s.clock().AddDate(0, 0, days)), state
			out["PendingWindowInDays"] = days
		}
		if len(out) == 0 {
			return nil, nil
		}
		return out, nil
	}
}

func (s *Service) createKey(call *protocol.Call, in struct{ Description, Policy string }) (any, error) {
	if in.Policy == "" {
		in.Policy = defaultPolicy(call)
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	id := protocol.NewUUID()
	k := &key{
		arn: keyARN(call, id), id: id, account: call.Account, region: call.Region, description: in.Description,
		policy: in.Policy, created: s.clock(), state: enabled,
	}
	s.keys[k.arn] = k
	return k.metadata(), nil
}

func (s *Service) describeKey(call *protocol.Call, in struct{ KeyId string }) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	return k.metadata(), nil
}

// listPage returns a page of a list under its name, with KMS's markers.
func listPage[T any](name string, items []T, marker string, limit int) (any, error) {
	if limit == 0 {
		limit = 100
	}
	page, next, ok := protocol.Page(items, marker, limit)
	if !ok {
		return nil, protocol.Errorf("InvalidMarkerException", "The marker is not valid")
	}
	out := map[string]any{name: page, "Truncated": next != ""}
	if next != "" {
		out["NextMarker"] = next
	}
	return out, nil
}

func (s *Service) listKeys(call *protocol.Call, in struct {
	Limit  int
	Marker string
}) (any, error) {
	type entry struct{ KeyId, KeyArn string }
	list := []entry{}
	for _, k := range s.keys {
		if k.account == call.Account && k.region == call.Region {
			list = append(list, entry{k.id, k.arn})
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.KeyId, b.KeyId) })
	return listPage("Keys", list, in.Marker, in.Limit)
}

// listAliases returns an empty list, as in an account without keys of AWS and without aliases.
func (s *Service) listAliases(_ *protocol.Call, in struct {
	Limit  int
	Marker string
}) (any, error) {
	return listPage("Aliases", []struct{}{}, in.Marker, in.Limit)
}

func (s *Service) getKeyPolicy(call *protocol.Call, in struct{ KeyId, PolicyName string }) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	return map[string]string{"Policy": k.policy, "PolicyName": "default"}, nil
}

func (s *Service) putKeyPolicy(call *protocol.Call, in struct{ KeyId, PolicyName, Policy string }) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	k.policy = in.Policy
	return nil, nil
}

func (s *Service) createGrant(call *protocol.Call, in struct {
	KeyId, Name, GranteePrincipal, RetiringPrincipal string
	Operations                                       []string
	Constraints                                      json.RawMessage
}) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	if in.GranteePrincipal == "" || len(in.Operations) == 0 {
		return nil, protocol.Errorf("ValidationException", "GranteePrincipal and Operations are required")
	}
	g := grant{
		KeyId: k.arn, GrantId: strings.ReplaceAll(protocol.NewUUID()+protocol.NewUUID(), "-", ""), Name: in.Name,
		GranteePrincipal: in.GranteePrincipal, RetiringPrincipal: in.RetiringPrincipal,
		IssuingAccount: call.ARN("iam", "", call.Account, "root"), Operations: in.Operations,
		Constraints: in.Constraints, CreationDate: protocol.Time(s.clock()),
	}
	k.grants = append(k.grants, g)
	return map[string]string{"GrantId": g.GrantId, "GrantToken": protocol.NewUUID()}, nil
}

func (s *Service) listGrants(call *protocol.Call, in struct {
	KeyId, GrantId, GranteePrincipal, Marker string
	Limit                                    int
}) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	list := slices.DeleteFunc(slices.Clone(k.grants), func(g grant) bool {
		return in.GrantId != "" && g.GrantId != in.GrantId ||
			in.GranteePrincipal != "" && g.GranteePrincipal != in.GranteePrincipal
	})
	if list == nil {
		list = []grant{}
	}
	return listPage("Grants", list, in.Marker, in.Limit)
}

func (s *Service) revokeGrant(call *protocol.Call, in struct{ KeyId, GrantId string }) (any, error) {
	k, err := s.find(call, in.KeyId)
	if err != nil {
		return nil, err
	}
	before := len(k.grants)
	k.grants = slices.DeleteFunc(k.grants, func(g grant) bool { return g.GrantId == in.GrantId })
	if len(k.grants) == before {
		return nil, protocol.Errorf("NotFoundException", "Grant %s does not exist", in.GrantId).
			WithStatus(http.StatusBadRequest)
	}
	return nil, nil
}
