package explain_test

import (
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// found returns the findings of a rule.
func found(list []explain.Finding, id string) []explain.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f explain.Finding) bool { return f.ID != id })
}

// TestFindings checks findings of the profiles: that they exist, and their level.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		choice, id string
		class      explain.Class
		levels     string // of each finding of the rule, in order
	}{
		{"clumio:ec2", "pass-role-to-ec2", explain.Escalation, "high"},
		{"clumio:ec2:backup", "pass-role-to-ec2", explain.Escalation, ""},
		{"clumio:ec2:backup", "delete-data-ec2", explain.Destruction, "high medium"}, // images; snapshots
		{"clumio:rds", "delete-data-rds", explain.Destruction, "high"},
		{"clumio:rds", "share-copies-rds", explain.Exfiltration, "high"},
		{"clumio:rds:restore", "share-copies-rds", explain.Exfiltration, ""},
		{"clumio:rds", "pass-role-to-rds", explain.Escalation, "high"},
		{"clumio:s3:backup", "send-to-other-accounts-s3", explain.Exfiltration, "medium"},
		{"clumio:s3:restore", "delete-data-s3", explain.Destruction, "high"},
		{"clumio:s3:restore", "send-to-other-accounts-s3", explain.Exfiltration, ""},
		{"clumio:ec2-mssql", "run-commands-ssm", explain.Escalation, "medium"},
		{"cpm:ec2", "run-commands-ssm", explain.Escalation, "high"},
		{"cpm:sap-hana", "write-parameters-ssm", explain.Escalation, "medium"},
		{"cpm:ec2", "share-copies-ec2", explain.Exfiltration, "high"},
		{"cpm:redshift", "share-copies-redshift", explain.Exfiltration, "high"},
	} {
		t.Run(c.choice+" "+c.id, func(t *testing.T) {
			_, some, _ := grants(t, c.choice)
			var levels []string
			for _, f := range found(explain.Findings(some), c.id) {
				levels = append(levels, string(f.Level))
				if f.Class != c.class {
					t.Errorf("class %s, want %s", f.Class, c.class)
				}
			}
			if got := strings.Join(levels, " "); got != c.levels {
				t.Errorf("levels %q, want %q", got, c.levels)
			}
		})
	}
}

// TestChains checks rules of several steps, and what stops them.
func TestChains(t *testing.T) {
	const (
		pass   = `{"Sid":"Pass","Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`
		passTo = `{"Sid":"Pass","Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/*",
			"Condition":{"StringEquals":{"iam:PassedToService":"SERVICE"}}}`
		run    = `{"Sid":"Run","Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}`
		modify = `{"Sid":"Modify","Effect":"Allow","Action":"ec2:ModifyInstanceAttribute","Resource":"*"}`
		attr   = `{"Sid":"Modify","Effect":"Allow","Action":"ec2:ModifyInstanceAttribute","Resource":"*",
			"Condition":{"StringEquals":{"ec2:Attribute":"DisableApiTermination"}}}`
		cycle = `{"Sid":"Cycle","Effect":"Allow","Action":["ec2:StopInstances","ec2:StartInstances"],"Resource":"*"}`
		share = `{"Sid":"Share","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":
			{"StringLike":{"ec2:KIND/userId":"VALUE"}}}`
		put = `{"Sid":"Put","Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::*/*","Condition":
			{"StringEquals":{"s3:ResourceAccount":"ACCOUNT"}}}`
		deny = `{"Sid":"No","Effect":"Deny","Action":"ec2:Run*","Resource":"*"}`
	)
	for _, c := range []struct {
		name       string
		statements []string
		id, level  string
	}{
		{"pass and run", []string{pass, run}, "pass-role-to-ec2", "high"},
		{"pass alone", []string{pass}, "pass-role-to-ec2", ""},
		{"run alone", []string{run}, "pass-role-to-ec2", ""},
		{"run is denied", []string{pass, run, deny}, "pass-role-to-ec2", ""},
		{"pass to EC2", []string{strings.Replace(passTo, "SERVICE", "ec2.amazonaws.com", 1), run},
			"pass-role-to-ec2", "high"},
		{"pass to Glue", []string{strings.Replace(passTo, "SERVICE", "glue.amazonaws.com", 1), run}, "pass-role-to-ec2", ""},
		{"user data", []string{modify, cycle}, "change-user-data", "high"},
		{"another attribute", []string{attr, cycle}, "change-user-data", ""},
		{"share with anybody", []string{strings.NewReplacer("KIND", "Add", "VALUE", "*").Replace(share)},
			"share-copies-ec2", "high"},
		{"share with the vendor", []string{strings.NewReplacer("KIND", "Add", "VALUE", "444455556666").Replace(share)},
			"share-copies-ec2", "medium"},
		{"end sharing", []string{strings.NewReplacer("KIND", "Remove", "VALUE", "*").Replace(share)}, "share-copies-ec2", ""},
		{"write to own buckets", []string{strings.Replace(put, "ACCOUNT", "123456789012", 1)},
			"send-to-other-accounts-s3", ""},
		{"overwrite own buckets", []string{strings.Replace(put, "ACCOUNT", "123456789012", 1)},
			"overwrite-data-s3", "medium"},
		{"write to the vendor", []string{strings.Replace(put, "ACCOUNT", "444455556666", 1)},
			"send-to-other-accounts-s3", "medium"},
		{"own buckets are not the vendor's", []string{strings.Replace(put, "ACCOUNT", "444455556666", 1)},
			"overwrite-data-s3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := found(explain.Findings(roleGrants(t, c.statements...)), c.id)
			got := ""
			if len(list) > 0 {
				got = string(list[0].Level)
			}
			if got != c.level {
				t.Errorf("level %q, want %q", got, c.level)
			}
		})
	}
}

// TestRemainsAreFindings checks that every remaining risk that a profile states, except that AWS has no key, is in a
// finding, and that every finding names its statements and is of a class.
func TestRemainsAreFindings(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		t.Run(name, func(t *testing.T) {
			_, _, all := grants(t, name)
			list := explain.Findings(all)
			for _, g := range all {
				for _, remain := range g.Remains {
					if remain.Kind != schema.NoKey && !slices.ContainsFunc(list, func(f explain.Finding) bool {
						return slices.Contains(f.Remains, remain)
					}) {
						t.Errorf("%s: no finding has %q", g.Sid, remain.Text)
					}
				}
			}
			for _, f := range list {
				for _, step := range f.Steps {
					if len(step.Statements) == 0 || len(step.Actions) == 0 {
						t.Errorf("%s of %s: an empty step", f.ID, f.Role)
					}
				}
				if !slices.Contains(explain.Classes, f.Class) || f.Level == "" || len(f.Steps) == 0 {
					t.Errorf("incomplete finding %+v", f)
				}
			}
		})
	}
}
