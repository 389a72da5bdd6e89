package permissionstack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// TestHoldTrust checks who can assume the roles in the step before the last.
func TestHoldTrust(t *testing.T) {
	trust := func(principal string) iampolicy.Document {
		document, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` +
			principal + `,"Action":"sts:AssumeRole"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	vendor := policies.Role{Entity: "Vendor", Name: "Vendor", Trust: trust(`{"AWS":"arn:aws:iam::111122223333:root"}`)}
	other := policies.Role{Entity: "Vendor", Name: "Vendor", Trust: trust(`{"AWS":"arn:aws:iam::999922223333:root"}`)}
	service := policies.Role{Entity: "Server", Name: "Server", Trust: trust(`{"Service":"ec2.amazonaws.com"}`)}
	both := policies.Role{
		Entity: "Server", Name: "Server",
		Trust: trust(`{"Service":"ec2.amazonaws.com","AWS":"arn:aws:iam::111122223333:root"}`),
	}
	template := func(roles ...policies.Role) permissionstack.Template {
		list, err := permissionstack.Stacks(policies.Set{Profile: "p", CatalogVersion: "1", Roles: roles})
		if err != nil || len(list) != 1 || list[0].Part != installation.Access {
			t.Fatal(list, err)
		}
		return list[0].Template
	}
	for name, tc := range map[string]struct {
		deployed string
		next     permissionstack.Template
		differs  bool
		allows   []string // principals of the held template
		denies   []string
	}{
		"no stack": {
			"", template(vendor, service), true, nil, []string{"111122223333", "ec2.amazonaws.com"},
		},
		"same": {
			string(template(vendor).JSON()), template(vendor), false, []string{"111122223333"}, nil,
		},
		"another principal": {
			string(template(vendor).JSON()), template(other), true, []string{"111122223333"}, []string{"999922223333"},
		},
		"new role of a service": {
			string(template(vendor).JSON()), template(vendor, service), false, []string{"111122223333", "ec2"}, nil,
		},
		"new role of a service and another principal": {
			string(template(other).JSON()), template(other, both), true, []string{"999922223333"}, []string{"111122223333"},
		},
		"not JSON": {
			"Resources: {}", template(vendor), true, nil, []string{"111122223333"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			held, differs, err := permissionstack.HoldTrust([]byte(tc.deployed), tc.next)
			if err != nil || differs != tc.differs {
				t.Fatalf("got differs %v, %v, want %v", differs, err, tc.differs)
			}
			body := string(held.JSON())
			if !json.Valid(held.JSON()) || differs == (held.Hash() == tc.next.Hash()) {
				t.Errorf("got template %s with hash %s", body, held.Hash())
			}
			for _, p := range tc.allows {
				if !strings.Contains(body, p) {
					t.Errorf("%s cannot assume its role any more: %s", p, body)
				}
			}
			for _, p := range tc.denies {
				if strings.Contains(body, p) {
					t.Errorf("%s can assume a role already: %s", p, body)
				}
			}
		})
	}
}
