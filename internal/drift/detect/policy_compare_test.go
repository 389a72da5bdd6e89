package detect

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/notify/finding"
)

// TestManagedPolicyComparison checks what is reported of a managed policy. The direction is that of the roles that have
// it, with all their policies.
func TestManagedPolicyComparison(t *testing.T) {
	declared := allowing("ec2:DescribeVolumes")
	for _, tc := range []struct {
		name   string
		change func(m *model, r *resource, live *livePolicy)
		want   []string
	}{
		{"as declared", nil, nil},
		{"more", func(_ *model, _ *resource, live *livePolicy) { live.document = allowing("iam:*") },
			[]string{"Policy policy-changed grants-more: document → v2"}},
		{"more of what the role has", func(_ *model, _ *resource, live *livePolicy) {
			live.document = allowing("ec2:DescribeVolumes", "s3:GetObject")
		}, []string{"Policy policy-changed changed: document → v2 (effective-access-same)"}},
		{"more, and no role has it", func(m *model, _ *resource, live *livePolicy) {
			m.roles = nil
			live.document = allowing("ec2:DescribeVolumes", "s3:GetObject")
		}, []string{"Policy policy-changed grants-more: document → v2"}},
		{"invalid", func(_ *model, _ *resource, live *livePolicy) { live.document = "{" },
			[]string{"Policy policy-changed changed: document → v2 (document-invalid)"}},
		{"expected is invalid", func(m *model, r *resource, _ *livePolicy) {
			m.policies[r.physicalID] = parseDocument("{")
		}, []string{"Policy policy-changed changed: document → v2 (document-invalid)"}},
		{"expected is not known", func(m *model, r *resource, live *livePolicy) {
			m.policies[r.physicalID] = parseDocument(unknown)
			live.document = allowing("iam:*")
		}, nil},
		{"not readable", func(_ *model, _ *resource, live *livePolicy) {
			live.document = ""
			live.errs.add(errDenied, "", "PolicyDocument")
		}, []string{"Policy not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"entities not readable", func(_ *model, _ *resource, live *livePolicy) {
			live.document = allowing("iam:*")
			live.errs.add(errDenied, "", "Roles")
		}, []string{"Policy not-readable [iam:GetRole] unreadable (access-denied)",
			"Policy policy-changed grants-more: document → v2"}},
		{"deleted", func(_ *model, _ *resource, live *livePolicy) { live.missing = true },
			[]string{"Policy resource-deleted grants-less: document → none"}},
		{"deleted, expected is invalid", func(m *model, r *resource, live *livePolicy) {
			live.missing, m.policies[r.physicalID] = true, parseDocument("{")
		}, []string{"Policy resource-deleted grants-less: document → none"}},
		{"deleted, expected is not known", func(m *model, r *resource, live *livePolicy) {
			live.missing, m.policies[r.physicalID] = true, parseDocument(unknown)
		}, []string{"Policy resource-deleted grants-less: document → none"}},
		{"deleted, and the roles have the same otherwise", func(m *model, r *resource, live *livePolicy) {
			live.missing, m.policies[r.physicalID] = true, parseDocument(allowing("s3:GetObject"))
		}, []string{"Policy resource-deleted changed: document → none (effective-access-same)"}},
		{"attached elsewhere", func(_ *model, _ *resource, live *livePolicy) {
			live.entities = []livestate.Entity{{Kind: "role", Name: "role"}, {Kind: "user", Name: "role"},
				{Kind: "role", Name: "theirs"}, {Kind: "group", Name: "g"}}
		}, []string{"Policy policy-attached-elsewhere [group g] grants-more: none → group g",
			"Policy policy-attached-elsewhere [role theirs] grants-more: none → role theirs",
			"Policy policy-attached-elsewhere [user role] grants-more: none → user role"}},
		{"staged versions", func(_ *model, _ *resource, live *livePolicy) {
			live.staged = map[string]string{"v3": allowing("iam:*"), "v4": declared}
		}, []string{"Policy policy-version-added [v3] grants-more: document → document"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, _, _ := roleModel()
			r := m.find(typeManagedPolicy, declaredPolicy)
			live := &livePolicy{document: declared, version: "v2"}
			r.live = live
			if tc.change != nil {
				tc.change(m, r, live)
			}
			got := live.compare(m, r)
			checkDrafts(t, got, tc.want...)
			for _, d := range got {
				if d.Kind == finding.ResourceDeleted && !slices.Equal(d.Roles, []string{"role"}) ||
					d.Kind == finding.PolicyChanged && len(d.roles) != len(m.holders(declaredPolicy)) {
					t.Errorf("got the roles %q, %v", d.Roles, d.roles)
				}
			}
		})
	}
}

// TestStagedVersions checks which versions of a policy are read: those that are newer than the default version, or than
// the stack's last change of the policy.
func TestStagedVersions(t *testing.T) {
	version := func(id string, after time.Duration) iamtypes.PolicyVersion {
		return iamtypes.PolicyVersion{VersionId: &id, CreateDate: aws.Time(unitNow.Add(after))}
	}
	for _, tc := range []struct {
		name    string
		updated time.Time
		list    []iamtypes.PolicyVersion
		err     map[string]error
		want    []string
		errors  int
	}{
		{"older", unitNow, []iamtypes.PolicyVersion{version("v1", -time.Hour)}, nil, nil, 0},
		{"older, made with the stack's change", unitNow, []iamtypes.PolicyVersion{version("v1", 0)}, nil, nil, 0},
		{"older number, made later", unitNow, []iamtypes.PolicyVersion{version("v1", time.Second)}, nil, []string{"v1"}, 0},
		{"made later, the stack's time is not known", time.Time{}, []iamtypes.PolicyVersion{version("v1", time.Hour)}, nil,
			nil, 0},
		{"newer", unitNow, []iamtypes.PolicyVersion{version("v1", -time.Hour), version("v10", -time.Minute)}, nil,
			[]string{"v10"}, 0},
		{"the default when the policy was read", unitNow, []iamtypes.PolicyVersion{version("v2", -time.Hour)}, nil,
			[]string{"v2"}, 0},
		{"not listed", unitNow, nil, map[string]error{"ListPolicyVersions": errDenied}, nil, 1},
		{"deleted meanwhile", unitNow, nil, map[string]error{"ListPolicyVersions": errMissing}, nil, 0},
		{"version deleted meanwhile", unitNow, []iamtypes.PolicyVersion{version("v9", 0), version("v10", 0)},
			map[string]error{"GetPolicyVersion v9": errMissing}, []string{"v10"}, 0},
		{"version that cannot be read", unitNow, []iamtypes.PolicyVersion{version("v9", 0), version("v10", 0)},
			map[string]error{"GetPolicyVersion v9": errDenied}, []string{"v10"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := unitStack("access").add(typeManagedPolicy, "Policy", unitPolicy, `{}`)
			r.updated = tc.updated
			c := unitCheck(nil, &unitIAM{versions: tc.list, err: tc.err, policies: map[string]string{unitPolicy: "{}"}})
			live := &livePolicy{version: "v2"}
			live.readStaged(t.Context(), c.reader, r)
			if !slices.Equal(sorted(live.staged), tc.want) || len(live.errs) != tc.errors {
				t.Errorf("got the versions %q and the errors %v", sorted(live.staged), live.errs)
			}
		})
	}
}

// TestReadPolicy checks how a policy is read that does not exist or cannot be read, and to what it is attached.
func TestReadPolicy(t *testing.T) {
	for _, tc := range []struct {
		name     string
		policies map[string]string
		err      map[string]error
		parent   bool
		missing  bool
		errors   int
		entities int
	}{
		{"policy", map[string]string{unitPolicy: "{}"}, nil, true, false, 0, 1},
		{"not of an installation", map[string]string{unitPolicy: "{}"}, nil, false, false, 0, 0},
		{"missing", nil, nil, true, true, 0, 0},
		{"denied", map[string]string{unitPolicy: "{}"}, map[string]error{"GetPolicy": errDenied}, true, false, 1, 1},
		{"entities denied", map[string]string{unitPolicy: "{}"}, map[string]error{"ListEntitiesForPolicy": errDenied}, true,
			false, 1, 1},
		{"deleted meanwhile", map[string]string{unitPolicy: "{}"}, map[string]error{"ListEntitiesForPolicy": errMissing},
			true, false, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			r := s.add(typeManagedPolicy, "Policy", unitPolicy, `{}`)
			m := unitModel(s)
			if !tc.parent {
				m.installation = nil
			}
			c := unitCheck(nil, &unitIAM{policies: tc.policies, err: tc.err, entities: iam.ListEntitiesForPolicyOutput{
				PolicyUsers: []iamtypes.PolicyUser{{UserName: aws.String("u")}},
			}})
			state, errs := iamManagedPolicy.read(t.Context(), c.reader, m, r)
			live := state.(*livePolicy)
			if live.missing != tc.missing || live.deleted() != tc.missing || len(errs) != tc.errors {
				t.Errorf("got %+v, %v", live, errs)
			}
			if tc.err == nil && len(live.entities) != tc.entities {
				t.Errorf("got the entities %+v", live.entities)
			}
		})
	}
}

// TestEffectivePolicies checks that what cannot be parsed or evaluated is no policy.
func TestEffectivePolicies(t *testing.T) {
	m, r, _ := roleModel()
	valid := parseDocument(allowing("s3:*"))
	for _, tc := range []struct {
		name    string
		without string
		with    document
		want    int
	}{
		{"one more", "", valid, 4}, {"without an inline policy", "inline", valid, 3},
		{"without a managed policy", declaredPolicy, valid, 3}, {"nothing", "", document{}, 3},
		{"invalid", "", document{text: "x", err: errBroken}, 3}, {"not known", "", document{text: "x", unknown: true}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := m.effectivePolicies(m.roles[r], tc.without, tc.with); len(got) != tc.want {
				t.Errorf("got %d policies, want %d", len(got), tc.want)
			}
		})
	}
}

// TestPolicyARN checks the physical id of a managed policy.
func TestPolicyARN(t *testing.T) {
	v := &resolver{stack: unitStack("access")}
	for properties, want := range map[string]string{
		`{"ManagedPolicyName":"P","Path":"/p/"}`: "arn:aws:iam::123456789012:policy/p/P",
		`{"ManagedPolicyName":"P"}`:              "arn:aws:iam::123456789012:policy/P",
		`{}`:                                     "",
	} {
		if got := iamManagedPolicy.physicalID(v, jsonObject(properties)); got != want {
			t.Errorf("%s: got %s, want %s", properties, got, want)
		}
	}
}

// TestInstanceProfileComparison checks what is reported of an instance profile.
func TestInstanceProfileComparison(t *testing.T) {
	for _, tc := range []struct {
		name    string
		live    liveInstanceProfile
		roles   string
		deleted bool // the declared role
		want    []string
	}{
		{"as declared", liveInstanceProfile{roles: []string{"role"}}, `["role"]`, false, nil},
		{"deleted", liveInstanceProfile{missing: true}, `["role"]`, false,
			[]string{"Profile resource-deleted grants-less: - → none"}},
		{"without its role", liveInstanceProfile{}, `["role"]`, false,
			[]string{"Profile instance-profile-changed grants-less: role → none"}},
		{"without a role that was deleted", liveInstanceProfile{}, `["role"]`, true, nil},
		{"with another role", liveInstanceProfile{roles: []string{"theirs"}}, `["role"]`, false,
			[]string{"Profile instance-profile-changed grants-more: role → theirs"}},
		{"with another role, its own was deleted", liveInstanceProfile{roles: []string{"theirs"}}, `["role"]`, true,
			[]string{"Profile instance-profile-changed grants-more: role → theirs"}},
		{"not readable", liveInstanceProfile{errs: readErrors{{properties: []string{"Roles"}, err: errDenied}}}, `["role"]`,
			false, []string{"Profile not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"expected role is not known", liveInstanceProfile{roles: []string{"r"}}, `["\u0000unknown"]`, false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			s.add(typeRole, "Role", "role", `{}`).live = &liveRole{missing: tc.deleted}
			r := s.add("AWS::IAM::InstanceProfile", "Profile", "profile", `{"Roles":`+tc.roles+`}`)
			checkDrafts(t, tc.live.compare(unitModel(s), r), tc.want...)
		})
	}
	for name, tc := range map[string]struct {
		err     error
		missing bool
		errors  int
	}{"exists": {nil, false, 0}, "missing": {errMissing, true, 0}, "denied": {errDenied, false, 1}} {
		t.Run("read "+name, func(t *testing.T) {
			c := unitCheck(nil, &unitIAM{err: map[string]error{"GetInstanceProfile": tc.err}})
			got := c.readInstanceProfile(t.Context(), "profile")
			if got.missing != tc.missing || len(got.errs) != tc.errors || (tc.err == nil) != slices.Equal(got.roles,
				[]string{"r"}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestReadRole checks what is read of a role, and which documents.
func TestReadRole(t *testing.T) {
	role := iamtypes.Role{
		RoleName: aws.String("role"), Arn: aws.String("arn"), RoleId: aws.String("AROA"), Path: aws.String("/p/"),
		CreateDate: &unitNow, AssumeRolePolicyDocument: aws.String("{}"), MaxSessionDuration: aws.Int32(7200),
		PermissionsBoundary: &iamtypes.AttachedPermissionsBoundary{PermissionsBoundaryArn: aws.String(boundaryARN)},
	}
	for _, tc := range []struct {
		name      string
		change    func(m *model, r *resource, api *unitIAM)
		documents []string
		unread    []string
		errors    []string // properties, all that occurred
		check     func(live *liveRole) bool
	}{
		{"as declared", nil, nil, nil, nil, func(live *liveRole) bool {
			return live.path == "/p/" && live.trust == "{}" && live.maxSession == 7200 && live.boundary == boundaryARN &&
				live.created.Equal(unitNow) && len(live.inline) == 1 && live.profiles[0] == "profile"
		}},
		{"missing", func(_ *model, _ *resource, api *unitIAM) { api.roles = nil }, nil, nil, nil,
			func(live *liveRole) bool { return live.missing && live.deleted() && live.inline["inline"] == "" }},
		{"denied", func(_ *model, _ *resource, api *unitIAM) { api.err["GetRole"] = errDenied }, nil, nil,
			[]string{trustProperty}, func(live *liveRole) bool { return !live.missing && len(live.inline) == 1 }},
		{"not of an installation", func(m *model, _ *resource, _ *unitIAM) { m.installation = nil }, nil, nil, nil,
			func(live *liveRole) bool { return live.profiles == nil }},
		{"profiles denied", func(_ *model, _ *resource, api *unitIAM) { api.err["ListInstanceProfilesForRole"] = errDenied },
			nil, nil, []string{"InstanceProfiles"}, nil},
		{"deleted before its profiles were read", func(_ *model, _ *resource, api *unitIAM) {
			api.err["ListInstanceProfilesForRole"] = errMissing
		}, nil, nil, nil, nil},
		{"foreign policy", func(_ *model, _ *resource, api *unitIAM) { api.attached = append(api.attached, foreignPolicy) },
			[]string{foreignPolicy}, nil, nil, nil},
		{"foreign policy denied", func(_ *model, _ *resource, api *unitIAM) {
			api.attached = append(api.attached, foreignPolicy)
			api.err["GetPolicy "+foreignPolicy] = errDenied
		}, nil, []string{foreignPolicy}, []string{"PolicyDocument"}, func(live *liveRole) bool { return live.errs == nil }},
		{"another boundary", func(m *model, r *resource, _ *unitIAM) {
			expected := m.roles[r]
			expected.boundary = declaredPolicy
			m.roles[r] = expected
		}, []string{boundaryARN, declaredPolicy}, nil, nil, nil},
		{"a boundary that is not expected", func(m *model, r *resource, _ *unitIAM) {
			expected := m.roles[r]
			expected.boundary = ""
			m.roles[r] = expected
		}, []string{boundaryARN}, nil, nil, nil},
		{"a boundary that is not known", func(m *model, r *resource, _ *unitIAM) {
			expected := m.roles[r]
			expected.boundary = unknown
			m.roles[r] = expected
		}, []string{boundaryARN}, nil, nil, nil},
		{"no boundary where one is expected", func(_ *model, _ *resource, api *unitIAM) {
			api.roles[0].PermissionsBoundary = nil
		}, []string{boundaryARN}, nil, nil, nil},
		{"inline policies not listed", func(_ *model, _ *resource, api *unitIAM) {
			api.err["ListRolePolicies"] = errDenied
		}, nil, nil, []string{"Policies"}, func(live *liveRole) bool { return len(live.inline) == 0 }},
		{"inline policy removed meanwhile", func(_ *model, _ *resource, api *unitIAM) {
			api.inline["a"] = "{}"
			api.err["GetRolePolicy a"] = errMissing
		}, nil, nil, nil, func(live *liveRole) bool { return slices.Equal(sorted(live.inline), []string{"inline"}) }},
		{"inline policy denied", func(_ *model, _ *resource, api *unitIAM) {
			api.err["GetRolePolicy inline"] = errDenied
		}, nil, nil, []string{"Policies"}, func(live *liveRole) bool {
			text, ok := live.inline["inline"]
			return ok && text == "" && live.errs[0].policy == "inline"
		}},
		{"attachments not listed", func(_ *model, _ *resource, api *unitIAM) {
			api.err["ListAttachedRolePolicies"] = errDenied
		}, nil, nil, []string{"ManagedPolicyArns"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, r, _ := roleModel()
			api := &unitIAM{
				err: map[string]error{}, roles: []iamtypes.Role{role}, inline: map[string]string{"inline": "{}"},
				attached: []string{declaredPolicy}, profiles: []string{"profile"},
				policies: map[string]string{foreignPolicy: "{}", boundaryARN: "{}", declaredPolicy: "{}", "": "{}", unknown: "{}"},
			}
			if tc.change != nil {
				tc.change(m, r, api)
			}
			state, errs := readRole(t.Context(), unitCheck(nil, api).reader, m, r)
			live := state.(*liveRole)
			var properties []string
			for _, e := range errs {
				properties = append(properties, e.properties[0])
			}
			if !slices.Equal(sorted(live.documents), tc.documents) || !slices.Equal(sorted(live.unreadDocuments), tc.unread) ||
				!slices.Equal(properties, tc.errors) || tc.check != nil && !tc.check(live) {
				t.Errorf("got %+v with the errors %q", live, properties)
			}
		})
	}
}

// TestReadErrors checks what is known of a property that could not be read, or of which a policy could not.
func TestReadErrors(t *testing.T) {
	var errs readErrors
	errs.add(errDenied, "inline", "Policies")
	errs.add(context.DeadlineExceeded, "", "Tags", "Path")
	for _, tc := range []struct {
		property        string
		unknown, affect bool
	}{{"Policies", false, true}, {"Tags", true, true}, {"Path", true, true}, {"Other", false, false}} {
		t.Run(tc.property, func(t *testing.T) {
			if errs.unknown(tc.property) != tc.unknown || errs.affect(tc.property) != tc.affect {
				t.Errorf("unknown %v, affected %v", errs.unknown(tc.property), errs.affect(tc.property))
			}
		})
	}
	r := unitStack("access").add(typeRole, "Role", "role", `{}`)
	checkDrafts(t, r.readErrorDrafts(readErrors{errs[1], errs[0]}), // not what the end of the time left out
		"Role not-readable [iam:GetRole] unreadable (access-denied)")
	if !errs.timedOut() || errs[:1].timedOut() {
		t.Error("timedOut is wrong")
	}
}

// TestCache checks that a value is read once, for each key.
func TestCache(t *testing.T) {
	var c cache[string]
	reads := 0
	read := func() string { reads++; return fmt.Sprint("value ", reads) }
	if a, b, other := c.get("k", read), c.get("k", read), c.get("l", read); a != "value 1" || b != a ||
		other != "value 2" {
		t.Errorf("got %q, %q, %q", a, b, other)
	}
}
