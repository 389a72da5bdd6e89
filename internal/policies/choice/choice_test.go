package choice

import (
	"testing"

	"permstack/internal/policies"
)

func TestParseAndWrite(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"clumio:ec2", "clumio:ec2"},
		{"clumio@1:ec2,s3:backup", "clumio@1:ec2,s3:backup"},
		{"clumio:ec2, s3::support-role", "clumio:ec2,s3::support-role"},
		{"clumio", "clumio:ec2,ec2-mssql,rds,dynamodb,s3,iceberg-on-glue,iceberg-on-s3-tables::" +
			"support-role,aws-backup-inventory,dynamodb-local-indexes"},
		{"clumio@1", "clumio@1:ec2,ec2-mssql,rds,dynamodb,s3::support-role,aws-backup-inventory"},
		{"clumio::backup:support-role", "clumio:ec2,ec2-mssql,rds,dynamodb,s3,iceberg-on-glue,iceberg-on-s3-tables:backup:" +
			"support-role"},
	} {
		t.Run(c.in, func(t *testing.T) {
			sel, err := Parse(c.in)
			if err != nil {
				t.Fatalf("%v", err)
			}
			if got := String(sel); got != c.out {
				t.Errorf("%s is written %s, want %s", c.in, got, c.out)
			}
		})
	}
	for _, bad := range []string{"", "acme:ec2", "clumio:a:b:c:d"} {
		t.Run(bad, func(t *testing.T) {
			if sel, err := Parse(bad); err == nil {
				t.Errorf("%q is read as %+v", bad, sel)
			}
		})
	}
}

// TestExampleIsEnough checks that with the example values every profile can be synthesized whole,
// and asset by asset, in every partition.
func TestExampleIsEnough(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		choices := []policies.Selection{Everything(profile)}
		for _, a := range Everything(profile).Assets {
			sel, err := Parse(name + ":" + string(a))
			if err != nil {
				t.Fatal(err)
			}
			choices = append(choices, sel)
		}
		for _, p := range profile.Presets {
			choices = append(choices, policies.Selection{Profile: name, Preset: p.Name})
		}
		for _, sel := range choices {
			for _, region := range []string{"", "eu-central-1", "us-gov-west-1", "cn-north-1"} {
				env := Example(sel, policies.Environment{Region: region})
				if _, err := policies.Synthesize(sel, env); err != nil {
					t.Errorf("%s in %q: %v", String(sel), region, err)
				}
			}
		}
	}
}
