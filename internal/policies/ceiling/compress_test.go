package ceiling

import (
	"strings"
	"testing"

	"permstack/internal/iampolicy/actions"
)

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"DescribeDBSnapshots": "Describe D B Snapshots", "GetAZ": "Get A Z", "Publish": "Publish", "getX": "get X",
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(words(name), " "); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestPatterns checks the candidates: beginnings of whole words and, if wider ones are wanted, runs of words between
// wildcards and last words.
func TestPatterns(t *testing.T) {
	for w, want := range map[width]string{
		beginnings: "Get* GetTag* GetTagKeys*",
		parts:      "Get* *Get* *Keys *Tag* *Keys* GetTag* *GetTag* *TagKeys *TagKeys* *GetTagKeys GetTagKeys* *GetTagKeys*",
	} {
		if got := strings.Join(patterns([]string{"GetTagKeys"}, w), " "); got != want {
			t.Errorf("width %d: got %s, want %s", w, got, want)
		}
	}
	if got := strings.Join(patterns([]string{"GetA", "SetA"}, beginnings), " "); got != "Get* Set* GetA* SetA*" {
		t.Errorf("two names: got %s", got)
	}
}

func TestMatcher(t *testing.T) {
	for _, tt := range []struct {
		pattern, matched, others string
	}{
		{"Get*", "get gettag", "gat xget"},
		{"*Tag", "tag gettag", "tags"},
		{"*Tag*", "tag gettags", "ta"},
		{"GetTag", "gettag", "gettags xgettag"},
		{"Get*Tag*", "getxtag gettags", "xgettag"},
		{"Get?ag", "gettag", "getag"},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			matches := matcher(tt.pattern)
			for _, name := range strings.Fields(tt.matched) {
				if !matches(name) {
					t.Errorf("%s is not matched", name)
				}
			}
			for _, name := range strings.Fields(tt.others) {
				if matches(name) {
					t.Errorf("%s is matched", name)
				}
			}
		})
	}
}

// TestCompress checks which patterns are used: those that save characters, and that match nothing else that matters.
// The service zz has no other actions.
func TestCompress(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wanted string
		also   string
		width  width
		want   string
	}{
		{"a pattern that saves nothing", "zz:CreateA", "", beginnings, "zz:CreateA"},
		{"one for two actions", "zz:CreateA zz:CreateB zz:CreateB", "", beginnings, "zz:Create*"},
		{"two services", "zz:CreateA yy:CreateB", "", beginnings, "yy:CreateB zz:CreateA"},
		{"a second pattern", "zz:CreateA zz:CreateB zz:DeleteA zz:DeleteB zz:PutA", "", beginnings,
			"zz:Create* zz:Delete* zz:PutA"},
		{"the shortest one", "zz:CreateA zz:DeleteA zz:PutA", "", parts, "zz:*A"},
		{"one that saves the service's name", "zz:AX zz:BX", "", parts, "zz:*X"},
		{"beginnings alone", "zz:CreateA zz:DeleteA zz:PutA", "", beginnings, "zz:CreateA zz:DeleteA zz:PutA"},
		{"of equal ones the first by name", "zz:AaXx zz:AaYy zz:BbXx zz:BbYy", "", parts, "zz:*Xx zz:*Yy"},
		{"none that matches another change", "ec2:CreateVolume ec2:CreateSnapshot ec2:CreateSnapshots", "", parts,
			"ec2:CreateSnapshot* ec2:CreateVolume"},
		{"one that matches what is granted anyway", "ec2:CreateVolume ec2:CreateSnapshot", "ec2:Create*", beginnings,
			"ec2:Create*"},
		{"none that matches secrets", "ec2:DescribeVolumes ec2:DescribeImages", "", beginnings,
			"ec2:DescribeImages ec2:DescribeVolumes"},
		{"unless reads are wanted", "ec2:DescribeVolumes ec2:DescribeImages", "", reads, "ec2:Describe*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			also := map[string]bool{}
			for _, a := range actions.Matching(tt.also) {
				also[a.Name] = true
			}
			if got := strings.Join(compress(strings.Fields(tt.wanted), also, tt.width), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHarmless(t *testing.T) {
	for _, tt := range []struct {
		name   string
		levels []actions.Level
		want   bool
	}{
		{"ec2:DescribeVolumes", []actions.Level{actions.List}, true},
		{"s3:ListBucket", []actions.Level{actions.Read}, true},
		{"s3:GetObject", []actions.Level{actions.Read}, false},
		{"glue:DescribeEntity", []actions.Level{actions.Write}, false},
		{"glue:ListEntities", []actions.Level{actions.List, actions.Permissions}, false},
		{"x:DescribeTags", []actions.Level{actions.Tagging}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := harmless(actions.Action{Name: tt.name, Levels: tt.levels}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
