package finding

import "testing"

// TestCompareChoices checks which change of a choice is announced, and as what. absent is a choice that the list does
// not have, as before the release that introduced it.
func TestCompareChoices(t *testing.T) {
	const absent, silent = "absent", Direction("")
	const role, other = "arn:aws:iam::111122223333:role/vendor", "arn:aws:iam::111122223333:role/other"
	for _, tt := range []struct {
		name, choice, before, after string
		want                        Direction
	}{
		{"role of the vendor exchanged", "ControlPlaneRoleArn", role, other, GrantsMore},
		{"role of the vendor removed", "ControlPlaneRoleArn", role, "", GrantsLess},
		{"role of the vendor added", "SupportControlPlaneRoleArn", absent, role, GrantsMore},
		{"no change", "ControlPlaneRoleArn", role, role, silent},
		{"boundary added", "PermissionsBoundaryArn", "", "arn:b", GrantsLess},
		{"boundary exchanged", "PermissionsBoundaryArn", "arn:a", "arn:b", GrantsMore},
		{"boundary removed", "PermissionsBoundaryArn", "arn:a", "", GrantsMore},
		{"content of the boundary", BoundaryDocument, "v1", "v2", GrantsMore},
		{"content of the boundary, first known", BoundaryDocument, absent, "v2", silent},
		{"content of the boundary, no longer known", BoundaryDocument, "v1", absent, silent},
		{"code of a function", "Provisioner" + CodeSuffix, "hash", "other", GrantsMore},
		{"code of a function, first known", "Provisioner" + CodeSuffix, absent, "hash", silent},
		{"any account to some", "OtherAccountIds", "", "111122223333", GrantsLess},
		{"some accounts to any", "OtherAccountIds", "111122223333", "", GrantsMore},
		{"other accounts", "OtherAccountIds", "111122223333", "444455556666", GrantsMore},
		{"schedule", "DriftSchedule", "rate(1 hour)", "rate(1 day)", Monitoring},
		{"accepted differences", AcceptedChoice, "", "one", Monitoring},
		{"something else", "RetainPolicies", "no", "yes", Changed},
		{"external id, same declaration", ExternalIDChoice, "12:00" + DeclarationSeparator + "a",
			"13:00" + DeclarationSeparator + "a", GrantsMore},
		{"external id, another declaration", ExternalIDChoice, "12:00" + DeclarationSeparator + "a",
			"13:00" + DeclarationSeparator + "b", silent},
		{"external id, no declaration known", ExternalIDChoice, "12:00", "13:00", silent},
		{"subscriber removed", SubscribersChoice, "email:a", "", Monitoring},
		{"last subscriber removed, list left out", SubscribersChoice, "email:a", absent, Monitoring},
		{"subscriber added", SubscribersChoice, "", "email:a", Monitoring},
		{"subscribers first known", SubscribersChoice, absent, "email:a", silent},
		{"stack settings", StackSettingsChoice, NoSetting, "role x", Monitoring},
		{"stack settings first known", StackSettingsChoice, absent, "role x", silent},
		{"stack settings no longer known", StackSettingsChoice, "role x", absent, silent},
		{"stack policy", StackPolicyChoice, "hash", NoSetting, Monitoring},
		{"stack policy first known", StackPolicyChoice, absent, "hash", silent},
		{"direct update", "Access" + DirectUpdateSuffix, NoDirectUpdate, "2026-11-27", GrantsMore},
		{"another direct update", "Access" + DirectUpdateSuffix, "2026-11-26", "2026-11-27", GrantsMore},
		{"direct update first known", "Access" + DirectUpdateSuffix, absent, "2026-11-27", silent},
		{"update by the parent", "Access" + DirectUpdateSuffix, "2026-11-26", NoDirectUpdate, silent},
		{"stack that exists no longer", "Access" + DirectUpdateSuffix, "2026-11-26", "", silent},
		{"protection switched off", TerminationChoice, TerminationOn, "off", Monitoring},
		{"protection switched on", TerminationChoice, "off", TerminationOn, silent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := func(value string) []Choice {
				// Choices before and after it, which are the same, must not hide it.
				out := []Choice{{Name: "A", Value: "same"}, {Name: "Z", Value: "same"}}
				if value != absent {
					out = append(out, Choice{Name: tt.choice, Value: value})
				}
				return out
			}
			got := CompareChoices("parent", "id", list(tt.before), list(tt.after))
			if tt.want == silent {
				if len(got) > 0 {
					t.Errorf("got %+v, want no finding", got)
				}
				return
			}
			if len(got) != 1 || got[0].Subject != tt.choice || got[0].Direction != tt.want {
				t.Errorf("got %+v, want one finding about %s that is %s", got, tt.choice, tt.want)
			}
		})
	}
}

// TestChoiceHints checks what the detector may say about a change that names and values do not show.
func TestChoiceHints(t *testing.T) {
	before := []Choice{{Name: "Template", Value: "a"}, {Name: "OnDrift", Value: "alert"}}
	after := []Choice{
		{Name: "Template", Value: "b", Direction: GrantsMore, Changes: []string{"more"}},
		{Name: "OnDrift", Value: "revert", Explained: true},
	}
	got := CompareChoices("parent", "id", before, after)
	if len(got) != 1 || got[0].Direction != GrantsMore || len(got[0].Changes) != 1 {
		t.Errorf("got %+v, want the change of the template alone, which grants more", got)
	}
}

func TestIsAnnounced(t *testing.T) {
	for name, want := range map[string]bool{
		"PermissionsBoundaryArn": true, "ControlPlaneRoleArn": true, "OtherAccountIds": true,
		ExternalIDChoice: false, "DriftSchedule": false, "Assets": false,
	} {
		if got := IsAnnounced(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestIsAudit(t *testing.T) {
	if !(Finding{LogicalID: AuditID}).IsAudit() || (Finding{LogicalID: "Role"}).IsAudit() {
		t.Error("an audit's finding is one with the logical id of the audit")
	}
}

func TestSeenByDetection(t *testing.T) {
	for _, tt := range []struct {
		seenBy []Source
		want   bool
	}{{nil, false}, {[]Source{CloudFormation}, true}, {[]Source{Live}, false}, {[]Source{CloudFormation, Live}, false}} {
		if got := (Finding{SeenBy: tt.seenBy}).SeenByDetection(); got != tt.want {
			t.Errorf("seen by %v: got %v, want %v", tt.seenBy, got, tt.want)
		}
	}
}
