package detect

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"permstack/internal/notify/finding"
)

const (
	declaredPolicy = "arn:aws:iam::123456789012:policy/Declared"
	foreignPolicy  = "arn:aws:iam::aws:policy/Foreign"
	roleProperties = `{"Path":"/p/","MaxSessionDuration":7200,"PermissionsBoundary":"` + boundaryARN + `",` +
		`"AssumeRolePolicyDocument":` + vendorTrust + `,"ManagedPolicyArns":["` + declaredPolicy + `"],` +
		`"Policies":[{"PolicyName":"inline","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"s3:GetObject",` +
		`"Resource":"*"}]}}]}`
)

// roleModel is a stack with a role that is as its template declares it.
func roleModel() (*model, *resource, *liveRole) {
	s := unitStack("access")
	r := s.add(typeRole, "Role", "role", roleProperties)
	policy := s.add(typeManagedPolicy, "Policy", declaredPolicy, `{"PolicyDocument":`+allowing("ec2:DescribeVolumes")+`}`)
	policy.live = &livePolicy{document: allowing("ec2:DescribeVolumes"), version: "v1"}
	s.add("AWS::IAM::RolePolicy", "Beside", "beside", `{"RoleName":"role","PolicyName":"beside","PolicyDocument":`+
		allowing("sns:Publish")+`}`)
	live := &liveRole{
		path: "/p/", trust: vendorTrust, maxSession: 7200, boundary: boundaryARN, attached: []string{declaredPolicy},
		inline:    map[string]string{"inline": allowing("s3:GetObject"), "beside": allowing("sns:Publish")},
		documents: map[string]string{}, unreadDocuments: map[string]error{}, tags: map[string]string{},
	}
	r.live = live
	m := unitModel(unitStack("backup"), s)
	return m, r, live
}

// TestRoleComparison checks what is reported of a role that differs from its template.
func TestRoleComparison(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(m *model, r *resource, live *liveRole)
		want   []string
	}{
		{"as declared", nil, nil},
		{"deleted", func(_ *model, _ *resource, live *liveRole) { live.missing = true },
			[]string{"Role resource-deleted grants-less: - → none"}},
		{"trust", func(_ *model, _ *resource, live *liveRole) { live.trust = everyoneTrust },
			[]string{"Role trust-changed grants-more: document → document"}},
		{"trust that cannot be read", func(_ *model, _ *resource, live *liveRole) {
			live.trust = ""
			live.errs.add(errDenied, "", trustProperty)
		}, []string{"Role not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"boundary removed", func(_ *model, _ *resource, live *liveRole) { live.boundary = "" },
			[]string{"Role boundary-changed grants-more: " + boundaryARN + " → none"}},
		{"boundary replaced", func(_ *model, _ *resource, live *liveRole) {
			live.boundary = foreignPolicy
			live.documents = map[string]string{boundaryARN: allowing("s3:*"), foreignPolicy: allowing("s3:Get*")}
		}, []string{"Role boundary-changed grants-less: " + boundaryARN + " → " + foreignPolicy}},
		{"boundary replaced by one that cannot be read", func(_ *model, _ *resource, live *liveRole) {
			live.boundary = foreignPolicy
			live.documents = map[string]string{boundaryARN: allowing("s3:*")}
		}, []string{"Role boundary-changed changed: " + boundaryARN + " → " + foreignPolicy + " (boundary-unreadable)"}},
		{"boundary that could not be read is replaced", func(_ *model, _ *resource, live *liveRole) {
			live.boundary = foreignPolicy
			live.documents = map[string]string{foreignPolicy: allowing("s3:*")}
		}, []string{"Role boundary-changed changed: " + boundaryARN + " → " + foreignPolicy + " (boundary-unreadable)"}},
		{"boundary replaced by an invalid one", func(_ *model, _ *resource, live *liveRole) {
			live.boundary = foreignPolicy
			live.documents = map[string]string{boundaryARN: allowing("s3:*"), foreignPolicy: "{"}
		}, []string{"Role boundary-changed changed: " + boundaryARN + " → " + foreignPolicy + " (boundary-unreadable)"}},
		{"invalid boundary replaced", func(_ *model, _ *resource, live *liveRole) {
			live.boundary = foreignPolicy
			live.documents = map[string]string{boundaryARN: "{", foreignPolicy: allowing("s3:*")}
		}, []string{"Role boundary-changed changed: " + boundaryARN + " → " + foreignPolicy + " (boundary-unreadable)"}},
		{"longer session", func(_ *model, _ *resource, live *liveRole) { live.maxSession = 43200 },
			[]string{"Role session-length-changed grants-more: 7200 → 43200"}},
		{"shorter session", func(_ *model, _ *resource, live *liveRole) { live.maxSession = 3600 },
			[]string{"Role session-length-changed grants-less: 7200 → 3600"}},
		{"session that is not known", func(_ *model, _ *resource, live *liveRole) { live.maxSession = 0 }, nil},
		{"expected session that is not known", func(_ *model, r *resource, live *liveRole) {
			r.props["MaxSessionDuration"], live.maxSession = unknown, 3600
		}, nil},
		{"another path", func(_ *model, _ *resource, live *liveRole) { live.path = "/" },
			[]string{"Role property-changed [Path] changed: /p/ → / (role-recreated)"}},
		{"settings that cannot be read", func(_ *model, _ *resource, live *liveRole) {
			live.path, live.maxSession, live.boundary = "/", 43200, ""
			live.errs.add(errDenied, "", "MaxSessionDuration", "PermissionsBoundary", "Tags")
		}, []string{"Role not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"created again", func(_ *model, r *resource, live *liveRole) {
			r.updated, live.created = unitNow, unitNow.Add(time.Second)
		}, []string{"Role role-identity-changed changed: created before 2026-11-27T12:00:00Z → " +
			"created 2026-11-27T12:00:01Z"}},
		{"created by the stack", func(_ *model, r *resource, live *liveRole) {
			r.updated, live.created = unitNow, unitNow
		}, nil},
		{"created, and the stack's time is not known", func(_ *model, _ *resource, live *liveRole) { live.created = unitNow },
			nil},
		{"instance profile", func(_ *model, _ *resource, live *liveRole) { live.profiles = []string{"theirs"} },
			[]string{"Role instance-profile-added [theirs] grants-more: none → theirs"}},
		{"instance profile beside a declared one", func(m *model, _ *resource, live *liveRole) {
			m.byID["AWS::IAM::InstanceProfile"] = map[string]*resource{"declared": {}}
			live.profiles = []string{"declared", "theirs"}
		}, []string{"Role instance-profile-added [theirs] grants-more: none → theirs"}},
		{"inline policy added", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = allowing("iam:*") },
			[]string{"Role inline-policy-added [x] grants-more: none → document"}},
		{"inline policy added that grants nothing more", func(_ *model, _ *resource, live *liveRole) {
			live.inline["x"] = allowing("s3:GetObject")
		}, []string{"Role inline-policy-added [x] changed: none → document (effective-access-same)"}},
		{"inline policy added that is invalid", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = "{" },
			[]string{"Role inline-policy-added [x] grants-more: none → document"}},
		{"inline policy added that could not be read", func(_ *model, _ *resource, live *liveRole) { live.inline["x"] = "" },
			nil},
		{"inline policy removed", func(_ *model, _ *resource, live *liveRole) { delete(live.inline, "inline") },
			[]string{"Role inline-policy-removed [inline] grants-less: document → none"}},
		{"inline policy changed", func(_ *model, _ *resource, live *liveRole) { live.inline["inline"] = allowing("s3:*") },
			[]string{"Role inline-policy-changed [inline] grants-more: document → document"}},
		{"inline policy changed, and another one has the same", func(_ *model, _ *resource, live *liveRole) {
			live.inline["inline"] = allowing("s3:GetObject", "sns:Publish")
		}, []string{"Role inline-policy-changed [inline] changed: document → document (effective-access-same)"}},
		{"declared inline policy invalid", func(m *model, r *resource, _ *liveRole) {
			m.roles[r].inline["inline"] = expectedInline{parseDocument("{"), r}
		}, []string{"Role inline-policy-changed [inline] changed: document → document (document-invalid)"}},
		{"inline policy that could not be read", func(_ *model, _ *resource, live *liveRole) { live.inline["inline"] = "" },
			nil},
		{"inline policy invalid", func(_ *model, _ *resource, live *liveRole) { live.inline["inline"] = "{" },
			[]string{"Role inline-policy-changed [inline] changed: document → document (document-invalid)"}},
		{"inline policy beside the role changed", func(_ *model, _ *resource, live *liveRole) {
			live.inline["beside"] = allowing("sns:*")
		}, []string{"Beside inline-policy-changed [beside] grants-more: document → document"}},
		{"inline policies that cannot be read", func(_ *model, _ *resource, live *liveRole) {
			live.inline = map[string]string{"x": allowing("iam:*")}
			live.errs.add(errDenied, "", "Policies")
		}, []string{"Role not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"inline policies that are not known", func(_ *model, r *resource, live *liveRole) {
			r.props["Policies"], live.inline = unknown, nil
		}, nil},
		{"policy attached", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
			live.documents[foreignPolicy] = allowing("iam:*")
		}, []string{"Role attachment-added [" + foreignPolicy + "] grants-more: none → " + foreignPolicy}},
		{"policy attached that grants nothing more", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
			live.documents[foreignPolicy] = allowing("s3:GetObject")
		}, []string{"Role attachment-added [" + foreignPolicy + "] changed: none → " + foreignPolicy +
			" (effective-access-same)"}},
		{"policy attached that could not be read", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
			live.unreadDocuments[foreignPolicy] = errDenied
		}, []string{"Role attachment-added [" + foreignPolicy + "] grants-more: none → " + foreignPolicy +
			" (policy-unreadable)"}},
		{"policy attached that is invalid", func(_ *model, _ *resource, live *liveRole) {
			live.attached = append(live.attached, foreignPolicy)
			live.documents[foreignPolicy] = "{"
		}, []string{"Role attachment-added [" + foreignPolicy + "] grants-more: none → " + foreignPolicy +
			" (policy-unreadable)"}},
		{"policy detached", func(_ *model, _ *resource, live *liveRole) { live.attached = nil },
			[]string{"Role attachment-removed [" + declaredPolicy + "] grants-less: " + declaredPolicy + " → none"}},
		{"policy detached, and another one has the same", func(m *model, _ *resource, live *liveRole) {
			m.policies[declaredPolicy], live.attached = parseDocument(allowing("s3:GetObject")), nil
		}, []string{"Role attachment-removed [" + declaredPolicy + "] changed: " + declaredPolicy +
			" → none (effective-access-same)"}},
		{"policy of AWS detached", func(m *model, r *resource, _ *liveRole) { m.roles[r].managed[foreignPolicy] = true },
			[]string{"Role attachment-removed [" + foreignPolicy + "] grants-less: " + foreignPolicy + " → none"}},
		{"policy after an attached one detached", func(m *model, r *resource, _ *liveRole) {
			m.roles[r].managed["arn:aws:iam::aws:policy/Z"], m.roles[r].managed["arn:z"] = true, true
		}, []string{"Role attachment-removed [arn:aws:iam::aws:policy/Z] grants-less: arn:aws:iam::aws:policy/Z → none",
			"Role attachment-removed [arn:z] grants-less: arn:z → none"}},
		{"policy deleted", func(m *model, _ *resource, live *liveRole) {
			live.attached, m.find(typeManagedPolicy, declaredPolicy).live = nil, &livePolicy{missing: true}
		}, nil},
		{"attachments that cannot be read", func(_ *model, _ *resource, live *liveRole) {
			live.attached = []string{foreignPolicy}
			live.errs.add(errDenied, "", "ManagedPolicyArns")
		}, []string{"Role not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"attachments that are not known", func(_ *model, r *resource, live *liveRole) {
			r.props["ManagedPolicyArns"], live.attached = []any{unknown}, nil
		}, nil},
		{"tag", func(_ *model, r *resource, _ *liveRole) { r.stack.tags = map[string]string{"team": "a"} },
			[]string{"Role tags-changed [team] changed: a → none"}},
		{"read after the deadline", func(_ *model, _ *resource, live *liveRole) {
			live.errs.add(context.DeadlineExceeded, "", "Policies")
		}, nil},
		{"policy that could not be read", func(_ *model, _ *resource, live *liveRole) {
			live.errs.add(errDenied, "inline", "Policies")
		}, []string{"Role not-readable [iam:GetRole] unreadable (access-denied)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, r, live := roleModel()
			if tc.change != nil {
				tc.change(m, r, live)
			}
			got := live.compare(m, r)
			checkDrafts(t, got, tc.want...)
			for _, d := range got {
				ofPolicies := slices.Contains([]finding.Kind{
					finding.InlinePolicyAdded, finding.InlinePolicyChanged, finding.InlinePolicyRemoved,
					finding.AttachmentAdded, finding.AttachmentRemoved,
				}, d.Kind)
				if ofPolicies != slices.Equal(d.roles, []*resource{r}) {
					t.Errorf("%s concerns the roles %v", d.Kind, d.roles)
				}
				if want := map[string]string{"Beside": "PolicyDocument", "Role": "Policies"}[d.LogicalID]; d.Kind ==
					finding.InlinePolicyChanged && d.Property != want {
					t.Errorf("got the property %s, want %s", d.Property, want)
				}
				if d.Reason == finding.PolicyUnreadable && (len(d.ReadErrors) == 1) != (live.unreadDocuments[d.Subject] != nil) {
					t.Errorf("got the errors %+v", d.ReadErrors)
				}
				if e := d.ReadErrors; d.Kind == finding.NotReadable && (e[0].Name == "inline") != (e[0].Target == "policy") {
					t.Errorf("got the errors %+v", e)
				}
			}
		})
	}
}

const everyoneTrust = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`

// TestTrustComparison checks trust policies in which a principal was deleted, or that a guardrail explains.
func TestTrustComparison(t *testing.T) {
	trusting := func(principals string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":{"AWS":[` + principals + `]},"Action":"sts:AssumeRole"}]}`
	}
	const vendor, id = `"arn:aws:iam::111122223333:root"`, `"AROAEXAMPLEEXAMPLE123"`
	for _, tc := range []struct {
		name, trust string
		want        []string
		accepted    bool
	}{
		{"deleted principal", trusting(id),
			[]string{"Role trust-changed grants-less: document → AROAEXAMPLEEXAMPLE123 (principal-recreated)"}, false},
		{"deleted user", trusting(`"AIDAEXAMPLEEXAMPLE123"`),
			[]string{"Role trust-changed grants-less: document → AIDAEXAMPLEEXAMPLE123 (principal-recreated)"}, false},
		{"deleted principal after the expected one", trusting(vendor + `,` + id),
			[]string{"Role trust-changed grants-more: document → document"}, false},
		{"deleted principal beside another one", trusting(id + `,"999988887777"`),
			[]string{"Role trust-changed grants-more: document → document"}, false},
		{"another principal in its place", trusting(`"999988887777"`),
			[]string{"Role trust-changed grants-more: document → document"}, false},
		{"deleted principal in another statement",
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":[` + vendor + `]},"Action":"sts:AssumeRole"},` +
				`{"Effect":"Allow","Principal":{"AWS":[` + id + `]},"Action":"sts:AssumeRole"}]}`,
			[]string{"Role trust-changed grants-more: document → document"}, false},
		{"guardrail", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":[` + vendor + `]},"Action":"sts:AssumeRole"},` +
			`{"Effect":"Allow","Principal":{"AWS":"` + guardrailRole + `"},"Action":"sts:AssumeRole"}]}`,
			[]string{"Role trust-changed grants-more: document → document"}, true},
		{"guardrail, and another change",
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"` + guardrailRole + `"},"Action":"sts:AssumeRole"}]}`,
			[]string{"Role trust-changed grants-more: document → document"}, false},
		{"invalid", "{", []string{"Role trust-changed changed: document → document (document-invalid)"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, r, live := roleModel()
			m.guardrails = guardrails{arns: []string{guardrailRole}}
			live.trust = tc.trust
			got := live.compareTrust(m, r, m.roles[r])
			checkDrafts(t, got, tc.want...)
			if len(got) == 1 && (got[0].Acceptance != nil) != tc.accepted {
				t.Errorf("accepted: %+v", got[0].Acceptance)
			}
		})
	}
	t.Run("external id in a template", func(t *testing.T) {
		m, r, live := roleModel()
		requiring := func(id string) string {
			return strings.Replace(vendorTrust, `}]`, `,"Condition":{"StringEquals":{"sts:ExternalId":"`+id+`"}}}]`, 1)
		}
		expected := expectedRole{trust: parseDocument(requiring(externalIDPlaceholder))}
		live.trust = requiring("an-id")
		checkDrafts(t, live.compareTrust(m, r, expected)) // CloudFormation compares the value
		live.declared = true                              // a template that has another value than the parameter
		checkDrafts(t, live.compareTrust(m, r, expected), "Role trust-changed grants-more: document → document")
	})
	t.Run("expected policy that is not known", func(t *testing.T) {
		m, r, live := roleModel()
		live.trust = everyoneTrust
		if got := live.compareTrust(m, r, expectedRole{trust: document{unknown: true}}); got != nil {
			t.Errorf("got %q", describeDrafts(got))
		}
	})
	for name, statements := range map[string]string{"unreadable expected": "{", "unreadable actual": vendorTrust} {
		t.Run(name, func(t *testing.T) {
			id, _ := restoreDeletedPrincipal(parseDocument(statements), document{err: errBroken,
				Document: parseDocument(trusting(`"AROAEXAMPLEEXAMPLE123"`)).Document})
			if id != "" {
				t.Errorf("got %s", id)
			}
		})
	}
}

// TestExternalIDComparison checks that any single external id is that of the stack in the live comparison, but not if
// it is a pattern, or one of several.
func TestExternalIDComparison(t *testing.T) {
	trusting := func(id string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":` +
			`{"StringEquals":{"sts:ExternalId":` + id + `}}}]}`
	}
	expected := parseDocument(trusting(`"` + externalIDPlaceholder + `"`))
	for _, tc := range []struct {
		name, live string
		want       bool
	}{
		{"one", trusting(`"an-id"`), true}, {"twice the same", trusting(`["an-id","an-id"]`), true},
		{"several", trusting(`["an-id","other"]`), false}, {"pattern", trusting(`"*"`), false},
		{"pattern of a character", trusting(`"an-i?"`), false}, {"none", everyoneTrust, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := expected.withExternalID(parseDocument(tc.live))
			if replaced := got.text != expected.text; replaced != tc.want || replaced && !slices.Equal(got.externalIDs(),
				[]string{"an-id"}) {
				t.Errorf("got %s", got.text)
			}
		})
	}
	without := parseDocument(everyoneTrust)
	if got := without.withExternalID(parseDocument(trusting(`"an-id"`))); got.text != without.text {
		t.Errorf("got %s", got.text)
	}
}

// TestExternalIDDiffers checks which differences that CloudFormation reports are another external id.
func TestExternalIDDiffers(t *testing.T) {
	const key = "/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/"
	whole := func(id string) string {
		return `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"a","Condition":` +
			`{"StringEquals":{"sts:ExternalId":"` + id + `"}}}]}`
	}
	for _, tc := range []struct {
		name string
		list []difference
		want bool
	}{
		{"another value", []difference{{key + "sts:ExternalId", "a", "b", "NOT_EQUAL"}}, true},
		{"the same value", []difference{{key + "sts:ExternalId", "a", "a", "NOT_EQUAL"}}, false},
		{"another case of the key", []difference{{key + "sts:ExternalId", "a", "", "REMOVE"},
			{key + "sts:externalid", "", "a", "ADD"}}, false},
		{"removed", []difference{{key + "sts:ExternalId", "a", "", "REMOVE"}}, true},
		{"added", []difference{{key + "sts:ExternalId", "", "a", "ADD"}}, true},
		{"exchanged in whole documents", []difference{{"/AssumeRolePolicyDocument", whole("a"), whole("b"), "NOT_EQUAL"}},
			true},
		{"another statement, and another value", []difference{
			{"/AssumeRolePolicyDocument/Statement/1", "{}", "{}", "NOT_EQUAL"}, {key + "sts:ExternalId", "a", "b", "NOT_EQUAL"},
		}, true},
		{"whole documents in another form", []difference{{"/AssumeRolePolicyDocument", whole("a"), " " + whole("a"),
			"NOT_EQUAL"}}, false},
		{"in another order", []difference{{key + "sts:ExternalId/0", "a", "b", "NOT_EQUAL"},
			{key + "sts:ExternalId/1", "b", "a", "NOT_EQUAL"}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := externalIDDiffers(tc.list); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
