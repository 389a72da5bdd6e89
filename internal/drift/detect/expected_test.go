package detect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/installation"
	"permstack/internal/permissionstack"
)

// TestReadChoices checks from which resource of the parent the choice is read.
func TestReadChoices(t *testing.T) {
	const (
		topic    = "  Topic: {Type: AWS::SNS::Topic}\n"
		resource = "  Access: {Type: Custom::PermissionStack, Properties: {ServiceToken: t, Profile: clumio, " +
			"Assets: [ec2], Operations: [backup], ControlPlaneRoleArn: 'arn:aws:iam::111122223333:role/C', " +
			"DataPlaneAccountId: '444455556666', ExternalId: an-id, ConnectionId: main, Path: /permstack/, " +
			"CatalogVersion: '1'}}\n"
	)
	for _, tc := range []struct {
		name, template string
		want           error // errBroken is any
	}{
		{"chosen", "Resources:\n" + topic + resource, nil},
		{"no custom resource", "Resources:\n" + topic, errNoCustomResource},
		{"not evaluated", "Resources:\n" + strings.Replace(resource, "main", "!FindInMap [Missing, a, b]", 1), errBroken},
		{"no template", "", errBroken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			if tc.template != "" {
				if err := s.evaluate(unitParent(), tc.template); err != nil {
					t.Fatal(err)
				}
			}
			s.addResources(nil)
			got, err := readChoices(s, unitParent())
			if tc.want == nil && (err != nil || got.logicalID != "Access") || tc.want != nil && err == nil ||
				tc.want == errBroken && errors.Is(err, errNoCustomResource) || tc.want == errNoCustomResource && !errors.Is(err,
				tc.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestSynthesize checks for which external ids the templates are synthesized: a profile may require one, refuse it, or
// accept both.
func TestSynthesize(t *testing.T) {
	base := map[string]any{
		"ServiceToken": "t", "ServiceTimeout": unknown, "Profile": "clumio", "Assets": []any{"ec2"},
		"Operations": []any{"backup"}, "ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/C",
		"DataPlaneAccountId": "444455556666", "ExternalId": unknown, "ConnectionId": "main", "Path": "/permstack/",
		"CatalogVersion": "1",
	}
	cpm := func(options string, id any) map[string]any {
		out := map[string]any{
			"Profile": "cpm", "Preset": "enterprise", "Options": options, "ExternalId": id, "Assets": nil, "Operations": nil,
			"DataPlaneAccountId": nil, "ConnectionId": nil, "ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Server",
		}
		if !strings.Contains(options, "server-role") {
			out["ControlPlaneRoleArn"] = nil
		}
		return out
	}
	for _, tc := range []struct {
		name     string
		change   map[string]any
		want     string // of the error
		required bool   // the templates require an external id
		optional bool   // there are templates without one, too
	}{
		{"unknown external id", nil, "", true, false},
		{"known external id", map[string]any{"ExternalId": "an-id"}, "", true, false},
		{"optional external id, unknown", cpm("release=4.2,trust=server-role", unknown), "", true, true},
		{"optional external id, known", cpm("release=4.2,trust=server-role", "an-id"), "", true, false},
		{"optional external id, none", cpm("release=4.2,trust=server-role", nil), "", false, false},
		{"refused external id, unknown", cpm("release=4.2", unknown), "", false, false},
		{"refused external id, known", cpm("release=4.2", "an-id"), "synthesize the selection of resource R", false, false},
		{"another unknown value", map[string]any{"Path": unknown}, "property Path of resource R cannot be evaluated", false,
			false},
		{"a value that cannot be decoded", map[string]any{"Assets": 1}, "decode the properties of resource R", false, false},
		{"an asset that does not exist", map[string]any{"Assets": []any{"x"}}, "synthesize the selection of resource R",
			false, false},
		{"no external id", map[string]any{"ExternalId": nil}, "synthesize the selection of resource R", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := map[string]any{}
			for _, values := range []map[string]any{base, tc.change} {
				for name, value := range values {
					if raw[name] = value; value == nil {
						delete(raw, name)
					}
				}
			}
			got, err := synthesize("R", raw, unitParent())
			switch {
			case tc.want != "":
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
			case err != nil:
				t.Error(err)
			case got.templates[installation.Access].HasExternalID() != tc.required || (got.withoutID != nil) != tc.optional:
				t.Errorf("with an id %v, without one %v", got.templates[installation.Access].HasExternalID(), got.withoutID != nil)
			}
		})
	}
}

// TestDeployment checks which parameters the expected template is deployed with: the external id that the stack has.
func TestDeployment(t *testing.T) {
	c := unitChoices(t, nil)
	for _, tc := range []struct {
		name       string
		part       installation.Part
		parameters map[string]string
		want       []string
		ok         bool
	}{
		{"access", installation.Access, map[string]string{"A": "a", "ExternalId": "****"}, []string{"ExternalId"}, true},
		{"access without an id", installation.Access, map[string]string{"A": "a"}, nil, false},
		{"inventory", installation.Inventory, map[string]string{"A": "a"}, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access").parameters(tc.parameters)
			s.part = tc.part
			template, parameters, ok := c.deployment(s)
			var names []string
			for _, p := range parameters {
				names = append(names, *p.ParameterKey)
				if !aws.ToBool(p.UsePreviousValue) {
					t.Errorf("the value of %s is not kept", *p.ParameterKey)
				}
			}
			if ok != tc.ok || !slices.Equal(names, tc.want) || ok && template != string(c.templates[tc.part].JSON()) {
				t.Errorf("got %v, %q", ok, names)
			}
		})
	}
	c = unitChoices(t, map[string]any{"Tags": "team=storage"})
	tags := c.stackTags(unitParent())
	if len(tags) != 3 || tags["team"] != "storage" || tags[installation.ParentTag] != unitParent().ID ||
		tags[installation.ResourceTag] != "PermissionStack" {
		t.Errorf("got %q", tags)
	}
}

// TestExpectedTemplate checks when the template without an optional external id is expected: if the deployed has its
// meaning.
func TestExpectedTemplate(t *testing.T) {
	full := unitChoices(t, nil)
	with, without := full.templates[installation.Access], full.templates[installation.Inventory]
	deploy := func(template permissionstack.Template) *stack {
		s := unitStack("access")
		s.part = installation.Access
		if err := s.evaluate(unitParent(), string(template.JSON())); err != nil {
			t.Fatal(err)
		}
		s.addResources(nil)
		if err := s.expectTemplate(unitParent(), template.JSON()); err != nil {
			t.Fatal(err)
		}
		s.keepDeployed()
		return s
	}
	optional := map[installation.Part]permissionstack.Template{installation.Access: without}
	for _, tc := range []struct {
		name     string
		s        *stack
		optional map[installation.Part]permissionstack.Template
		want     permissionstack.Template
	}{
		{"required", deploy(without), nil, with}, {"optional, with one", deploy(with), optional, with},
		{"optional, without", deploy(without), optional, without},
		{"optional, not read", func() *stack { s := unitStack("access"); s.part = installation.Access; return s }(), optional,
			with},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &choices{templates: map[installation.Part]permissionstack.Template{installation.Access: with},
				withoutID: tc.optional}
			if got := c.expectedTemplate(unitParent(), tc.s); string(got.JSON()) != string(tc.want.JSON()) {
				t.Errorf("got %.80s", got.JSON())
			}
		})
	}
}

// TestExpectTemplate checks the resources of an expected template: their names, and which of them the stack deployed.
func TestExpectTemplate(t *testing.T) {
	const template = `
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: role}}
  Renamed: {Type: AWS::IAM::Role, Properties: {RoleName: renamed}}
  Log: {Type: AWS::Logs::LogGroup}
  Other: {Type: AWS::Logs::LogGroup}
  Missing: {Type: AWS::IAM::Role, Properties: {RoleName: missing}}
  Generated: {Type: AWS::IAM::ManagedPolicy, Properties: {Roles: [!Ref Role]}}
`
	for _, part := range []installation.Part{"", installation.Access} {
		s := unitStack("backup")
		s.part = part
		s.listed = []listed{
			{"Role", "role", typeRole, at(1)}, {"Renamed", "theirs", typeRole, at(1)},
			{"Log", "log", "AWS::Logs::LogGroup", at(1)}, {"Other", "topic", typeTopic, at(1)},
		}
		if err := s.expectTemplate(unitParent(), []byte(template)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			id, physical              string
			undetectable, notDeployed bool
			known                     bool // when it was updated
		}{
			{"Role", "role", false, false, true}, {"Renamed", "renamed", true, false, false}, {"Log", "log", false, false, true},
			{"Other", "topic", true, false, true}, {"Missing", "missing", true, false, false},
			{"Generated", "", true, part == "", false},
		} {
			t.Run(string(part)+" "+want.id, func(t *testing.T) {
				i := slices.IndexFunc(s.resources, func(r *resource) bool { return r.logicalID == want.id })
				r := s.resources[i]
				if r.physicalID != want.physical || r.undetectable != want.undetectable || r.notDeployed != want.notDeployed ||
					r.updated.IsZero() == want.known {
					t.Errorf("got %+v", r)
				}
			})
		}
		if got := texts(s.resources[len(s.resources)-1].props["Roles"]); !slices.Equal(got, []string{"role"}) {
			t.Errorf("got the roles %q", got)
		}
	}
	for name, template := range map[string]string{
		"invalid": "Resources: [", "parameter that is missing": "Parameters: {P: {Type: Number, Default: x}}\nResources: {}",
		"name that cannot be evaluated": "Resources: {R: {Type: AWS::IAM::Role, " +
			"Properties: {RoleName: !FindInMap [Missing, a, b]}}}",
		"property that cannot be evaluated": "Resources: {R: {Type: AWS::Logs::LogGroup, " +
			"Properties: {X: !FindInMap [Missing, a, b]}}}",
	} {
		t.Run(name, func(t *testing.T) {
			if err := unitStack("backup").expectTemplate(unitParent(), []byte(template)); err == nil {
				t.Error("it is no error")
			}
		})
	}
}
