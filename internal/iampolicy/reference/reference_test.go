package reference

import (
	"slices"
	"testing"
	"time"

	"permstack/internal/iampolicy/actions"
)

func TestOrigin(t *testing.T) {
	h := Origin()
	if _, err := time.Parse(time.DateOnly, h.Date); err != nil || h.Package == "" || h.Version == "" {
		t.Errorf("got %+v, %v, want a package with version and date", h, err)
	}
	if n := len(Services()); n < 400 {
		t.Errorf("got %d services, want all of AWS", n)
	}
	if n := len(compressed); n > 900<<10 {
		t.Errorf("the data has %d bytes, want at most 900 kB", n)
	}
}

// TestExtractAgrees compares the extract that the functions link with the reference: the generator writes both.
func TestExtractAgrees(t *testing.T) {
	for _, a := range actions.All() {
		got, ok := Find(a.Name)
		if !ok || got.Name != a.Name || !slices.Equal(got.Levels, a.Levels) {
			t.Errorf("%s: got %+v, %v, want levels %v; run go generate ./internal/iampolicy/reference", a.Name, got, ok,
				a.Levels)
		}
	}
}

// TestEveryServiceDecodes reads every line of the data.
func TestEveryServiceDecodes(t *testing.T) {
	n := 0
	for _, s := range Services() {
		for _, a := range Matching(s + ":*") {
			n++
			if len(a.Levels) == 0 {
				t.Errorf("%s has no access level", a.Name)
			}
		}
	}
	if n < 20000 {
		t.Errorf("got %d actions, want all of AWS", n)
	}
}

func TestFind(t *testing.T) {
	a, ok := Find("EC2:createsnapshot")
	if !ok || a.Name != "ec2:CreateSnapshot" || !slices.Equal(a.Levels, []actions.Level{actions.Write}) {
		t.Fatalf("got %+v, %v", a, ok)
	}
	if len(a.Resources) != 2 || a.Resources[1].Type != "volume" ||
		a.Resources[0].ARN != "arn:${Partition}:ec2:${Region}::snapshot/${SnapshotId}" {
		t.Errorf("got resources %+v", a.Resources)
	}
	for _, name := range []string{"", "ec2", "ec2:", "ec2:CreateSnapshotz", "ec3:CreateSnapshot", "ec2:Create*", "*"} {
		t.Run(name, func(t *testing.T) {
			if a, ok := Find(name); ok {
				t.Errorf("Find(%q) returned %s", name, a.Name)
			}
		})
	}
	if got := Matching("s3:GetObjectVersion*"); len(got) < 5 {
		t.Errorf("got %d actions of s3:GetObjectVersion*", len(got))
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		action, key string
		want        bool
	}{
		{"ec2:CreateSnapshot", "ec2:VolumeSize", true},
		{"ec2:CreateSnapshot", "aws:RequestTag/Vendor", true},
		{"ec2:CreateSnapshot", "aws:RequestTag/", false},
		{"ec2:CreateSnapshot", "aws:SourceArn", true},
		{"ec2:CreateSnapshot", "aws:PrincipalTag/team", true},
		{"ec2:CreateSnapshot", "ec2:InstanceType", false},
		{"ec2:DescribeVolumes", "aws:ResourceTag/Vendor", false},
		{"ec2:CreateSnapshot", "aws:SourceArm", false},
		{"s3:GetObject", "s3:ResourceAccount", true},
	} {
		t.Run(c.action+" "+c.key, func(t *testing.T) {
			a, ok := Find(c.action)
			if !ok {
				t.Fatal("no such action")
			}
			if got := a.SendsKey(c.key); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if !IsKey("ec2:InstanceType") || !IsKey("aws:SourceIp") || IsKey("ec2:InstanceTyp") || IsKey("nothing") {
		t.Error("IsKey is wrong about a key")
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"ec2:DescribeFastSnapshotRestore": "ec2:DescribeFastSnapshotRestores",
		"sm:DescribeDocumentParameters":   "ssm:DescribeDocumentParameters",
		"ec2:createsnapshots":             "ec2:CreateSnapshots",
		"zzzzzzzz:Nothing":                "",
		"ec2:Qqqqqqqqqqqqqqqqqqqqqqq":     "",
	} {
		t.Run(name, func(t *testing.T) {
			if got := Nearest(name); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	a, _ := Find("ec2:CreateSnapshot")
	if got := a.NearestKey("ec2:VolumSize"); got != "ec2:VolumeSize" {
		t.Errorf("got %q", got)
	}
}
