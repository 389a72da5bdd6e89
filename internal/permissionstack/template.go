// Package permissionstack writes a policies.Set as CloudFormation templates of
// native resources, so that drift detection, rollback and the console cover
// everything that was granted. It makes no calls: the same set results in the
// same bytes.
//
// Resources are goformation's typed ones; goformation.go holds what they cannot
// express.
package permissionstack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"permstack/internal/installation"
	"permstack/internal/policies"
)

// MaxBody is the largest template that CreateStack and UpdateStack accept inline, in
// bytes (CloudFormation quotas, "Template body size in a request").
const MaxBody = 51_200

// DescriptionPrefix begins the description of every template.
const DescriptionPrefix = "permstack: access of profile "

// Template is a CloudFormation template in JSON.
type Template struct {
	body       []byte // compact JSON
	hash       string
	externalID string // value of ExternalIDParameter; "" if the template does not have it, or keeps its value
}

// Stack is a part of a set with its template.
type Stack struct {
	Part     installation.Part
	Template Template
}

// Combined returns the set as one template with the customer's tags on every
// resource that supports tags, for reading and for deployment by hand.
func Combined(set policies.Set) (Template, error) {
	return build(set, []installation.Part{installation.Access, installation.Inventory}, "", true)
}

// Stacks returns the templates that the provisioner deploys, in the order of
// installation.Parts. A part without resources is omitted.
//
// The split depends on the type of resource alone, never on the size: a resource
// that moved from one stack to another in an update would exist twice for a
// moment, and its physical name would collide. One stack is too small for
// everything that can be selected. The access part has up to 99 percent of MaxBody:
// with every choice, a long path and one of the customer's other accounts, in
// GovCloud. Each further account adds about 500 bytes; opening the organization
// adds nothing for an account.
//
// The customer's tags are not in these templates but on the stacks, whose tags
// CloudFormation copies to every resource that supports tags. On each resource
// they would need more bytes than the policies leave.
func Stacks(set policies.Set) ([]Stack, error) {
	var out []Stack
	for _, part := range installation.Parts {
		t, err := build(set, []installation.Part{part}, " ("+string(part)+")", false)
		if err != nil {
			return nil, err
		}
		if t.body == nil {
			continue
		}
		if len(t.body) > MaxBody {
			return nil, fmt.Errorf("write template of the %s stack: it has %d bytes, CloudFormation accepts %d: select fewer "+
				"assets, a shorter path, or SharedResources=organization in place of single accounts in OtherAccountIds", part,
				len(t.body), MaxBody)
		}
		out = append(out, Stack{Part: part, Template: t})
	}
	return out, nil
}

// JSON returns the template without white space, as it is deployed.
func (t Template) JSON() []byte { return bytes.Clone(t.body) }

// Size returns the length of JSON in bytes.
func (t Template) Size() int { return len(t.body) }

// ExternalID returns the value of the template's parameter ExternalIDParameter; "" if
// the template does not declare it, or is deployed with the value that the stack has.
func (t Template) ExternalID() string { return t.externalID }

// WithPreviousExternalID returns the template for an update that keeps the external id.
func (t Template) WithPreviousExternalID() Template {
	t.externalID = ""
	return t
}

// HasExternalID reports whether the template declares ExternalIDParameter.
func (t Template) HasExternalID() bool {
	var template struct{ Parameters map[string]json.RawMessage }
	return json.Unmarshal(t.body, &template) == nil && template.Parameters[ExternalIDParameter] != nil
}

// Hash identifies the template: 64 hex digits. A template of Stacks has it as its
// output TemplateHash, which shows without a write whether a stack is up to date.
func (t Template) Hash() string { return t.hash }

// Indented returns the template as indented JSON.
func (t Template) Indented() []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, t.body, "", "  "); err != nil { // our own bytes
		panic(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// Printable returns the template for printing and download: indented, unless the
// white space makes it too long to be deployed inline.
func (t Template) Printable() []byte {
	if out := t.Indented(); len(out) <= MaxBody {
		return out
	}
	return append(t.JSON(), '\n')
}

// build returns the template of some parts, with their outputs. Without resources
// the Template has no body.
func build(set policies.Set, parts []installation.Part, suffix string, tagged bool) (Template, error) {
	w := writer{ids: map[string]string{}, tagged: tagged}
	set, externalID, err := parameterize(set)
	if err != nil {
		return Template{}, fmt.Errorf("write template of profile %s: %w", set.Profile, err)
	}
	for _, part := range parts {
		switch part {
		case installation.Access:
			w.roles(set.Roles)
		case installation.Inventory:
			w.topics(set.Topics)
			w.rules(set.Rules, set.Topics)
		}
	}
	if w.err != nil {
		return Template{}, fmt.Errorf("write template of profile %s: %w", set.Profile, w.err)
	}
	if len(w.resources) == 0 {
		return Template{}, nil
	}
	w.output("CatalogVersion", set.CatalogVersion)
	var b bytes.Buffer
	b.WriteString(`{"AWSTemplateFormatVersion":"2010-09-09","Description":`)
	b.Write(
		mustCompact(fmt.Sprintf("%s%s, catalogue %s%s", DescriptionPrefix, set.Profile, set.CatalogVersion, suffix)),
	)
	if externalID != "" && slices.Contains(parts, installation.Access) {
		fmt.Fprintf(&b, `,"Parameters":{%q:%s}`, ExternalIDParameter, externalIDDeclaration)
	} else {
		externalID = ""
	}
	if err := writeSection(&b, "Resources", w.resources); err != nil {
		return Template{}, fmt.Errorf("write template of profile %s: %w", set.Profile, err)
	}
	if err := writeSection(&b, "Outputs", w.outputs); err != nil {
		return Template{}, fmt.Errorf("write template of profile %s: %w", set.Profile, err)
	}
	sum := sha256.Sum256(b.Bytes())
	hash := hex.EncodeToString(sum[:])
	if len(parts) == 1 { // one more output: the hash of everything before it. By hand nobody compares it
		b.Truncate(b.Len() - 1)
		fmt.Fprintf(&b, `,"TemplateHash":{"Value":%q}}`, hash)
	}
	b.WriteByte('}')
	return Template{body: b.Bytes(), hash: hash, externalID: externalID}, nil
}

// output is an output of a template. It has no description: its name says enough,
// and every byte counts against MaxBody.
type output struct{ Value any }
