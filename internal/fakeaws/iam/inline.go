package iam

import (
	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/validate"
)

type inlinePolicy struct{ name, document string }

func putRolePolicy(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	name := call.Str("PolicyName")
	if err := checkName("policyName", name, 128); err != nil {
		return nil, err
	}
	doc, err := parseDocument(call, "PolicyDocument", validate.Identity)
	if err != nil {
		return nil, err
	}
	size := iampolicy.CountedSize(doc)
	for key, p := range r.inline {
		if key != lower(name) {
			size += iampolicy.CountedSize(p.document)
		}
	}
	if size > maxInlinePolicySize {
		return nil, limitExceeded("Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicySize, r.name)
	}
	r.inline[lower(name)] = inlinePolicy{name, doc}
	return nil, nil
}

// inlinePolicy returns the inline policy that a call names, and its role.
func (a *account) inlinePolicy(call *protocol.Call) (*role, inlinePolicy, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, inlinePolicy{}, err
	}
	name := call.Str("PolicyName")
	if err := checkName("policyName", name, 128); err != nil {
		return nil, inlinePolicy{}, err
	}
	p, ok := r.inline[lower(name)]
	if !ok {
		return nil, inlinePolicy{}, noSuchEntity("The role policy with name %s cannot be found.", name)
	}
	return r, p, nil
}

func getRolePolicy(a *account, call *protocol.Call) (any, error) {
	r, p, err := a.inlinePolicy(call)
	if err != nil {
		return nil, err
	}
	return struct{ RoleName, PolicyName, PolicyDocument string }{r.name, p.name, encodeDocument(p.document)}, nil
}

func deleteRolePolicy(a *account, call *protocol.Call) (any, error) {
	r, p, err := a.inlinePolicy(call)
	if err != nil {
		return nil, err
	}
	delete(r.inline, lower(p.name))
	return nil, nil
}

func listRolePolicies(a *account, call *protocol.Call) (any, error) {
	r, err := a.role(call)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.inline {
		names = append(names, p.name)
	}
	names, p, err := paginate(call, names, func(s string) string { return s })
	if err != nil {
		return nil, err
	}
	return struct {
		PolicyNames []string `xml:"PolicyNames>member"`
		page
	}{names, p}, nil
}
