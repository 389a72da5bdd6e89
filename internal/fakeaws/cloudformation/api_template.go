package cloudformation

import (
	"context"
	"slices"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

func (e *Engine) getTemplate(_ context.Context, call *protocol.Call) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body := ""
	if call.Has("ChangeSetName") {
		_, cs, err := e.findChangeSet(call)
		if err != nil {
			return nil, err
		}
		body = cs.set.body
	} else {
		s, err := e.mustFind(call, call.Str("StackName"))
		if err != nil {
			return nil, err
		}
		body = s.body
	}
	return &struct {
		Body   string   `xml:"TemplateBody"`
		Stages []string `xml:"StagesAvailable>member"`
	}{body, []string{"Original", "Processed"}}, nil
}

func (e *Engine) validateTemplate(_ context.Context, call *protocol.Call) (any, error) {
	type parameter struct {
		Key         string `xml:"ParameterKey"`
		Default     string `xml:"DefaultValue,omitempty"`
		NoEcho      bool   `xml:"NoEcho"`
		Description string `xml:"Description,omitempty"`
	}
	t, err := e.readTemplate(call)
	if err != nil {
		return nil, err
	}
	out := &struct {
		Parameters   []parameter `xml:"Parameters>member"`
		Description  string      `xml:"Description,omitempty"`
		Capabilities []string    `xml:"Capabilities>member"`
		Why          string      `xml:"CapabilitiesReason,omitempty"`
	}{Description: t.Description}
	for _, p := range t.Parameters {
		out.Parameters = append(out.Parameters, parameter{p.Name, p.Default, p.NoEcho, p.Description})
	}
	if needs, why := capabilities(t); needs != "" {
		out.Capabilities, out.Why = []string{needs}, why
	}
	return out, nil
}

func (e *Engine) readTemplate(call *protocol.Call) (*cfntemplate.Template, error) {
	body, err := e.readBody(call, &stack{}, true)
	if err != nil {
		return nil, err
	}
	return parse(body)
}

func (e *Engine) getTemplateSummary(_ context.Context, call *protocol.Call) (any, error) {
	type constraints struct {
		Values []string `xml:"AllowedValues>member"`
	}
	type parameter struct {
		Key         string       `xml:"ParameterKey"`
		Default     *string      `xml:"DefaultValue"`
		Type        string       `xml:"ParameterType"`
		NoEcho      bool         `xml:"NoEcho"`
		Description string       `xml:"Description,omitempty"`
		Constraints *constraints `xml:"ParameterConstraints"`
	}
	var t *cfntemplate.Template
	if name := call.Str("StackName"); name != "" {
		e.mu.Lock()
		s, err := e.mustFind(call, name)
		if err == nil {
			t = s.template
		}
		e.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, invalid("Stack %s has no template yet", name)
		}
	} else {
		var err error
		if t, err = e.readTemplate(call); err != nil {
			return nil, err
		}
	}
	out := &struct {
		Parameters   []parameter `xml:"Parameters>member"`
		Description  string      `xml:"Description,omitempty"`
		Capabilities []string    `xml:"Capabilities>member"`
		Why          string      `xml:"CapabilitiesReason,omitempty"`
		Types        []string    `xml:"ResourceTypes>member"`
		Version      string      `xml:"Version,omitempty"`
		Metadata     string      `xml:"Metadata,omitempty"`
	}{Description: t.Description, Version: t.FormatVersion}
	for _, p := range t.Parameters {
		x := parameter{Key: p.Name, Type: p.Type, NoEcho: p.NoEcho, Description: p.Description}
		if p.HasDefault {
			x.Default = &p.Default
		}
		if p.AllowedValues != nil {
			x.Constraints = &constraints{p.AllowedValues}
		}
		out.Parameters = append(out.Parameters, x)
	}
	for _, r := range t.Resources {
		if !slices.Contains(out.Types, r.Type) {
			out.Types = append(out.Types, r.Type)
		}
	}
	if t.Metadata != nil {
		out.Metadata = marshal(t.Metadata)
	}
	if needs, why := capabilities(t); needs != "" {
		out.Capabilities, out.Why = []string{needs}, why
	}
	return out, nil
}
