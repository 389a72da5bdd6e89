package permstack_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack/internal/awsapi/livestate"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

// catalogueUpgrade is a stack with everything of a profile, which is updated to
// other releases of the catalogue.
type catalogueUpgrade struct {
	*fakeawstest.Stack
	t           *testing.T
	live        *livestate.Reader
	environment policies.Environment
}

// TestCatalogueUpgrade updates a stack with everything of a profile from release 1
// of the catalogue to release 2 and back: each time IAM, SNS and EventBridge have
// exactly what the release grants, and the drift check finds no difference.
func TestCatalogueUpgrade(t *testing.T) {
	policytest.RequireSlow(t, "it launches stacks of two releases")
	t.Parallel()
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	const support = "arn:aws:iam::111122223333:role/Support"
	for i, tc := range []struct {
		profile     string
		parameters  map[string]string // beside everythingIn
		environment policies.Environment
	}{
		{
			"clumio",
			map[string]string{"Operations": "", "SupportControlPlaneRoleArn": support},
			policies.Environment{
				ControlPlaneRoleARN: fakeawstest.ControlPlaneARN, SupportControlPlaneRoleARN: support,
				DataPlaneAccountID: fakeawstest.DataPlaneID, ExternalID: fakeawstest.ExternalID,
			},
		},
		{"cpm", cpmLaunch(nil), policies.Environment{}},
	} {
		t.Run(tc.profile, func(t *testing.T) {
			id := []string{"700000000001", "700000000002"}[i]
			s := catalogueUpgrade{t: t, live: livestate.NewReader(aws.Config(id, region)), environment: tc.environment}
			s.environment.Partition, s.environment.Account, s.environment.Region = "aws", id, region
			for _, release := range []string{"1", "2", "1"} {
				sel, values := everythingIn(t, tc.profile, release)
				values = merged(tc.parameters, values)
				if s.Stack == nil {
					s.Stack = aws.For(t).In(id, region).Launch(fakeawstest.Launch{Parameters: values})
					parent, err := installation.ParseParent(*s.Describe().StackId)
					if err != nil {
						t.Fatal(err)
					}
					s.environment.StackNames, s.environment.InstallationID = parent.StackNames(), parent.ShortID()
				} else {
					s.Update(values)
				}
				if got := s.Outputs["CatalogVersion"]; got != release {
					t.Errorf("output CatalogVersion: got %q, want %q", got, release)
				}
				s.requireGranted(sel)
				if result := s.CheckDrift(); result.Status != "in-sync" {
					t.Errorf("release %s: got drift check %+v, want in-sync", release, result)
				}
			}
			s.Delete()
			s.RequireEmpty()
		})
	}
}

// everythingIn returns the selection of every asset and option of a profile in a
// release of the catalogue, and the parameters of template.yaml that select it.
func everythingIn(t *testing.T, name, release string) (policies.Selection, map[string]string) {
	t.Helper()
	profile, _ := policies.Profile(name)
	sel := policies.Selection{Profile: name, CatalogVersion: release}
	values := map[string]string{"CatalogVersion": release}
	ask := questions(t)
	for _, a := range profile.Assets {
		if policies.InRelease(a.In, release) {
			sel.Assets = append(sel.Assets, a.Asset)
			values[ask[a.Asset]] = "yes"
		}
	}
	var others []string // options without a parameter of their own
	for _, o := range profile.Options {
		if !policies.InRelease(o.In, release) {
			continue
		}
		sel.Options = append(sel.Options, o.Option)
		switch o.Option {
		case "support-role":
			values["SupportRole"] = "yes"
		case "aws-backup-inventory":
			values["AWSBackupInventory"] = "yes"
		default:
			others = append(others, string(o.Option))
		}
	}
	values["Options"] = strings.Join(others, ",")
	return sel, values
}

// requireGranted requires exactly the roles, policy documents, topics and rules of
// the catalogue. It omits the guard, which depends on the installation and not on
// the release; the drift check compares it.
func (s *catalogueUpgrade) requireGranted(sel policies.Selection) {
	s.t.Helper()
	set, err := policies.Synthesize(sel, s.environment)
	if err != nil {
		s.t.Fatal(err)
	}
	got, want := s.readGranted(), granted(s.t, set)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if text, ok := got[name]; !ok {
			s.t.Errorf("release %s: %s is missing", sel.CatalogVersion, name)
		} else if text != want[name] {
			s.t.Errorf("release %s: %s: got %s, want %s", sel.CatalogVersion, name, text, want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			s.t.Errorf("release %s: %s is not in the catalogue", sel.CatalogVersion, name)
		}
	}
}

// granted returns the policy document, or "", of every resource of a set.
func granted(t *testing.T, set policies.Set) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range set.Roles {
		out["role "+r.Name] = ""
		for _, p := range r.Managed {
			out["managed policy "+p.Name+" of "+r.Name] = documentText(t, p.Document)
		}
		for _, p := range r.Inline {
			if p.Name != policies.GuardPolicy {
				out["inline policy "+p.Name+" of "+r.Name] = documentText(t, p.Document)
			}
		}
	}
	for _, topic := range set.Topics {
		out["topic "+topic.Name] = ""
	}
	for _, r := range set.Rules {
		out["rule "+r.Name] = ""
	}
	return out
}

// readGranted returns the same as granted, of what exists in the account.
func (s *catalogueUpgrade) readGranted() map[string]string {
	s.t.Helper()
	ctx, out := s.t.Context(), map[string]string{}
	roles, err := s.live.Roles(ctx, s.environment.RolePath())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range roles {
		if name.Path != s.environment.RolePath() {
			continue // a role of the parent stack
		}
		role, err := s.live.ReadRole(ctx, name.Name)
		if err != nil {
			s.t.Fatal(err)
		}
		out["role "+name.Name] = ""
		for _, attached := range role.Attached {
			p, err := s.live.ReadPolicy(ctx, attached.ARN)
			if err != nil {
				s.t.Fatal(err)
			}
			out["managed policy "+p.Name+" of "+name.Name] = documentText(s.t, p.Document)
		}
		for _, p := range role.Inline {
			if p.Name != policies.GuardPolicy {
				out["inline policy "+p.Name+" of "+name.Name] = documentText(s.t, p.Document)
			}
		}
	}
	topics, err := s.live.Topics(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	rules, err := s.live.Rules(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	note := func(kind, name string) {
		if !strings.HasPrefix(name, s.Name+"-") && !strings.HasPrefix(name, "permstack-") { // of the parent stack
			out[kind+" "+name] = ""
		}
	}
	for _, topic := range topics {
		note("topic", topic.Name)
	}
	for _, r := range rules {
		note("rule", r.Name)
	}
	return out
}

// documentText returns a policy document as JSON.
func documentText(t *testing.T, d iampolicy.Document) string {
	t.Helper()
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
