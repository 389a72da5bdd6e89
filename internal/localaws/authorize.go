package localaws

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"permstack/internal/localaws/iam"
	"permstack/internal/localaws/wire"
	"permstack/internal/policydoc"
	"permstack/internal/policydoc/evaluate"
)

// authorize asks for the permissions that a call needs. The account's own
// credentials may do everything. A role session may do what the role's inline
// and attached policies allow within its boundary, as they are at this moment;
// a session of a role that does not exist may do nothing.
//
// Policies of resources (a topic's) are not asked here, so a topic policy
// neither adds to nor takes from what a role may do.
func (c *Cloud) authorize(service wire.Service, call *wire.Call) error {
	if call.Caller.RoleName == "" {
		return nil
	}
	call.Authorizer = func(a wire.Access) error { return c.judge(service, call, a) }
	var needed []wire.Access
	if service.Access != nil {
		needed = service.Access(call)
	}
	if needed == nil {
		needed = []wire.Access{{Action: service.Name + ":" + call.Action, Resource: "*"}}
	}
	for _, a := range needed {
		if err := call.Authorizer(a); err != nil {
			return err
		}
	}
	return nil
}

// judge decides one permission for a role session.
func (c *Cloud) judge(service wire.Service, call *wire.Call, a wire.Access) error {
	role, ok := c.iam.Lookup(call.Account, call.Caller.RoleName)
	if again := call.Caller.RoleID != "" && role.ID != call.Caller.RoleID; !ok || again { // gone, or made anew under the same name
		return denied(service, call, a, "because no identity-based policy allows the "+a.Action+" action")
	}
	var identity []policydoc.Document
	for _, text := range role.Policies {
		doc, err := c.documents.parse(text)
		if err != nil {
			return err // IAM took it, so this is a fault of ours
		}
		identity = append(identity, doc)
	}
	var boundary *policydoc.Document
	if role.HasBoundary {
		boundary = new(policydoc.Document)
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
	result := evaluate.Role(identity, boundary, evaluate.Request{Action: a.Action, Resource: a.Resource, Context: keys})
	if result.Decision != evaluate.Allow {
		return denied(service, call, a, result.Why)
	}
	return nil
}

// documents remembers what policies say: the same few decide every call.
type documents struct {
	mu    sync.Mutex
	known map[string]policydoc.Document
}

// maxDocuments bounds what is remembered; then it begins anew.
const maxDocuments = 200

// parse reads a policy. What it gives is shared and must not be changed.
func (d *documents) parse(text string) (policydoc.Document, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if doc, ok := d.known[text]; ok {
		return doc, nil
	}
	doc, err := policydoc.Parse([]byte(text))
	if err != nil {
		return doc, err
	}
	if d.known == nil || len(d.known) == maxDocuments {
		d.known = map[string]policydoc.Document{}
	}
	d.known[text] = doc
	return doc, nil
}

// globalContext gives the global condition keys that a call has here.
func (c *Cloud) globalContext(call *wire.Call, role iam.Role) map[string][]string {
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
		"aws:SecureTransport":       {"true"}, // as it is at AWS; here nothing leaves the machine
		"aws:ViaAWSService":         {"false"},
	}
	for _, t := range role.Tags {
		keys["aws:PrincipalTag/"+t.Key] = []string{t.Value}
	}
	return keys
}

// denied is AWS's refusal, in the code that each service has for it.
func denied(service wire.Service, call *wire.Call, a wire.Access, why string) *wire.Error {
	message := "User: " + call.Caller.ARN + " is not authorized to perform: " + a.Action
	if a.Resource != "*" {
		message += " on resource: " + a.Resource
	}
	message = strings.TrimSpace(message + " " + why)
	switch {
	case service.Protocol == wire.JSON:
		return wire.Errorf("AccessDeniedException", "%s", message)
	case service.Name == "sns":
		return wire.Errorf("AuthorizationError", "%s", message).WithStatus(http.StatusForbidden)
	}
	return wire.Errorf("AccessDenied", "%s", message).WithStatus(http.StatusForbidden)
}
