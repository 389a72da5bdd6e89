package policies_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// tags returns n tags.
func tags(n int) (out []policies.Tag) {
	for i := range n {
		out = append(out, policies.Tag{Key: fmt.Sprint("key", i), Value: "value"})
	}
	return out
}

// TestEnvironmentLimits checks the longest and shortest values that AWS accepts, and those beyond: paths (IAM API
// Reference, CreateRole), external ids (AssumeRole), tags (IAM User Guide, "Rules for tagging in IAM and AWS STS").
func TestEnvironmentLimits(t *testing.T) {
	tag := func(key, value string) []policies.Tag { return []policies.Tag{{Key: key, Value: value}} }
	for _, tt := range []struct {
		name   string
		change func(*policies.Environment)
		want   string // in the only problem; "": accepted
	}{
		{"longest path", func(e *policies.Environment) { e.Path = "/" + strings.Repeat("a", 419) + "/" }, ""},
		{"a longer path", func(e *policies.Environment) { e.Path = "/" + strings.Repeat("a", 420) + "/" },
			"the path has 422 characters; IAM accepts at most 421"},
		{"a part like a Region", func(e *policies.Environment) { e.Path = "/a/eu-x-1/" },
			`its part "eu-x-1" looks like a Region`},
		{"a path like the names of roles", func(e *policies.Environment) { e.Path = "/ClumioX/" },
			"begins with Clumio like the names of roles of clumio"},
		{"a path below the default", func(e *policies.Environment) { e.Path = "/permstack/Clumio/" }, ""},
		{"no external id where one is needed", func(e *policies.Environment) { e.ExternalID = "" }, "external id is missing"},
		{"external id of 1 character", func(e *policies.Environment) { e.ExternalID = "x" }, "the external id is not valid"},
		{"external id of 2 characters", func(e *policies.Environment) { e.ExternalID = "xy" }, ""},
		{"longest external id", func(e *policies.Environment) { e.ExternalID = strings.Repeat("x", 1224) }, ""},
		{"a longer external id", func(e *policies.Environment) { e.ExternalID = strings.Repeat("x", 1225) },
			"the external id is not valid"},
		{"50 tags", func(e *policies.Environment) { e.Tags = tags(50) }, ""},
		{"51 tags", func(e *policies.Environment) { e.Tags = tags(51) }, "there are 51 tags; AWS accepts at most 50"},
		{"no key", func(e *policies.Environment) { e.Tags = tag("", "v") }, `tag key "" is not valid`},
		{"longest key", func(e *policies.Environment) { e.Tags = tag(strings.Repeat("ü", 128), "v") }, ""},
		{"a longer key", func(e *policies.Environment) { e.Tags = tag(strings.Repeat("ü", 129), "v") }, "1 to 128 letters"},
		{"a key with a comma", func(e *policies.Environment) { e.Tags = tag("a,b", "v") }, `tag key "a,b" is not valid`},
		{"no value", func(e *policies.Environment) { e.Tags = tag("k", "") }, ""},
		{"longest value", func(e *policies.Environment) { e.Tags = tag("k", strings.Repeat("ü", 256)) }, ""},
		{"a longer value", func(e *policies.Environment) { e.Tags = tag("k", strings.Repeat("ü", 257)) },
			`value of tag "k" is not valid`},
		{"a value with a comma", func(e *policies.Environment) { e.Tags = tag("k", "a,b") }, `value of tag "k" is not valid`},
		{"a Region in the connection id", func(e *policies.Environment) { e.ConnectionID = "a-us-east-1-b" },
			"contains the Region us-east-1"},
		{"one before an underscore", func(e *policies.Environment) { e.ConnectionID = "us-east-1_b" },
			"contains the Region us-east-1"},
		{"a Region at its end", func(e *policies.Environment) { e.ConnectionID = "a-us-east-1" }, ""},
		{"longest installation id", func(e *policies.Environment) { e.InstallationID = "1a2b3c4d" }, ""},
		{"a longer one", func(e *policies.Environment) { e.InstallationID = "1a2b3c4d5" }, `installation id "1a2b3c4d5"`},
		{"another account", func(e *policies.Environment) { e.OtherAccounts = []string{"222222222222"} }, ""},
		{"not an account", func(e *policies.Environment) { e.OtherAccounts = []string{"22222222222"} },
			`other account "22222222222" is not valid`},
		{"another partition than the Region's", func(e *policies.Environment) { e.Partition = "aws-cn" },
			"Region eu-central-1 is in partition aws, not in aws-cn"},
		{"an unknown partition", func(e *policies.Environment) { e.Partition, e.Region = "aws-x", "" },
			`unknown partition "aws-x"`},
		{"part of a key's ARN", func(e *policies.Environment) { e.TopicKeyARN = "arn:aws:kms" },
			`topic key "arn:aws:kms" is not valid`},
		{"a protected topic", func(e *policies.Environment) { e.Protected = []string{"arn:aws:sns:eu-central-1:1:t"} }, ""},
		{"no part of an ARN", func(e *policies.Environment) { e.Protected = []string{"arn:aws:sns:eu-central-1:1"} },
			"give the ARN of one resource"},
		{"every service", func(e *policies.Environment) { e.Protected = []string{"arn:aws:*:eu-central-1:1:t"} },
			"give the ARN of one resource"},
		{"no ARN", func(e *policies.Environment) { e.Protected = []string{"urn:aws:sns:eu-central-1:1:t"} },
			"give the ARN of one resource"},
		{"a resource without a name", func(e *policies.Environment) { e.Protected = []string{"arn:aws:sns:eu-central-1:1:"} },
			"give the ARN of one resource"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := environment("eu-central-1")
			env.SupportControlPlaneRoleARN = ""
			tt.change(&env)
			sel := policies.Selection{Profile: "clumio", Assets: []schema.Asset{"ec2"}}
			_, err := policies.Synthesize(sel, env)
			var input *policies.InputError
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (!errors.As(err, &input) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an input error with %q", err, tt.want)
			}
		})
	}
}

// TestPartitionOfOpenEnvironment checks that without a Region the first of the ARNs decides about the partition: it is
// that of the service principals, and no other partition is accepted. Without an ARN it is open.
func TestPartitionOfOpenEnvironment(t *testing.T) {
	const china, global = "arn:aws-cn:iam::222222222222:", "arn:aws:iam::222222222222:"
	for _, tt := range []struct {
		name, control, boundary string
		service, problem        string
	}{
		{"of the control plane", china + "role/R", "", "ec2.amazonaws.com.cn", ""},
		{"of the boundary", "", global + "policy/P", "ec2.amazonaws.com", ""},
		{"of no ARN", "", "", "ec2.${AWS::URLSuffix}", ""},
		{"of two", china + "role/R", global + "policy/P", "", "is in partition aws, not in aws-cn"},
		{"of an unknown one", "arn:aws-x:iam::222222222222:role/R", global + "policy/P", "",
			"is in partition aws-x, not in aws"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			profile := fillerProfile("*", "", 10)
			profile.Roles[0].Trust = []schema.Trust{{Sid: "T", Service: "${EC2Service}"}}
			env := policies.Environment{ControlPlaneRoleARN: tt.control, PermissionsBoundaryARN: tt.boundary}
			set, err := policies.SynthesizeProfile(profile, policies.Selection{Assets: []schema.Asset{"s3"}}, env)
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tt.problem) {
					t.Errorf("got %v, want %q", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := set.Roles[0].Trust.Statement[0].Principal.ByType["Service"]
			if !slices.Equal(got, []string{tt.service}) {
				t.Errorf("got the service %q, want %q", got, tt.service)
			}
		})
	}
}
