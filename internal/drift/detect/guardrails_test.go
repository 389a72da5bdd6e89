package detect

import (
	"slices"
	"testing"

	"permstack/internal/notify/finding"
)

const (
	guardrailPolicy = "arn:aws:iam::aws:policy/Guardrail"
	guardrailRole   = "arn:aws:iam::123456789012:role/Audit"
)

// TestGuardrailParameter checks which entries of the parameter GuardrailAdditions are read: tags, and ARNs without
// wildcards.
func TestGuardrailParameter(t *testing.T) {
	s := unitStack("backup").parameters(map[string]string{
		finding.GuardrailsChoice: guardrailPolicy + ", tag:cost ,arn:aws:iam::*:role/x,arn:aws:iam::aws:policy/?,admin," +
			guardrailRole,
	})
	got := s.guardrails()
	if !slices.Equal(got.arns, []string{guardrailPolicy, guardrailRole}) || !slices.Equal(got.tags, []string{"cost"}) {
		t.Errorf("got %+v", got)
	}
	const entry = "0123456789abcdef/0123456789abcdef until 2027-01-31 by root: wanted"
	accepted := unitStack("backup").parameters(map[string]string{finding.AcceptedChoice: entry}).acceptances()
	if len(accepted) != 1 || accepted[0].String() != entry {
		t.Errorf("got acceptances %+v, want %s", accepted, entry)
	}
	gone := &stack{}
	if g := gone.guardrails(); g.arns != nil || g.tags != nil || gone.acceptances() != nil {
		t.Errorf("a stack that does not exist accepts something: %+v", g)
	}
}

// TestGuardrailFindings checks which findings a guardrail explains: not a policy that grants more, and no tag by which
// permstack finds its resources.
func TestGuardrailFindings(t *testing.T) {
	g := guardrails{arns: []string{guardrailPolicy}, tags: []string{"cost", "permstack:parent", "aws:x"}}
	other := &finding.Acceptance{By: "somebody"}
	for _, tc := range []struct {
		name string
		f    finding.Finding
		want string // who accepted it
	}{
		{"attachment that grants no more",
			finding.Finding{Kind: finding.AttachmentAdded, Subject: guardrailPolicy, Direction: finding.GrantsLess},
			finding.GuardrailsChoice},
		{"attachment that grants more",
			finding.Finding{Kind: finding.AttachmentAdded, Subject: guardrailPolicy, Direction: finding.GrantsMore}, ""},
		{"attachment of another policy",
			finding.Finding{Kind: finding.AttachmentAdded, Subject: guardrailRole, Direction: finding.GrantsLess}, ""},
		{"attachment of a policy that cannot be read",
			finding.Finding{Kind: finding.AttachmentAdded, Subject: guardrailPolicy, Direction: finding.Changed,
				Reason: finding.PolicyUnreadable}, ""},
		{"removal of the policy",
			finding.Finding{Kind: finding.AttachmentRemoved, Subject: guardrailPolicy, Direction: finding.GrantsLess}, ""},
		{"tag", finding.Finding{Kind: finding.TagsChanged, Subject: "cost"}, finding.GuardrailsChoice},
		{"another tag", finding.Finding{Kind: finding.TagsChanged, Subject: "team"}, ""},
		{"tag of permstack", finding.Finding{Kind: finding.TagsChanged, Subject: "permstack:parent"}, ""},
		{"tag of AWS", finding.Finding{Kind: finding.TagsChanged, Subject: "aws:x"}, ""},
		{"something else with the name of the tag",
			finding.Finding{Kind: finding.PropertyChanged, Subject: "cost"}, ""},
		{"accepted by somebody",
			finding.Finding{Kind: finding.TagsChanged, Subject: "cost", Acceptance: other}, "somebody"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := draft{Finding: tc.f}
			g.acceptDraft(&d)
			got := ""
			if d.Acceptance != nil {
				got = d.Acceptance.By
			}
			if got != tc.want {
				t.Errorf("accepted by %q, want %q", got, tc.want)
			}
		})
	}
}

// TestGuardrailPrincipals checks which statements of a trust policy a guardrail explains: those that let only accepted
// principals assume the role, and nothing else.
func TestGuardrailPrincipals(t *testing.T) {
	const (
		vendor = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`
		audit  = `"Principal":{"AWS":"` + guardrailRole + `"}`
	)
	g := guardrails{arns: []string{guardrailRole}}
	for _, tc := range []struct {
		name, statement string
		accepted        bool
	}{
		{"accepted principal", `{"Effect":"Allow",` + audit + `,"Action":["sts:AssumeRole","sts:TagSession"]}`, true},
		{"another principal", vendor, false},
		{"beside another principal", `{"Effect":"Allow","Principal":{"AWS":["` + guardrailRole +
			`","arn:aws:iam::999988887777:root"]},"Action":"sts:AssumeRole"}`, false},
		{"everyone", `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`, false},
		{"all but the principal", `{"Effect":"Allow","NotPrincipal":{"AWS":"` + guardrailRole +
			`"},"Action":"sts:AssumeRole"}`, false},
		{"another action", `{"Effect":"Allow",` + audit + `,"Action":["sts:AssumeRole","sts:*"]}`, false},
		{"all but an action", `{"Effect":"Allow",` + audit + `,"NotAction":"sts:AssumeRole"}`, false},
		{"denial", `{"Effect":"Deny",` + audit + `,"Action":"sts:AssumeRole"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trust := parseDocument(`{"Version":"2012-10-17","Statement":[` + vendor + `,` + tc.statement + `]}`)
			if trust.err != nil {
				t.Fatal(trust.err)
			}
			rest, removed := g.withoutPrincipals(trust)
			if tc.accepted != (len(removed) == 1) || tc.accepted != (len(rest.Statement) == 1) || len(trust.Statement) != 2 {
				t.Errorf("removed %q, left %d statements of %d", removed, len(rest.Statement), len(trust.Statement))
			}
		})
	}
	for name, trust := range map[string]document{
		"invalid": {err: errBroken, Document: parseDocument(`{"Statement":[{"Effect":"Allow",` + audit +
			`,"Action":"sts:AssumeRole"}]}`).Document},
		"unknown": {unknown: true, Document: parseDocument(`{"Statement":[{"Effect":"Allow",` + audit +
			`,"Action":"sts:AssumeRole"}]}`).Document},
	} {
		t.Run(name, func(t *testing.T) {
			if _, removed := g.withoutPrincipals(trust); removed != nil {
				t.Errorf("removed %q", removed)
			}
		})
	}
}
