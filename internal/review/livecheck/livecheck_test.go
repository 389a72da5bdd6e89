package livecheck_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"permstack/internal/policies/flows"
	"permstack/internal/review/livecheck"
	"permstack/internal/terminal"
)

const (
	roleARN = "arn:aws:iam::123456789012:role/permstack/Vendor"
	keyARN  = "arn:aws:kms:us-east-1:123456789012:key/"
)

// scp is a simulator of an account whose service control policies refuse one action.
type scp struct{ refused string }

func (s scp) SimulatePrincipalPolicy(
	_ context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options),
) (*iam.SimulatePrincipalPolicyOutput, error) {
	out := &iam.SimulatePrincipalPolicyOutput{}
	for _, a := range in.ActionNames {
		r := iamtypes.EvaluationResult{
			EvalActionName: aws.String(a), EvalDecision: "allowed",
			OrganizationsDecisionDetail: &iamtypes.OrganizationsDecisionDetail{AllowedByOrganizations: a != s.refused},
		}
		if a == s.refused {
			r.EvalDecision = "explicitDeny"
		}
		out.EvaluationResults = append(out.EvaluationResults, r)
	}
	return out, nil
}

func requests() []flows.Request {
	return []flows.Request{
		{Flow: "backup", Role: "Vendor", Action: "ec2:CreateSnapshot", Resource: "*"},
		{Flow: "restore", Role: "Vendor", Action: "kms:CreateGrant", Resource: keyARN + "k"},
		{Flow: "restore", Role: "Vendor", Action: "ec2:CreateVolume", Resource: "*", Denied: true},
	}
}

func TestServiceControlPolicy(t *testing.T) {
	got, err := livecheck.Flows(t.Context(), scp{"ec2:CreateSnapshot"}, requests(),
		map[string]string{"Vendor": roleARN}, time.Now(), nil)
	if err != nil || len(got) != 2 || got[0].Calls != 1 || got[1].Calls != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if f := got[0].Failed; len(f) != 1 || f[0].By != "service control policy" || len(got[1].Failed) > 0 {
		t.Errorf("got %+v", got)
	}
	report := livecheck.FlowReport{Flows: got}
	if !report.Fails() || !report.IsComplete() {
		t.Errorf("Fails %v, IsComplete %v", report.Fails(), report.IsComplete())
	}
}

// keys is an account with keys, whose policies are by key ID, and a key of AWS.
type keys map[string]string

func (k keys) ListAliases(
	context.Context, *kms.ListAliasesInput, ...func(*kms.Options),
) (*kms.ListAliasesOutput, error) {
	return &kms.ListAliasesOutput{Aliases: []kmstypes.AliasListEntry{
		{AliasName: aws.String("alias/aws/ebs"), TargetKeyId: aws.String("ebs")},
		{AliasName: aws.String("alias/data"), TargetKeyId: aws.String("closed")},
	}}, nil
}

func (k keys) ListKeys(context.Context, *kms.ListKeysInput, ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
	out := &kms.ListKeysOutput{}
	for id := range k {
		out.Keys = append(out.Keys, kmstypes.KeyListEntry{KeyId: aws.String(id), KeyArn: aws.String(keyARN + id)})
	}
	return out, nil
}

func (k keys) GetKeyPolicy(
	_ context.Context, in *kms.GetKeyPolicyInput, _ ...func(*kms.Options),
) (*kms.GetKeyPolicyOutput, error) {
	return &kms.GetKeyPolicyOutput{Policy: aws.String(k[aws.ToString(in.KeyId)[len(keyARN):]])}, nil
}

func keyPolicy(principal, action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"` +
		action + `","Resource":"*"}]}`
}

// TestKeys checks key policies that leave the decision to IAM, name the role, and do neither.
func TestKeys(t *testing.T) {
	account := keys{
		"ebs":    keyPolicy("arn:aws:iam::999999999999:root", "kms:*"),
		"iam":    keyPolicy("arn:aws:iam::123456789012:root", "kms:*"),
		"named":  keyPolicy(roleARN, "kms:CreateGrant"),
		"closed": keyPolicy("arn:aws:iam::123456789012:role/Other", "kms:*"),
	}
	arns := map[string]string{"Vendor": roleARN}
	got := livecheck.Keys(t.Context(), account, requests(), arns, nil)
	if got.Read != 3 || len(got.Refusing) != 1 || got.Refusing[0].Key != keyARN+"closed" ||
		got.Refusing[0].Alias != "alias/data" || got.Refusing[0].Named {
		t.Errorf("got %+v", got)
	}
	if (livecheck.FlowReport{Keys: got}).Fails() {
		t.Error("a key that may encrypt nothing of the backups fails the check")
	}
	got = livecheck.Keys(t.Context(), account, requests(), arns, []string{keyARN + "closed"})
	if !(livecheck.FlowReport{Keys: got}).Fails() {
		t.Errorf("a named key that refuses a flow does not fail the check: %+v", got)
	}
	var text strings.Builder
	report := livecheck.FlowReport{
		Keys: got, Flows: []livecheck.FlowCheck{{Flow: got.Refusing[0].Flows[0]}, {Flow: "other"}},
	}
	report.Write(terminal.Screen{W: &text, Width: 120})
	if !strings.Contains(text.String(), "a key refuses it") || !strings.Contains(text.String(), "1 of 2 promised flows") {
		t.Errorf("the text does not count the flow that a named key refuses: %s", text.String())
	}
	got = livecheck.Keys(t.Context(), account, requests(), arns, []string{keyARN + "absent"})
	if (livecheck.FlowReport{Keys: got}).IsComplete() {
		t.Errorf("a named key that cannot be read: the check is complete: %+v", got)
	}
}
