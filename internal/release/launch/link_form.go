package launch

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies/schema"
)

// LinkForm returns what a Launch Stack link needs of the template of a profile, as a template in JSON: its parameters
// and rules. It is a fifth of the template's size, and reading it needs no YAML.
func LinkForm(template []byte, p schema.Profile) ([]byte, error) {
	own, err := ForProfile(template, p)
	if err != nil {
		return nil, err
	}
	root, err := yamlfmt.Parse(own)
	if err != nil {
		return nil, fmt.Errorf("parse the template of profile %s: %w", p.Name, err)
	}
	form := mapping()
	for _, section := range []string{"Parameters", "Rules"} {
		if n := lookup(root, section); n != nil {
			set(form, section, n)
		}
	}
	// A template has at least one resource; no stack is made of this one.
	set(form, "Resources", mapping(
		field{"None", mapping(field{"Type", scalar("AWS::CloudFormation::WaitConditionHandle")})},
	))
	var out bytes.Buffer
	if err := writeJSON(&out, form); err != nil {
		return nil, fmt.Errorf("write the form of profile %s: %w", p.Name, err)
	}
	if _, err := cfntemplate.Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("write the form of profile %s: %w", p.Name, err)
	}
	return out.Bytes(), nil
}

// writeJSON writes a node as JSON, with its keys in their order: that of the parameters is the order of a link.
func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out.WriteByte(',')
			}
			key, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return err
			}
			out.Write(append(key, ':'))
			if err := writeJSON(out, n.Content[i+1]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		var value any
		if err := n.Decode(&value); err != nil {
			return err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		out.Write(text)
	}
	return nil
}
