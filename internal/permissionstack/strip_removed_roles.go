package permissionstack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
)

// nobody is the trust policy of a role that is about to go.
var nobody = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`)

// Farewell is the step before an update that drops roles: the deployed template
// as it is, but the roles that the next one does not have any more trust nobody
// and hold no policy. It answers false where no role is dropped.
//
// CloudFormation deletes dropped resources after the update has succeeded, and
// where it cannot, it forgets them: the role would stay, with its trust and
// whatever it has been given, in an account whose owner was told that it is
// gone. Emptying happens within the update, which fails and rolls back where it
// cannot be done. What CloudFormation then leaves behind lets nobody in.
func Farewell(deployed []byte, next Template) (Template, bool, error) {
	var template map[string]json.RawMessage
	if err := json.Unmarshal(deployed, &template); err != nil {
		return Template{}, false, fmt.Errorf("read deployed template: %w", err)
	}
	var have, want map[string]json.RawMessage
	var after struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(next.body, &after); err != nil {
		return Template{}, false, fmt.Errorf("read template: %w", err)
	}
	want = after.Resources
	if err := json.Unmarshal(template["Resources"], &have); err != nil {
		return Template{}, false, fmt.Errorf("read resources of deployed template: %w", err)
	}
	dropped := false
	for id, raw := range have {
		if _, stays := want[id]; stays {
			continue
		}
		emptied, changed, err := emptyRole(raw)
		if err != nil {
			return Template{}, false, fmt.Errorf("read resource %s of deployed template: %w", id, err)
		}
		if changed {
			have[id], dropped = emptied, true
		}
	}
	if !dropped {
		return Template{}, false, nil
	}
	t, err := farewell(template, have)
	if err == nil && len(t.body) > MaxBody {
		err = fmt.Errorf("it has %d bytes and CloudFormation takes %d", len(t.body), MaxBody)
	}
	if err != nil {
		return Template{}, false, fmt.Errorf("write template without what is dropped: %w", err)
	}
	return t, true, nil
}

// emptyRole takes from a role its trust and its policies; it answers false for
// what is no role, or is empty already.
func emptyRole(raw json.RawMessage) (json.RawMessage, bool, error) {
	var resource, properties map[string]json.RawMessage
	var kind string
	if err := json.Unmarshal(raw, &resource); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(resource["Type"], &kind); err != nil {
		return nil, false, err
	}
	if kind != "AWS::IAM::Role" {
		return nil, false, nil
	}
	change := map[string]json.RawMessage{"AssumeRolePolicyDocument": nobody, "ManagedPolicyArns": json.RawMessage(`[]`), "Policies": json.RawMessage(`[]`)}
	if err := json.Unmarshal(resource["Properties"], &properties); err != nil {
		return nil, false, err
	}
	same := true
	for name, value := range change {
		same = same && bytes.Equal(properties[name], value)
	}
	if same { // an earlier farewell, whose update failed
		return nil, false, nil
	}
	maps.Copy(properties, change)
	var err error
	if resource["Properties"], err = compactJSON(properties); err != nil {
		return nil, false, err
	}
	out, err := compactJSON(resource)
	return out, true, err
}

// farewell puts the template together. Its hash is no other template's, so that
// whoever comes upon it knows that it is not what anybody asked for.
func farewell(template, resources map[string]json.RawMessage) (Template, error) {
	var err error
	if template["Resources"], err = compactJSON(resources); err != nil {
		return Template{}, err
	}
	outputs := map[string]json.RawMessage{}
	if raw, ok := template["Outputs"]; ok {
		if err := json.Unmarshal(raw, &outputs); err != nil {
			return Template{}, err
		}
	}
	sum := sha256.Sum256(template["Resources"])
	hash := "farewell-" + hex.EncodeToString(sum[:])
	if outputs[hashOutput], err = compactJSON(output{hash}); err != nil {
		return Template{}, err
	}
	if template["Outputs"], err = compactJSON(outputs); err != nil {
		return Template{}, err
	}
	body, err := compactJSON(template)
	return Template{body: body, hash: hash}, err
}

const hashOutput = "TemplateHash"

// compactJSON marshals without white space and without escapes for HTML.
func compactJSON(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
