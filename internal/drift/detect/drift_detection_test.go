package detect

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/notify/finding"
)

// TestDetect checks what is taken from CloudFormation's drift detection, and that a read handler that was throttled is
// asked again.
func TestDetect(t *testing.T) {
	s := unitStack("backup")
	r := s.add(typeRole, "Role", "r", `{}`)
	for _, tc := range []struct {
		name   string
		status types.StackResourceDriftStatus
		reason string
		err    error
		calls  bool // more than one
		failed bool
	}{
		{"modified", types.StackResourceDriftStatusModified, "", nil, false, false},
		{"in sync", types.StackResourceDriftStatusInSync, "Rate exceeded", nil, false, false},
		{"unknown", "UNKNOWN", "no permission", nil, false, false},
		{"throttled handler", "UNKNOWN", "Rate exceeded", nil, true, true},
		{"throttled handler, in other words", "UNKNOWN", "Throttling: x", nil, true, true},
		{"failed", "", "", apiError("CloudFormation", "DetectStackResourceDrift", "ValidationError", "x"), false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api := &unitCloudFormation{
				err: map[string]error{"DetectStackResourceDrift": tc.err},
				drift: &types.StackResourceDrift{
					StackResourceDriftStatus: tc.status, DriftStatusReason: &tc.reason,
					PropertyDifferences: []types.PropertyDifference{{
						PropertyPath: aws.String("/Path"), ExpectedValue: aws.String("e"), ActualValue: aws.String("a"),
						DifferenceType: types.DifferenceTypeNotEqual,
					}},
				},
			}
			d := unitCheck(api, nil).detect(t.Context(), r)
			if (d.err != nil) != tc.failed || (len(api.calls) > 1) != tc.calls {
				t.Fatalf("got %+v after %d calls", d, len(api.calls))
			}
			if want := (difference{"/Path", "e", "a", "NOT_EQUAL"}); !tc.failed && (d.status != tc.status ||
				d.reason != tc.reason || !slices.Equal(d.differences, []difference{want})) {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// TestDifferenceProperty checks the property of a JSON pointer (RFC 6901).
func TestDifferenceProperty(t *testing.T) {
	for path, want := range map[string]string{
		"/Tags/0/Value": "Tags", "/Path": "Path", "/a~1b~0c/d": "a/b~c", "": "",
	} {
		if got := (difference{path: path}).property(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// TestMerge checks which differences that CloudFormation reports are findings: those that the live comparison did not
// compare by meaning.
func TestMerge(t *testing.T) {
	const trusted = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":` +
		`{"StringEquals":{"sts:ExternalId":"`
	idPath := "/" + trustProperty + "/Statement/0/Condition/StringEquals/sts:ExternalId"
	modified := func(list ...difference) *detection { return &detection{status: "MODIFIED", differences: list} }
	for _, tc := range []struct {
		name      string
		typ       string
		detection *detection
		live      []finding.Finding // of the live comparison
		change    func(r *resource)
		want      []string
	}{
		{"not asked", typeRole, nil, nil, nil, nil},
		{"in sync", typeRole, &detection{status: "IN_SYNC", differences: []difference{{path: "/Other"}}}, nil, nil, nil},
		{"another property", typeRole, modified(difference{"/Other", "e", "a", "NOT_EQUAL"}), nil, nil,
			[]string{"R property-changed [Other] changed"}},
		{"property that was compared live", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}), nil, nil, nil},
		{"property that could not be read", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}), nil,
			func(r *resource) {
				r.live = &liveRole{errs: readErrors{{properties: []string{"Path"}, err: errDenied}}}
			},
			[]string{"R property-changed [Path] changed"}},
		{"property whose expected value is not known", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}), nil,
			func(r *resource) { r.props = map[string]any{"Path": unknown} }, []string{"R property-changed [Path] changed"}},
		{"resource that was not read live", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}), nil,
			func(r *resource) { r.live = nil }, []string{"R property-changed [Path] changed"}},
		{"resource that was not read completely", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}), nil,
			func(r *resource) { r.liveDone = false }, []string{"R property-changed [Path] changed"}},
		{"descriptions", typeRole, modified(difference{"/Description", "e", "a", "NOT_EQUAL"},
			difference{"/AlarmDescription", "e", "a", "NOT_EQUAL"}), nil, nil, nil},
		{"tags of others", "AWS::Logs::LogGroup", modified(difference{"/Tags/1", "", "a", "ADD"}), nil, nil, nil},
		{"tags", "AWS::Logs::LogGroup", modified(difference{"/Tags/1", "", "a", "ADD"},
			difference{"/Tags/0", "e", "", "REMOVE"}), nil, nil, []string{"R property-changed [Tags] changed"}},
		{"seen by both", typeRole, modified(difference{"/Path", "e", "a", "NOT_EQUAL"}),
			[]finding.Finding{{LogicalID: "R", Kind: finding.PropertyChanged, Property: "Path", Direction: finding.Changed,
				SeenBy: []finding.Source{finding.Live}}}, nil, []string{"R property-changed changed"}},
		{"seen by one, not readable by the other", typeRole, modified(difference{"/Other", "e", "a", "NOT_EQUAL"}),
			[]finding.Finding{{LogicalID: "R", Kind: finding.NotReadable, Property: "Other", Direction: finding.Unreadable}},
			nil, []string{"R not-readable unreadable", "R property-changed [Other] changed"}},
		{"external id", typeRole, modified(difference{idPath, "x", "y", "NOT_EQUAL"}), nil, nil,
			[]string{"R trust-changed grants-more"}},
		{"external id, beside a finding of the trust policy", typeRole, modified(difference{idPath, "x", "y", "NOT_EQUAL"}),
			[]finding.Finding{{LogicalID: "R", Kind: finding.TrustChanged, Property: trustProperty,
				Direction: finding.GrantsMore}}, nil, []string{"R trust-changed grants-more"}},
		{"trust policy in another form", typeRole, modified(difference{"/" + trustProperty, trusted + `x"}}}]}`,
			trusted + `x"}}}]}`, "NOT_EQUAL"}), nil, nil, nil},
		{"several", typeRole, modified(difference{idPath, "x", "y", "NOT_EQUAL"},
			difference{"/Description", "e", "a", "NOT_EQUAL"}, difference{"/Other", "e", "a", "NOT_EQUAL"},
			difference{"/Path", "e", "a", "NOT_EQUAL"}, difference{"/Tags/1", "", "a", "ADD"},
			difference{"/Zone", "e", "a", "NOT_EQUAL"}), nil,
			func(r *resource) {
				r.live = &liveRole{errs: readErrors{{properties: []string{"Tags"}, err: errDenied}}}
			},
			[]string{"R property-changed [Other] changed", "R property-changed [Zone] changed", "R trust-changed grants-more"}},
		{"denied", typeRole, &detection{err: errDenied}, nil, nil,
			[]string{"R not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"after the deadline", typeRole, &detection{err: context.DeadlineExceeded}, nil, nil, nil},
		{"type without drift detection", typeRole, &detection{err: apiError("CloudFormation", "D", "ValidationError",
			"Resource type AWS::X::Y is not supported for drift detection")}, nil, nil, nil},
		{"stack in progress", typeRole, &detection{err: apiError("CloudFormation", "D", "ValidationError",
			"Drift detection cannot be performed on stack [x] while it is in the following state(s)")}, nil, nil, nil},
		{"resource that left the stack", typeRole, &detection{err: apiError("CloudFormation", "D", "ValidationError",
			"Resource R does not exist for stack backup")}, nil, nil, nil},
		{"read handler without a permission", typeRole, &detection{status: "UNKNOWN",
			reason: "User: u is not authorized to perform: iam:ListRolePolicies on resource: r"}, nil, nil,
			[]string{"R not-readable [iam:ListRolePolicies] unreadable (access-denied)"}},
		{"read handler that failed", typeRole, &detection{status: "UNKNOWN", reason: "internal"}, nil, nil,
			[]string{"R not-readable [cloudformation:DetectStackResourceDrift] unreadable (read-failed)"}},
		{"deleted", typeRole, &detection{status: "DELETED"}, nil, nil, []string{"R resource-deleted grants-less: - → none"}},
		{"deleted, of a type that grants no access", "AWS::Logs::LogGroup", &detection{status: "DELETED"}, nil, nil,
			[]string{"R resource-deleted changed: - → none"}},
		{"deleted, as the live comparison found", typeRole, &detection{status: "DELETED"},
			[]finding.Finding{{LogicalID: "R", Kind: finding.ResourceDeleted, Direction: finding.GrantsLess}}, nil,
			[]string{"R resource-deleted grants-less"}},
		{"inline policy, as the live comparison found", "AWS::IAM::RolePolicy", &detection{status: "DELETED"},
			[]finding.Finding{{LogicalID: "R", Kind: finding.InlinePolicyRemoved, Direction: finding.GrantsLess}}, nil,
			[]string{"R inline-policy-removed grants-less"}},
		{"deleted, beside another finding without a kind", typeRole, &detection{status: "DELETED"},
			[]finding.Finding{{LogicalID: "R", Direction: finding.Changed}}, nil,
			[]string{"R  changed", "R resource-deleted grants-less: - → none"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := unitStack("backup").add(tc.typ, "R", "r", `{}`)
			r.live, r.detection = &liveRole{}, tc.detection
			if tc.change != nil {
				tc.change(r)
			}
			var live []draft
			for _, f := range tc.live {
				live = append(live, draft{Finding: f})
			}
			got := r.merge(live)
			checkDrafts(t, got, tc.want...)
			byBoth := tc.detection != nil && len(tc.live) == len(got) && len(got) == 1
			if byBoth && !slices.Contains(got[0].SeenBy, finding.CloudFormation) {
				t.Errorf("seen by %q", got[0].SeenBy)
			}
		})
	}
}

// TestPropertyDraft checks what a finding of CloudFormation shows: no confidential values, whose change alters its hash
// nevertheless.
func TestPropertyDraft(t *testing.T) {
	r := unitStack("backup").add("AWS::Lambda::Function", "F", "f", `{}`)
	d := r.propertyDraft("Environment", []difference{
		{"/Environment/Variables/B", "b", "c", "NOT_EQUAL"}, {"/Environment/Variables/A", "d", "e", "NOT_EQUAL"},
	})
	want := []finding.Difference{
		{Path: "/Environment/Variables/A", Expected: "****", Actual: "****"},
		{Path: "/Environment/Variables/B", Expected: "****", Actual: "****"},
	}
	if !slices.Equal(d.Differences, want) || len(d.values) != 4 || !slices.Contains(d.values, digest("b", "c")) {
		t.Errorf("got %+v with %q", d.Differences, d.values)
	}
	d = r.propertyDraft(trustProperty, []difference{{"/" + trustProperty, "b", "c", "NOT_EQUAL"}})
	if !slices.Equal(d.values, []string{"/" + trustProperty, "b", "c"}) || d.Differences[0].Actual != "c" {
		t.Errorf("got %+v with %q", d.Differences, d.values)
	}
	for path, want := range map[string]bool{
		"/Environment/Variables/A": true, "/MasterSecret": true, "/Password": true, "/ExternalId": true,
		"/EventSourceToken": true, "/Role": false,
	} {
		if got := confidential(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}
