package permissionstack_test

import (
	"fmt"
	"strings"
	"testing"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// environment returns the environment with the longest names: a long Region, a UUID
// as connection id, a boundary and a path.
func environment(partition, region string) policies.Environment {
	return policies.Environment{
		Partition: partition, Region: region, Account: "123456789012",
		ControlPlaneRoleARN:        "arn:" + partition + ":iam::210987654321:role/vendor/ControlPlaneOfTheVendor",
		SupportControlPlaneRoleARN: "arn:" + partition + ":iam::210987654321:role/vendor/SupportOfTheVendor",
		DataPlaneAccountID:         "345678901234",
		ExternalID:                 "7b0c9a52-1f0e-4c1b-9d5e-0a1b2c3d4e5f",
		ConnectionID:               "7b0c9a52-1f0e-4c1b-9d5e-0a1b2c3d4e5f",
		PermissionsBoundaryARN:     "arn:" + partition + ":iam::123456789012:policy/platform/BoundaryOfBackup",
		Path:                       "/platform/backup/",
		Tags:                       []policies.Tag{{Key: "Owner", Value: "Backup team"}, {Key: "CostCenter", Value: "0042"}},
	}
}

// everything is the selection with the most permissions.
var everything = policies.Selection{
	Profile: "clumio", Assets: []schema.Asset{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"},
	Options: []schema.Option{"support-role", "aws-backup-inventory"},
}

// TestEveryChoiceFits builds the stacks of every choice in every partition.
func TestEveryChoiceFits(t *testing.T) {
	largest := map[string]int{}
	assets := []schema.Asset{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"}
	for _, place := range [][2]string{{"aws", "ap-southeast-1"}, {"aws-us-gov", "us-gov-west-1"},
		{"aws-cn", "cn-northwest-1"}} {
		t.Run(place[1], func(t *testing.T) {
			env := environment(place[0], place[1])
			for choice := range 1 << (len(assets) + 3) {
				var sel policies.Selection
				sel.Profile = "clumio"
				for i, a := range assets {
					if choice>>i&1 == 1 {
						sel.Assets = append(sel.Assets, a)
					}
				}
				if len(sel.Assets) == 0 {
					continue
				}
				if choice>>5&1 == 1 {
					sel.Operations = []schema.Operation{"backup"}
				}
				env := env
				if choice>>6&1 == 1 {
					sel.Options = append(sel.Options, "support-role")
				} else {
					env.SupportControlPlaneRoleARN = ""
				}
				if choice>>7&1 == 1 {
					sel.Options = append(sel.Options, "aws-backup-inventory")
				}
				set, err := policies.Synthesize(sel, env)
				if err != nil {
					t.Fatalf("%v: %v", sel, err)
				}
				stacks, err := permissionstack.Stacks(set)
				if err != nil {
					t.Fatalf("%v: %v", sel, err)
				}
				for _, s := range stacks {
					key := fmt.Sprint(place[0], " ", s.Part)
					largest[key] = max(largest[key], s.Template.Size())
				}
			}
		})
	}
	t.Logf("largest templates, in bytes: %v", largest)
}

// TestCombinedFits requires that the template for deployment by hand, which is uploaded to S3 if it is too long to be
// passed inline, has at most the size that CloudFormation accepts there. permstack synth then says so.
func TestCombinedFits(t *testing.T) {
	for _, place := range [][2]string{{"aws", "ap-southeast-1"}, {"aws-us-gov", "us-gov-west-1"},
		{"aws-cn", "cn-northwest-1"}} {
		t.Run(place[1], func(t *testing.T) {
			env := environment(place[0], place[1])
			env.PermissionsBoundaryARN, env.Path, env.Tags = "", "", nil
			open := env
			open.Partition, open.Region, open.Account = "", "", ""
			for _, env := range []policies.Environment{env, open} {
				set, err := policies.Synthesize(everything, env)
				if err != nil {
					t.Fatal(err)
				}
				template, err := permissionstack.Combined(set)
				if err != nil {
					t.Fatal(err)
				}
				if template.Size() > cfntemplate.MaxSize {
					t.Errorf("%s, Region %q: got %d bytes, CloudFormation accepts %d", place[0], env.Region, template.Size(),
						cfntemplate.MaxSize)
				}
				t.Logf("%s, Region %q: %d bytes", place[0], env.Region, template.Size())
			}
		})
	}
}

// TestSelectionsShareLogicalIDs requires that a resource of two selections has the
// same logical id in the same stack, so that an update changes it in place.
func TestSelectionsShareLogicalIDs(t *testing.T) {
	where := map[string]string{} // type and physical name → part and logical id
	for _, assets := range [][]schema.Asset{{"ec2"}, {"s3"}, {"rds", "dynamodb"},
		{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"}} {
		env := environment("aws", "us-east-1")
		env.SupportControlPlaneRoleARN = ""
		set, err := policies.Synthesize(policies.Selection{Profile: "clumio", Assets: assets}, env)
		if err != nil {
			t.Fatal(err)
		}
		stacks, err := permissionstack.Stacks(set)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stacks {
			for id, r := range parse(t, s.Template.JSON())["Resources"].(map[string]any) {
				resource := r.(map[string]any)
				props := resource["Properties"].(map[string]any)
				for _, name := range []string{"RoleName", "ManagedPolicyName", "InstanceProfileName", "TopicName", "Name"} {
					physical, ok := props[name].(string)
					if !ok {
						continue
					}
					key, place := fmt.Sprint(resource["Type"], " ", physical), fmt.Sprint(s.Part, "/", id)
					if other, seen := where[key]; seen && other != place {
						t.Errorf("%s: got %s and %s, want one place", key, place, other)
					}
					where[key] = place
				}
			}
		}
	}
}

func BenchmarkStacks(b *testing.B) {
	set, err := policies.Synthesize(everything, environment("aws", "us-east-1"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := permissionstack.Stacks(set); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPseudoParametersInSub requires that pseudo parameters are in the text of
// Fn::Sub only, where CloudFormation evaluates them.
func TestPseudoParametersInSub(t *testing.T) {
	for name, env := range map[string]policies.Environment{"bound": environment("aws", "us-east-1"),
		"portable": environment("", "")} {
		t.Run(name, func(t *testing.T) {
			if name == "portable" {
				env.Account, env.PermissionsBoundaryARN = "", ""
				env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN = "arn:aws:iam::210987654321:role/c",
					"arn:aws:iam::210987654321:role/s"
			}
			set, err := policies.Synthesize(everything, env)
			if err != nil {
				t.Fatalf("%v", err)
			}
			template, err := permissionstack.Combined(set)
			if err != nil {
				t.Fatalf("%v", err)
			}
			walk(parse(t, template.JSON()), func(path, text string) {
				inSub := strings.HasSuffix(path, "/Fn::Sub") // not in the function's map
				if strings.Contains(text, "${AWS::") != inSub {
					t.Errorf("%s is %q", path, text)
				}
			}, "")
		})
	}
}

// walk visits every string of a template, keys included.
func walk(v any, visit func(path, text string), path string) {
	switch v := v.(type) {
	case string:
		visit(path, v)
	case []any:
		for _, item := range v {
			walk(item, visit, path)
		}
	case map[string]any:
		for key, item := range v {
			visit(path+" key", key)
			walk(item, visit, path+"/"+key)
		}
	}
}
