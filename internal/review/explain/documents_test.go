package explain_test

import (
	"slices"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/review/explain"
)

// TestFromDocuments checks the risk and a finding of statements as they are in policies of others: with *, NotAction,
// NotResource, any case, and without a Sid.
func TestFromDocuments(t *testing.T) {
	for _, c := range []struct {
		name, statement string
		level           explain.Level
		finding         string // an ID; empty: none
	}{
		{"everything", `{"Effect":"Allow","Action":"*","Resource":"*"}`, explain.High, "delete-data-all"},
		{"a service", `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, explain.High, "delete-data-s3"},
		{"all but IAM", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, explain.High, "delete-data-ec2"},
		{"all but data", `{"Effect":"Allow","Action":"s3:DeleteObject","NotResource":"arn:aws:s3:::b/*"}`, explain.High,
			"delete-data-s3"},
		{"any case", `{"Effect":"Allow","Action":"EC2:deletesnapshot","Resource":"*"}`, explain.High, "delete-data-ec2"},
		{"list", `{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}`, explain.Minimal, ""},
		{"deny", `{"Effect":"Deny","Action":"*","Resource":"*"}`, explain.Minimal, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := iampolicy.Document{Statement: []iampolicy.Statement{statement(t, c.statement)}}
			grants := explain.FromDocuments([]explain.Document{{Role: "R", Policy: "P", Document: doc}}, nil,
				explain.Describer{})
			g := grants[0]
			if g.Risk.Level != c.level || g.Sid != "statement 1" || len(g.On) == 0 {
				t.Errorf("risk %s (want %s), Sid %q, on %q", g.Risk, c.level, g.Sid, g.On)
			}
			findings := explain.Findings(grants)
			if has := slices.ContainsFunc(findings, func(f explain.Finding) bool { return f.ID == c.finding }); has !=
				(c.finding != "") || c.finding == "" && len(findings) > 0 {
				t.Errorf("findings %+v, want %q", findings, c.finding)
			}
		})
	}
}

// TestCommonAccount checks that a condition on the account that the resources are in is no limit, as in a role of that
// account.
func TestCommonAccount(t *testing.T) {
	doc := iampolicy.Document{Statement: []iampolicy.Statement{
		statement(t, `{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::*/*",
			"Condition":{"StringEquals":{"s3:ResourceAccount":"123456789012"}}}`),
		statement(t, `{"Effect":"Allow","Action":"kms:Decrypt","Resource":["arn:aws:kms:*:123456789012:key/*",
			"arn:aws:kms:*:123456789012:alias/*","arn:aws:kms:*:444455556666:key/*"]}`),
	}}
	documents := []explain.Document{{Role: "R", Policy: "P", Document: doc}}
	account := explain.CommonAccount(documents)
	grants := explain.FromDocuments(documents, nil, explain.Describer{Account: account})
	if got := grants[0].Bounds[0].Effect; account != "123456789012" || got != explain.OwnAccount {
		t.Errorf("account %s, the condition %s", account, got)
	}
}
