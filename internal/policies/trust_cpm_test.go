package policies_test

import (
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// TestCPMTrust checks which principals may assume each role, in each mode.
func TestCPMTrust(t *testing.T) {
	const (
		ec2    = `{"Sid":"TheServersInstance","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`
		itself = `{"Sid":"ItselfForWorkers","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/permstack/eu-central-1/prod/CPMRole-eu-central-1-prod"}}}`
		server = `{"Sid":"TheServersRole","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/Server"},"Action":"sts:AssumeRole"}`
		secret = `{"Sid":"TheServersRole","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/Server"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"external-id-1"}}}`
		export = `{"Sid":"ExportsOfRDS","Effect":"Allow","Principal":{"Service":"export.rds.amazonaws.com"},"Action":"sts:AssumeRole"}`
		awsBak = `{"Sid":"AWSBackup","Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}`
	)
	fromElsewhere := func(e *policies.Environment) { e.ControlPlaneRoleARN = "arn:aws:iam::222222222222:role/Server" }
	for name, c := range map[string]struct {
		choice  string
		options []schema.Option
		env     func(*policies.Environment)
		want    map[string][]string // role → trust statements
		profile bool
	}{
		"the server's account": {"ec2:backup", nil, nil, map[string][]string{"CPMRole": {ec2}}, true},
		"copies to S3 there":   {"ec2:copy-to-s3", nil, nil, map[string][]string{"CPMRole": {ec2, itself}}, true},
		"file-level recovery": {"ec2:file-level-recovery", nil, nil, map[string][]string{"CPMRole": {ec2, itself}},
			true},
		"another account": {"ec2:copy-to-s3", []schema.Option{"trust=server-role"}, fromElsewhere,
			map[string][]string{"CPMRole": {server}}, false},
		"with an external id": {"ec2:backup", []schema.Option{"trust=server-role"},
			func(e *policies.Environment) { fromElsewhere(e); e.ExternalID = "external-id-1" },
			map[string][]string{"CPMRole": {secret}}, false},
		"exports of RDS": {"rds:copy-to-s3", nil, nil,
			map[string][]string{"CPMRole": {ec2, itself}, "CPMExportRole": {export}}, true},
		"exports by the server": {"rds:copy-to-s3", []schema.Option{"export-role=server"}, nil,
			map[string][]string{"CPMRole": {ec2, itself, export}}, true},
		"AWS Backup's own role": {"efs:backup", nil, nil, map[string][]string{"CPMRole": {ec2}}, true},
		"a role for AWS Backup": {"efs:backup", []schema.Option{"backup-role=made"}, nil,
			map[string][]string{"CPMRole": {ec2}, "CPMBackupRole": {awsBak}}, true},
		"no role without its use": {"ec2:backup", []schema.Option{"backup-role=made"}, nil,
			map[string][]string{"CPMRole": {ec2}}, true},
		"China has its own suffix": {"ec2:backup", nil,
			func(e *policies.Environment) { e.Partition, e.Region = "aws-cn", "cn-north-1" },
			map[string][]string{"CPMRole": {strings.ReplaceAll(ec2, "amazonaws.com", "amazonaws.com.cn")}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			env := cpmEnvironment(here)
			if c.env != nil {
				c.env(&env)
			}
			set := synthesize(t, cpmSelection(c.choice, c.options...), env)
			if len(set.Roles) != len(c.want) {
				t.Errorf("got %d roles, want %d", len(set.Roles), len(c.want))
			}
			for _, r := range set.Roles {
				want := `{"Version":"2012-10-17","Statement":[` + strings.Join(c.want[r.Entity], ",") + `]}`
				if have := text(t, r.Trust); have != want {
					t.Errorf("%s trusts\n%s\nwant\n%s", r.Entity, have, want)
				}
			}
			if (set.Roles[0].InstanceProfile != "") != c.profile {
				t.Errorf("got instance profile %q", set.Roles[0].InstanceProfile)
			}
		})
	}
}

// TestCPMNeeds checks the errors about a value that a trust policy requires and lacks, and about
// one that it would not use.
func TestCPMNeeds(t *testing.T) {
	for want, c := range map[string]struct {
		options []schema.Option
		env     func(*policies.Environment)
	}{
		"the control-plane role is missing: option trust=server-role trusts it": {[]schema.Option{"trust=server-role"},
			func(*policies.Environment) {}},
		"the control-plane role is given: option trust=instance-role": {nil,
			func(e *policies.Environment) { e.ControlPlaneRoleARN = "arn:aws:iam::222222222222:role/Server" }},
		"the external id is given: an instance shows none": {nil,
			func(e *policies.Environment) { e.ExternalID = "external-id-1" }},
		"trust=instance-role, trust=server-role cannot be combined": {[]schema.Option{"trust=server-role",
			"trust=instance-role"},
			func(*policies.Environment) {}},
		`unknown option "release=5"`: {[]schema.Option{"release=5"},
			func(*policies.Environment) {}},
		`other account "12" is not valid`: {nil,
			func(e *policies.Environment) { e.OtherAccounts = []string{"12"} }},
	} {
		t.Run(want, func(t *testing.T) {
			env := cpmEnvironment(here)
			c.env(&env)
			_, err := policies.Synthesize(cpmSelection("ec2:backup", c.options...), env)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want %q", err, want)
			}
		})
	}
}

// TestOtherAccounts checks that the given accounts replace the wildcard.
func TestOtherAccounts(t *testing.T) {
	env := cpmEnvironment(here)
	sel := cpmSelection("ec2,rds:cross-account")
	any := text(t, synthesize(t, sel, env).Roles[0].Managed[0].Document)
	env.OtherAccounts = []string{"444444444444", "555555555555"}
	named := text(t, synthesize(t, sel, env).Roles[0].Managed[0].Document)
	if !strings.Contains(any, "iam::*:role") || strings.Contains(named, "::*:role") || strings.Contains(named, ":*:key/") {
		t.Errorf("any account:\n%s\nnamed:\n%s", any, named)
	}
	for _, a := range env.OtherAccounts {
		if !strings.Contains(named, "iam::"+a+":role/permstack/*/CPMRole-*") || !strings.Contains(named, ":"+a+":key/*") {
			t.Errorf("account %s is missing in\n%s", a, named)
		}
	}
	// A bucket's account may be the one that keeps the repositories.
	env.DataPlaneAccountID = "666666666666"
	var d string
	for _, p := range synthesize(t, cpmSelection("ec2:copy-to-s3"), env).Roles[0].Managed {
		d += text(t, p.Document)
	}
	if !strings.Contains(d, `"s3:ResourceAccount":["111111111111","666666666666"]`) {
		t.Errorf("the account of the repositories is missing in\n%s", d)
	}
}
