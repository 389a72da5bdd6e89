package audit_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"permstack/internal/drift/audit"
	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/notify/finding"
)

func TestMain(m *testing.M) { fakeawstest.Main(m) }

// TestRun audits an installation alone, then with a role that trusts the backup service
// and a grant of a key.
func TestRun(t *testing.T) {
	w := fakeawstest.Start(t, fakeawstest.Options{}).In("123456789012", "us-east-1")
	w.Launch(fakeawstest.Launch{})
	cfg := w.Config("123456789012", "us-east-1")
	searched := map[string]int{}
	run := func() finding.Report {
		t.Helper()
		clear(searched)
		report, err := audit.Run(t.Context(), audit.NewClients(cfg), audit.Options{
			Progress: func(kind string, done int) { searched[kind] = done },
		})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := run(); len(report.Findings) != 0 {
		t.Fatalf("the installation alone: got %+v", report.Findings)
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"` +
		fakeawstest.ControlPlaneARN + `"}}]}`
	if _, err := w.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("theirs"), AssumeRolePolicyDocument: &trust,
	}); err != nil {
		t.Fatal(err)
	}
	keys := kms.NewFromConfig(cfg)
	key, err := keys.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId:            key.KeyMetadata.KeyId,
		GranteePrincipal: aws.String(fakeawstest.ControlPlaneARN),
		Operations:       []types.GrantOperation{"Decrypt"},
	}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range run().Findings {
		got = append(got, string(f.Kind)+" "+string(f.Direction))
	}
	if want := "key-grant-added grants-more,role-trusts-service grants-more"; strings.Join(got, ",") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if searched["keys"] != 1 || searched["roles"] < 2 || searched["topics"] == 0 || searched["queues"] == 0 {
		t.Errorf("progress %v, want the key, the roles, topics and queues of the installation", searched)
	}
}
