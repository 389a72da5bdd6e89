package flows

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// TestInsideAndOutside checks the requests for resources inside a scope, with the keys that AWS sends for them, and the
// one outside.
func TestInsideAndOutside(t *testing.T) {
	const (
		volume   = "arn:aws:ec2:eu-central-1:111111111111:volume/v"
		subnet   = "arn:aws:ec2:eu-central-1:111111111111:subnet/s"
		anyVPC   = "arn:aws:ec2:eu-central-1:111111111111:vpc/v"
		table    = "arn:aws:dynamodb:eu-central-1:111111111111:table/"
		key      = "arn:aws:kms:eu-central-1:111111111111:key/k"
		regional = " aws:RequestedRegion=eu-central-1"
	)
	tags := scope.Scope{Tags: []string{"k=v", "k=w"}}
	vpcs := scope.Scope{VPCs: []string{"vpc-1", "vpc-2"}}
	vpcKey := " ec2:Vpc=arn:aws:ec2:eu-central-1:111111111111:vpc/vpc-1"
	outsideVPC := " ec2:Vpc=arn:aws:ec2:eu-central-1:111111111111:vpc/vpc-00000outside"
	restoring := []schema.Use{{Operation: "restore"}}
	buckets := scope.Scope{Buckets: []string{"a", "b*", "c", "d"}}
	other := map[string][]string{"s3:ResourceAccount": {"333333333333"}}
	own := map[string][]string{"s3:ResourceAccount": {"111111111111"}}
	for _, tt := range []struct {
		name    string
		request Request
		scope   scope.Scope
		by      scope.Kind
		inside  []string
		outside string // "": the kind says nothing about it
	}{
		{"some buckets", Request{Resource: "arn:aws:s3:::x/o"}, buckets, scope.Bucket, []string{
			"arn:aws:s3:::a/o" + regional, "arn:aws:s3:::bx/o" + regional, "arn:aws:s3:::d/o" + regional,
		}, "arn:aws:s3:::outside-of-the-scope/o" + regional},
		{"three buckets", Request{Resource: "arn:aws:s3:::x"}, scope.Scope{Buckets: []string{"a", "b", "c"}}, scope.Bucket,
			[]string{"arn:aws:s3:::a" + regional, "arn:aws:s3:::b" + regional, "arn:aws:s3:::c" + regional},
			"arn:aws:s3:::outside-of-the-scope" + regional},
		{"the vendor's bucket", Request{Resource: "arn:aws:s3:::x", Context: other}, buckets, scope.Bucket,
			[]string{"arn:aws:s3:::x" + regional + " s3:ResourceAccount=333333333333"}, ""},
		{"a bucket of this account", Request{Resource: "arn:aws:s3:::x", Context: own}, scope.Scope{Buckets: []string{"a"}},
			scope.Bucket, []string{"arn:aws:s3:::a" + regional + " s3:ResourceAccount=111111111111"},
			"arn:aws:s3:::outside-of-the-scope" + regional + " s3:ResourceAccount=111111111111"},
		{"a key of another account", Request{Resource: "arn:aws:kms:eu-central-1:333333333333:key/k"},
			scope.Scope{Keys: []string{"k"}}, scope.Key,
			[]string{"arn:aws:kms:eu-central-1:333333333333:key/k" + regional}, ""},
		{"another kind", Request{Resource: volume}, buckets, scope.Bucket, []string{volume + regional}, ""},
		{"a kind that the scope lacks", Request{Resource: key}, buckets, scope.Key, []string{key + regional}, ""},
		{"tables by their ARNs", Request{Resource: table + "x"}, scope.Scope{Tables: []string{
			table + "a", "arn:aws:dynamodb:eu-west-1:111111111111:table/b",
			"arn:aws:dynamodb:eu-central-1:333333333333:table/c",
		}}, scope.Table, []string{table + "a" + regional}, table + "outside-of-the-scope" + regional},
		{"a table after another Region's", Request{Resource: table + "x"}, scope.Scope{Tables: []string{
			"arn:aws:dynamodb:eu-west-1:111111111111:table/b", "d",
		}}, scope.Table, []string{table + "d" + regional}, table + "outside-of-the-scope" + regional},
		{"no table of this Region", Request{Resource: table + "x"},
			scope.Scope{Tables: []string{"arn:aws:dynamodb:eu-west-1:111111111111:table/b"}}, scope.Table, nil, ""},
		{"a tagged volume", Request{Resource: volume}, tags, scope.Tag,
			[]string{volume + regional + " aws:ResourceTag/k=v"}, volume + regional + " aws:ResourceTag/k=outside-of-the-scope"},
		{"a volume of a restore", Request{Resource: volume, uses: restoring}, tags, scope.Tag,
			[]string{volume + regional}, ""},
		{"a volume of both", Request{Resource: volume, uses: append([]schema.Use{{Operation: "backup"}}, restoring...)}, tags,
			scope.Tag, []string{volume + regional + " aws:ResourceTag/k=v"},
			volume + regional + " aws:ResourceTag/k=outside-of-the-scope"},
		{"a snapshot", Request{Resource: "arn:aws:ec2:eu-central-1::snapshot/s"}, tags, scope.Tag,
			[]string{"arn:aws:ec2:eu-central-1::snapshot/s" + regional}, ""},
		{"a subnet", Request{Resource: subnet}, vpcs, scope.VPC, []string{subnet + regional + vpcKey},
			subnet + regional + outsideVPC},
		{"a subnet of a new VPC", Request{Resource: subnet, newVPC: true}, vpcs, scope.VPC, []string{subnet + regional}, ""},
		{"a subnet of another service", Request{Resource: "arn:aws:x:eu-central-1:111111111111:subnet/s"}, vpcs, scope.VPC,
			[]string{"arn:aws:x:eu-central-1:111111111111:subnet/s" + regional}, ""},
		{"a volume, by VPC", Request{Resource: volume}, vpcs, scope.VPC, []string{volume + regional}, ""},
		{"a subnet, by bucket", Request{Resource: subnet}, buckets, scope.Bucket, []string{subnet + regional}, ""},
		{"a VPC", Request{Resource: anyVPC}, vpcs, scope.VPC, []string{
			strings.TrimSuffix(anyVPC, "v") + "vpc-1" + regional, strings.TrimSuffix(anyVPC, "v") + "vpc-2" + regional,
		}, strings.TrimSuffix(anyVPC, "v") + "outside-of-the-scope" + regional},
		{"a new VPC", Request{Resource: anyVPC, newVPC: true}, vpcs, scope.VPC, []string{anyVPC + regional},
			strings.TrimSuffix(anyVPC, "v") + "outside-of-the-scope" + regional},
		{"another Region of the scope", Request{Resource: "arn:aws:ec2:" + OtherRegion + ":111111111111:volume/v"},
			scope.Scope{Regions: []string{"eu-central-1", "eu-west-1"}}, scope.Region,
			[]string{"arn:aws:ec2:eu-west-1:111111111111:volume/v aws:RequestedRegion=eu-west-1"},
			"arn:aws:ec2:eu-west-1:111111111111:volume/v aws:RequestedRegion=xx-outside-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := schema.Profile{RestoreOperations: []schema.Operation{"restore"}}
			if tt.request.Context == nil {
				tt.request.Context = map[string][]string{}
			}
			shown := func(r Request) string {
				text := r.Resource
				for _, key := range []string{"aws:RequestedRegion", "aws:ResourceTag/k", "ec2:Vpc", "s3:ResourceAccount"} {
					if values, ok := r.Context[key]; ok {
						text += fmt.Sprint(" ", key, "=", strings.Join(values, ","))
					}
				}
				return text
			}
			var inside []string
			for _, r := range tt.request.Inside(profile, tt.scope, testEnvironment) {
				inside = append(inside, shown(r))
			}
			if d := cmp.Diff(tt.inside, inside); d != "" {
				t.Errorf("inside (-want +got):\n%s", d)
			}
			out, ok := tt.request.Outside(profile, tt.scope, testEnvironment, tt.by)
			if got := shown(out); ok != (tt.outside != "") || got != tt.outside {
				t.Errorf("outside: got %s, %v, want %s", got, ok, tt.outside)
			}
		})
	}
}

// TestNewVPC checks that a flow that creates a VPC works in that one, unless it must not create one. Requests that must
// be refused are not about the scope.
func TestNewVPC(t *testing.T) {
	const subnet = "arn:aws:ec2:eu-central-1:111111111111:subnet/s"
	call := func(action string, denied bool) schema.Call {
		return schema.Call{Actions: []string{action}, Resources: []string{subnet}, Denied: denied}
	}
	for denied, inVPC := range map[bool]bool{false: false, true: true} {
		flow := schema.Flow{Name: "f", Calls: []schema.Call{call("ec2:CreateVpc", denied), call("ec2:CreateSubnet", false)}}
		set := testSet()
		set.Scope = scope.Scope{VPCs: []string{"vpc-1"}}
		requests := RequestsInScope(schema.Profile{}, set, []schema.Flow{flow}, testEnvironment)
		if len(requests) != 2 {
			t.Fatalf("got %d requests, want 2", len(requests))
		}
		if _, got := requests[1].Context["ec2:Vpc"]; got != inVPC {
			t.Errorf("CreateVpc denied %v: got a VPC %v, want %v", denied, got, inVPC)
		}
		if _, got := requests[0].Context["ec2:Vpc"]; got {
			t.Errorf("CreateVpc denied %v: it has a VPC", denied)
		}
	}
	if got := RequestsInScope(schema.Profile{}, policies.Set{}, nil, testEnvironment); len(got) != 0 {
		t.Errorf("without a scope and flows: got %v", got)
	}
}
