package permissionstack

import (
	"bytes"
	"encoding/json"
	"fmt"

	"permstack/internal/iampolicy"
)

// HoldTrust returns the template for the step before the one that lets somebody in:
// next, in which nobody can assume a role who cannot in the deployed template. It
// reports false if that is next itself. Roles that the deployed template does not
// have can be assumed by nobody and have no policies, so that CloudFormation need
// not create the policies first; other roles keep their deployed trust policy. In an
// existing stack a new role that only AWS services can assume is left as it is, which
// saves a step and lets nobody in. deployed is empty if there is no stack. If it is
// not JSON, because somebody edited it manually, it counts as empty.
func HoldTrust(deployed []byte, next Template) (Template, bool, error) {
	var have struct {
		Resources  map[string]trustedResource
		Parameters map[string]json.RawMessage
	}
	if json.Unmarshal(deployed, &have) != nil {
		have.Resources = nil
	}
	var template, resources map[string]json.RawMessage
	if err := json.Unmarshal(next.body, &template); err != nil {
		return Template{}, false, fmt.Errorf("parse template: %w", err)
	}
	if err := json.Unmarshal(template["Resources"], &resources); err != nil {
		return Template{}, false, fmt.Errorf("parse resources of template: %w", err)
	}
	held := false
	for id, raw := range resources {
		if _, exists := have.Resources[id]; !exists && have.Resources != nil && trustsOnlyServices(raw) {
			continue
		}
		changedTo, changed, err := holdRole(raw, have.Resources[id])
		if err != nil {
			return Template{}, false, fmt.Errorf("parse resource %s of template: %w", id, err)
		}
		if changed {
			resources[id], held = changedTo, true
		}
	}
	if !held {
		return next, false, nil
	}
	// A kept trust policy may refer to the external id although next requires none.
	if _, declared := template["Parameters"]; !declared && have.Parameters[ExternalIDParameter] != nil {
		template["Parameters"] = json.RawMessage(fmt.Sprintf("{%q:%s}", ExternalIDParameter, externalIDDeclaration))
	}
	t, err := strippedTemplate(template, resources)
	if err != nil {
		return Template{}, false, fmt.Errorf("write template without trust: %w", err)
	}
	return t, true, nil
}

type trustedResource struct {
	Type       string
	Properties struct {
		AssumeRolePolicyDocument json.RawMessage
	}
}

// trustsOnlyServices reports whether a resource is a role that only AWS services can
// assume.
func trustsOnlyServices(raw json.RawMessage) bool {
	var role trustedResource
	if json.Unmarshal(raw, &role) != nil || role.Type != roleType {
		return false
	}
	trust, err := iampolicy.Parse(role.Properties.AssumeRolePolicyDocument)
	if err != nil {
		return false
	}
	for _, s := range trust.Statement {
		if s.Principal == nil || s.Principal.Everyone || len(s.Principal.ByType["Service"]) == 0 ||
			len(s.Principal.ByType) > 1 {
			return false
		}
	}
	return len(trust.Statement) > 0
}

// holdRole returns a role with the trust policy that it has in the deployed
// template, or without trust and policies if it is not there. It reports false if
// nothing changes.
func holdRole(raw json.RawMessage, deployed trustedResource) (json.RawMessage, bool, error) {
	var next trustedResource
	if err := json.Unmarshal(raw, &next); err != nil {
		return nil, false, err
	}
	if next.Type != roleType {
		return nil, false, nil
	}
	trust := deployed.Properties.AssumeRolePolicyDocument
	if deployed.Type != roleType || len(trust) == 0 {
		return stripRole(raw)
	}
	var is, want bytes.Buffer
	if err := json.Compact(&is, trust); err != nil {
		return nil, false, err
	}
	if err := json.Compact(&want, next.Properties.AssumeRolePolicyDocument); err != nil {
		return nil, false, err
	}
	if bytes.Equal(is.Bytes(), want.Bytes()) {
		return nil, false, nil
	}
	return replaceProperties(raw, map[string]json.RawMessage{"AssumeRolePolicyDocument": trust})
}
