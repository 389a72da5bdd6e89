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
	return build(set, []installation.Part{installation.Access, installation.Inventory}, "", form{tagged: true})
}

// Stacks returns the templates that the provisioner deploys, in the order of
// installation.Parts. A part without resources is omitted.
//
// The split depends on the type of resource alone, never on the size: a resource
// that moved from one stack to another in an update would exist twice for a
// moment, and its physical name would collide. One stack is too small for
// everything that can be selected. A template that exceeds MaxBody is written in a
// compact form, of which CloudFormation makes the same policies: with every choice,
// a long path and the organization, ten of the customer's other accounts fit in
// every partition. If that does not suffice either, the error is a *SizeError.
//
// The customer's tags are not in these templates but on the stacks, whose tags
// CloudFormation copies to every resource that supports tags. On each resource
// they would need more bytes than the policies leave.
func Stacks(set policies.Set) ([]Stack, error) {
	var out []Stack
	for _, part := range installation.Parts {
		t, err := build(set, []installation.Part{part}, " ("+string(part)+")", form{})
		if err == nil && len(t.body) > MaxBody {
			t, err = build(set, []installation.Part{part}, " ("+string(part)+")", form{compact: true})
		}
		if err != nil {
			return nil, err
		}
		if t.body == nil {
			continue
		}
		if len(t.body) > MaxBody {
			return nil, &SizeError{Part: string(part), Size: len(t.body)}
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

// form is how a template is written.
type form struct {
	tagged  bool // every resource that supports tags has the customer's
	compact bool // managed policies have compact lists of resources
}

// build returns the template of some parts, with their outputs. Without resources
// the Template has no body.
func build(set policies.Set, parts []installation.Part, suffix string, f form) (Template, error) {
	w := writer{ids: map[string]string{}, form: f}
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
	var resources bytes.Buffer
	if err := writeSection(&resources, "Resources", w.resources); err != nil {
		return Template{}, fmt.Errorf("write template of profile %s: %w", set.Profile, err)
	}
	section := resources.Bytes()
	if f.compact {
		var shared map[string]json.RawMessage
		if shared, section = shareLists(section); len(shared) > 0 {
			mapping := mustCompact(map[string]any{sharedMap: map[string]any{"Lists": shared}})
			fmt.Fprintf(&b, `,"Mappings":%s`, mapping)
		}
	}
	b.Write(section)
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

// InventoryTypes returns the types of resources that the inventory stack may have. The role of the function that
// deploys it names the same.
func InventoryTypes() []string {
	return []string{"AWS::Events::Rule", "AWS::SNS::Topic", "AWS::SNS::TopicInlinePolicy"}
}
