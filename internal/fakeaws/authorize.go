package fakeaws

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/iam"
	"permstack/internal/fakeaws/organizations"
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// authorize checks the permissions that a call requires. The account's own
// credentials may do everything. A role session may do what the role's inline
// and attached policies allow within its boundary and the service control and
// resource control policies of its Organization, as they are at this moment; a
// session of a role that does not exist may do nothing.
//
// Resource-based policies (a topic's) are not evaluated here, so a topic policy
// neither adds to nor takes from what a role may do.
//
// An action that declares no permissions fails for every caller, so that the
// defect is found by whoever adds the action.
func (c *Cloud) authorize(service protocol.Service, action protocol.Action, call *protocol.Call) error {
	if action.Permissions == nil {
		return protocol.InternalFailure("%s:%s declares no permissions: add them to its row in %s",
			call.Service, call.Action, service.Source)
	}
	if call.Caller.RoleName == "" {
		return nil
	}
	call.Authorizer = func(a protocol.Access) error { return c.checkPermission(service, call, a) }
	for _, a := range action.Permissions(call) {
		if err := call.Authorizer(a); err != nil {
			return err
		}
	}
	return nil
}

// checkPermission checks one permission of a role session.
func (c *Cloud) checkPermission(service protocol.Service, call *protocol.Call, a protocol.Access) error {
	role, ok := c.iam.Lookup(call.Account, call.Caller.RoleName)
	recreated := call.Caller.RoleID != "" && role.ID != call.Caller.RoleID // deleted and created with the same name
	if !ok || recreated {
		return denied(service, call, a, "because no identity-based policy allows the "+a.Action+" action")
	}
	var identity []iampolicy.Document
	for _, text := range c.iamDelay.policies(role, c.clock()) {
		doc, err := c.documents.parse(text)
		if err != nil {
			return err // IAM has accepted the document: a defect of the embedded AWS
		}
		identity = append(identity, doc)
	}
	var boundary *iampolicy.Document
	if role.HasBoundary {
		boundary = new(iampolicy.Document)
		if role.Boundary != "" {
			doc, err := c.documents.parse(role.Boundary)
			if err != nil {
				return err
			}
			boundary = &doc
		}
	}
	keys := c.globalContext(call, role)
	for k, v := range a.Context {
		keys[k] = v
	}
	limits, err := c.limits(call.Account, role, a)
	if err != nil {
		return err
	}
	result := eval.LimitedRole(limits, identity, boundary,
		eval.Request{Action: a.Action, Resource: a.Resource, Context: keys})
	if result.Decision != eval.Allow {
		return denied(service, call, a, result.Why)
	}
	return nil
}

// rcpServices are the services that resource control policies apply to (Organizations User Guide, "List of AWS services
// that support RCPs"), as far as the embedded AWS has them.
var rcpServices = []string{"s3", "sts", "kms", "sqs", "secretsmanager", "logs"}

// limits returns the policies of the Organization that limit a role's request. Service control policies do not limit
// service-linked roles (Organizations User Guide, "Service control policies").
func (c *Cloud) limits(account string, role iam.Role, a protocol.Access) (eval.Limits, error) {
	var out eval.Limits
	var err error
	if !strings.Contains(role.ARN, ":role/aws-service-role/") {
		out.ServiceControl, err = c.levels(c.organizations.Policies(account, organizations.ServiceControl))
	}
	service, _, _ := strings.Cut(a.Action, ":")
	if err != nil || !slices.Contains(rcpServices, service) {
		return out, err
	}
	if of := iampolicy.AccountInARN(a.Resource); len(of) == 12 {
		account = of
	}
	out.ResourceControl, err = c.levels(c.organizations.Policies(account, organizations.ResourceControl))
	return out, err
}

func (c *Cloud) levels(texts [][]string) ([][]iampolicy.Document, error) {
	var out [][]iampolicy.Document
	for _, level := range texts {
		docs := []iampolicy.Document{}
		for _, text := range level {
			doc, err := c.documents.parse(text)
			if err != nil {
				return nil, err
			}
			docs = append(docs, doc)
		}
		out = append(out, docs)
	}
	return out, nil
}

// Authorize checks a permission of the principal with the credentials of a
// configuration, for services that act for their caller without calling another
// service.
func (c *Cloud) Authorize(ctx context.Context, cfg aws.Config, a protocol.Access) error {
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	session, known, sessionErr := c.sts.Session(credentials.AccessKeyID, credentials.SessionToken)
	switch {
	case sessionErr != nil:
		return sessionErr
	case !known:
		return nil // the account's owner
	}
	name, _, _ := strings.Cut(a.Action, ":")
	service, _ := c.service(name)
	return c.checkPermission(service, &protocol.Call{
		Service: name, Region: cfg.Region, Partition: protocol.Partition(cfg.Region), Account: session.Account,
		Caller: session.Caller,
	}, a)
}

// documents caches parsed policies: the same few decide most calls.
type documents struct {
	mu    sync.Mutex
	known map[string]iampolicy.Document
}

// maxDocuments is the size of the cache, which is emptied when it is full.
const maxDocuments = 200

// parse returns a parsed policy, which is shared and must not be modified.
func (d *documents) parse(text string) (iampolicy.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc, ok := d.known[text]; ok {
		return doc, nil
	}
	doc, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return doc, err
	}
	if d.known == nil || len(d.known) == maxDocuments {
		d.known = map[string]iampolicy.Document{}
	}
	d.known[text] = doc
	return doc, nil
}

// globalContext returns the global condition keys of a call.
func (c *Cloud) globalContext(call *protocol.Call, role iam.Role) map[string][]string {
	now := c.clock().UTC()
	keys := map[string][]string{
		"aws:PrincipalAccount":      {call.Account},
		"aws:PrincipalArn":          {role.ARN},
		"aws:PrincipalType":         {"AssumedRole"},
		"aws:PrincipalIsAWSService": {"false"},
		"aws:userid":                {role.ID + ":" + call.Caller.SessionName},
		"aws:ResourceAccount":       {call.Account},
		"aws:RequestedRegion":       {call.Region},
		"aws:CurrentTime":           {now.Format(time.RFC3339)},
		"aws:EpochTime":             {strconv.FormatInt(now.Unix(), 10)},
		"aws:SecureTransport":       {"true"}, // as at AWS; here no call leaves the machine
		"aws:ViaAWSService":         {"false"},
	}
	if id := c.organizations.ID(call.Account); id != "" {
		keys["aws:PrincipalOrgID"], keys["aws:ResourceOrgID"] = []string{id}, []string{id}
	}
	// A property of the session, which services that act for the caller forward (IAM User Guide, "AWS global condition
	// context keys" and "Forward access sessions"; Lambda Developer Guide, "Using source function ARN").
	if call.Caller.FunctionARN != "" {
		keys["lambda:SourceFunctionArn"] = []string{call.Caller.FunctionARN}
	}
	for _, t := range role.Tags {
		keys["aws:PrincipalTag/"+t.Key] = []string{t.Value}
	}
	return keys
}

// denied returns AWS's refusal, with the error code of the service.
func denied(service protocol.Service, call *protocol.Call, a protocol.Access, why string) *protocol.Error {
	message := "User: " + call.Caller.ARN + " is not authorized to perform: " + a.Action
	if a.Resource != "*" {
		message += " on resource: " + a.Resource
	}
	message = strings.TrimSpace(message + " " + why)
	switch {
	case service.Protocol == protocol.JSON, service.Protocol == protocol.RESTJSON:
		return protocol.Errorf("AccessDeniedException", "%s", message)
	case service.Name == "sns":
		return protocol.Errorf("AuthorizationError", "%s", message).WithStatus(http.StatusForbidden)
	}
	return protocol.Errorf("AccessDenied", "%s", message).WithStatus(http.StatusForbidden)
}
