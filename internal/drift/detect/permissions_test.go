package detect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/drift/detect"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/notify/wording"
)

func scope(t testing.TB, parent string) permissionScope {
	t.Helper()
	if _, err := installation.ParseParent(parent); err != nil {
		t.Fatal(err)
	}
	return permissionScope{
		Partition: "aws", Account: account, Region: region, StackName: parentName,
		StackUUID: parent[strings.LastIndexByte(parent, '/')+1:], RolePath: "/permstack/", Prefix: "Clumio",
	}
}

// checkerRole creates the role of the drift check.
func (w *environment) checkerRole() string {
	w.t.Helper()
	out := must(w.IAM.CreateRole(w.t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String(
			"checker",
		),
		AssumeRolePolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
				"\"Action\":\"sts:AssumeRole\"}]}",
		),
	}))
	return *out.Role.Arn
}

func (w *environment) give(permissions []permission) {
	w.t.Helper()
	document, err := policyDocument(permissions...).JSON()
	if err != nil {
		w.t.Fatal(err)
	}
	w.PutInlinePolicy("checker", "checker", string(document))
}

// required returns the permissions that the embedded AWS requires.
func required(permissions []permission) []permission {
	return slices.DeleteFunc(slices.Clone(permissions), func(p permission) bool { return p.OnAWS })
}

// TestCheckPermissions checks that Check succeeds with exactly its permissions, and reports each of
// them if it is missing.
func TestCheckPermissions(t *testing.T) {
	w := install(t)
	arn := w.checkerRole()
	w.AttachPolicy(support, admin)
	all := required(checkPermissions(scope(t, w.parent)))
	w.give(all)
	clients := detect.NewClients(w.ConfigAs(account, region, arn))
	clients.ChangeSets, clients.RolePolicies, clients.TopicPolicies = nil, nil, nil
	report, err := detect.Check(t.Context(), clients, w.options())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ClumioSupportRole attachment-added [" + admin + "] grants-more cloudformation+live"}
	if got := summaries(
		report,
	); !slices.Equal(got, want) ||
		strings.Contains(inWords(report.Findings...), "could not be read") {
		t.Fatalf("with every permission: %q", got)
	}
	for i, p := range all {
		sample := policytest.NewStratified(20)
		t.Log(sample)
		for _, action := range p.Action {
			if !sample.Includes(p.Sid, action) {
				continue
			}
			t.Run(action, func(t *testing.T) {
				less := slices.Clone(all)
				less[i].Action = slices.DeleteFunc(slices.Clone(p.Action), func(a string) bool { return a == action })
				if len(less[i].Action) == 0 {
					less = slices.Delete(less, i, i+1)
				}
				w.give(less)
				report, err := detect.Check(t.Context(), clients, w.options())
				if err != nil {
					if action != "cloudformation:DescribeStacks" || !strings.Contains(err.Error(), action) {
						t.Error(err)
					}
					return
				}
				w.checkReport(report)
				missed := slices.ContainsFunc(report.Findings, func(f finding.Finding) bool {
					return f.Kind == finding.NotReadable && f.Direction == finding.Unreadable && f.Permission == action &&
						strings.Contains(wording.Finding(f).Advice, action)
				})
				if !missed {
					t.Errorf("without it: %q", summaries(report))
				}
				if !slices.ContainsFunc(
					report.Findings,
					func(f finding.Finding) bool { return f.Kind == finding.AttachmentAdded },
				) &&
					!slices.Contains(
						[]string{"iam:ListAttachedRolePolicies", "cloudformation:GetTemplate", "cloudformation:ListStackResources"},
						action,
					) {
					t.Errorf("the rest was not checked: %q", summaries(report))
				}
			})
		}
		for _, resource := range p.Resource { // of the foreign policies
			if p.Sid != "ReadPolicies" {
				continue
			}
			if !sample.Includes("foreign", resource) {
				continue
			}
			t.Run(resource, func(t *testing.T) {
				less := slices.Clone(all)
				less[i].Resource = slices.DeleteFunc(slices.Clone(p.Resource), func(r string) bool { return r == resource })
				w.give(less)
				report, err := detect.Check(t.Context(), clients, w.options())
				if err != nil || !strings.Contains(inWords(report.Findings...), "iam:GetPolicy") {
					t.Errorf("without it: %q %v", summaries(report), err)
				}
			})
		}
	}
}

// TestRevertPermissions checks that Revert succeeds with exactly its permissions, and reports each
// of them if it is missing.
func TestRevertPermissions(t *testing.T) {
	run := func(t *testing.T, without string) finding.Reversals {
		w := install(t)
		arn := w.checkerRole()
		all := append(required(checkPermissions(scope(t, w.parent))), required(revertPermissions(scope(t, w.parent)))...)
		for i := range all {
			all[i].Action = slices.DeleteFunc(slices.Clone(all[i].Action), func(a string) bool { return a == without })
		}
		w.give(slices.DeleteFunc(all, func(p permission) bool { return len(p.Action) == 0 }))
		w.tamper()
		clients := detect.NewClients(w.ConfigAs(account, region, arn))
		report, err := detect.Check(t.Context(), clients, w.options())
		if err != nil {
			t.Fatal(err)
		}
		out, err := detect.Revert(t.Context(), clients, report, w.waiting())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, f := range run(t, "").Failed {
		t.Errorf("with every permission: %s: %s", summary(f.Finding), wording.Reversal(f))
	}
	for _, p := range revertPermissions(permissionScope{}) {
		sample := policytest.NewStratified(20)
		t.Log(sample)
		for _, action := range p.Action {
			if action == "cloudformation:DeleteChangeSet" { // only where a change set is given up
				continue
			}
			if !sample.Includes(p.Sid, action) {
				continue
			}
			t.Run(action, func(t *testing.T) {
				out := run(t, action)
				if !slices.ContainsFunc(out.Failed, func(r finding.Reversal) bool { return r.Permission == action }) {
					t.Errorf("without it: %+v", out.Failed)
				}
			})
		}
	}
}
