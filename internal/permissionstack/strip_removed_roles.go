package permissionstack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
)

// denyAllTrust is the trust policy of a role that is about to be deleted.
var denyAllTrust = json.RawMessage(`{"Version":"2012-10-17","Statement":[` +
	`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`)

// StripRemovedRoles returns the template for the step before an update that removes
// roles: the deployed template, in which the roles that next does not have can be
// assumed by nobody and have no policies. It reports false if no role is removed.
//
// CloudFormation deletes removed resources after the update has succeeded, and
// drops them from the stack if it cannot: the role would remain, with its trust
// and its policies, in an account whose owner was notified that it was deleted.
// Stripping happens within an update, which fails and rolls back if it is not
// possible. A role that CloudFormation then fails to delete grants no access.
func StripRemovedRoles(deployed []byte, next Template) (Template, bool, error) {
	var after struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(next.body, &after); err != nil {
		return Template{}, false, fmt.Errorf("parse template: %w", err)
	}
	return strip(deployed, after.Resources)
}

// StripRoles returns the deployed template in which no role can be assumed or has
// policies, for the step before the stack is deleted. It reports false if no role has
// to be stripped.
func StripRoles(deployed []byte) (Template, bool, error) { return strip(deployed, nil) }

// strip strips the roles of the deployed template that are not kept.
func strip(deployed []byte, kept map[string]json.RawMessage) (Template, bool, error) {
	var template, have map[string]json.RawMessage
	if err := json.Unmarshal(deployed, &template); err != nil {
		return Template{}, false, fmt.Errorf("parse deployed template: %w", err)
	}
	if err := json.Unmarshal(template["Resources"], &have); err != nil {
		return Template{}, false, fmt.Errorf("parse resources of deployed template: %w", err)
	}
	removed := false
	for id, raw := range have {
		if _, isKept := kept[id]; isKept {
			continue
		}
		stripped, changed, err := stripRole(raw)
		if err != nil {
			return Template{}, false, fmt.Errorf("parse resource %s of deployed template: %w", id, err)
		}
		if changed {
			have[id], removed = stripped, true
		}
	}
	if !removed {
		return Template{}, false, nil
	}
	t, err := strippedTemplate(template, have)
	if err == nil && len(t.body) > MaxBody {
		err = fmt.Errorf("it has %d bytes, CloudFormation accepts %d", len(t.body), MaxBody)
	}
	if err != nil {
		return Template{}, false, fmt.Errorf("write template without removed roles: %w", err)
	}
	return t, true, nil
}

const roleType = "AWS::IAM::Role"

// stripRole removes the trust and the policies of a role. It reports false for
// another type of resource and for a role that is stripped already.
func stripRole(raw json.RawMessage) (json.RawMessage, bool, error) {
	var resource struct{ Type string }
	if err := json.Unmarshal(raw, &resource); err != nil || resource.Type != roleType {
		return nil, false, err
	}
	return replaceProperties(raw, map[string]json.RawMessage{
		"AssumeRolePolicyDocument": denyAllTrust, "ManagedPolicyArns": json.RawMessage(`[]`),
		"Policies": json.RawMessage(`[]`),
	})
}

// replaceProperties returns a resource with other values of some properties. It
// reports false if it has these values.
func replaceProperties(raw json.RawMessage, change map[string]json.RawMessage) (json.RawMessage, bool, error) {
	var resource, properties map[string]json.RawMessage
	if err := json.Unmarshal(raw, &resource); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(resource["Properties"], &properties); err != nil {
		return nil, false, err
	}
	same := true
	for name, value := range change {
		same = same && bytes.Equal(properties[name], value)
	}
	if same { // by an earlier update that failed
		return nil, false, nil
	}
	maps.Copy(properties, change)
	var err error
	if resource["Properties"], err = compact(properties); err != nil {
		return nil, false, err
	}
	out, err := compact(resource)
	return out, true, err
}

// strippedTemplate returns the template with other resources. Its hash has a prefix
// of its own, so that it never equals the hash of a requested template.
func strippedTemplate(template, resources map[string]json.RawMessage) (Template, error) {
	var err error
	if template["Resources"], err = compact(resources); err != nil {
		return Template{}, err
	}
	outputs := map[string]json.RawMessage{}
	if raw, ok := template["Outputs"]; ok {
		if err := json.Unmarshal(raw, &outputs); err != nil {
			return Template{}, err
		}
	}
	sum := sha256.Sum256(template["Resources"])
	hash := "stripped-" + hex.EncodeToString(sum[:])
	if outputs[hashOutput], err = compact(output{hash}); err != nil {
		return Template{}, err
	}
	if template["Outputs"], err = compact(outputs); err != nil {
		return Template{}, err
	}
	body, err := compact(template)
	return Template{body: body, hash: hash}, err
}

// hashOutput is the output that holds Template.Hash.
const hashOutput = "TemplateHash"

// compact marshals without white space and without escapes for HTML.
func compact(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
