package lambda

import (
	"encoding/json"
	"strings"

	"permstack/internal/fakeaws/resourcepolicy"
)

// Policy returns the function's resource policy as GetPolicy returns it, or ""
// without permissions.
func (f *Function) Policy() string {
	if len(f.Permissions) == 0 {
		return ""
	}
	type statement struct {
		Sid, Effect string
		Principal   any
		Action      string
		Resource    string
		Condition   map[string]map[string]string `json:",omitempty"`
	}
	var statements []statement
	for _, p := range f.Permissions {
		st := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: f.ARN()}
		switch {
		case p.Principal == "*":
			st.Principal = "*"
		case strings.HasSuffix(strings.TrimSuffix(p.Principal, ".cn"), ".amazonaws.com"):
			st.Principal = map[string]string{"Service": p.Principal}
		default:
			st.Principal = map[string]string{"AWS": p.Principal}
		}
		conditions := map[string]map[string]string{}
		add := func(operator, key, value string) {
			if value == "" {
				return
			}
			if conditions[operator] == nil {
				conditions[operator] = map[string]string{}
			}
			conditions[operator][key] = value
		}
		add("ArnLike", "AWS:SourceArn", p.SourceARN)
		add("StringEquals", "AWS:SourceAccount", p.SourceAccount)
		add("StringEquals", "aws:PrincipalOrgID", p.PrincipalOrgID)
		add("StringEquals", "lambda:EventSourceToken", p.EventSourceToken)
		if len(conditions) > 0 {
			st.Condition = conditions
		}
		statements = append(statements, st)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": statements})
	if err != nil {
		panic("a function policy that is not JSON: " + err.Error()) // only text
	}
	return string(text)
}

// AllowService returns an error unless the function exists and its policy allows
// the call of an AWS service.
func (r *Registry) AllowService(call resourcepolicy.ServiceCall) error {
	f, err := r.Get(Resolve("", "", call.Resource))
	if err != nil {
		return err
	}
	call.Action, call.Resource = "lambda:InvokeFunction", f.ARN()
	return call.Allow(f.Policy())
}

// InvokeAsService queues an invocation by an AWS service, if the function's
// policy allows it.
func (r *Registry) InvokeAsService(call resourcepolicy.ServiceCall, payload []byte) error {
	if err := r.AllowService(call); err != nil {
		return err
	}
	return r.InvokeAsync(Resolve("", "", call.Resource), payload)
}

// ReplacePrincipal replaces the ARN of a deleted principal by its unique id in the policy of every function.
func (r *Registry) ReplacePrincipal(arn, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.functions {
		f := e.f.clone()
		for i := range f.Permissions {
			if f.Permissions[i].Principal == arn {
				f.Permissions[i].Principal = id
			}
		}
		e.f = f
	}
}
