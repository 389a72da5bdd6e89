package yamlfmt_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
)

// TestStringsStayStrings reads every kind of string back that some YAML reader
// would take for something else.
func TestStringsStayStrings(t *testing.T) {
	want := map[string]any{"list": []any{}, "object": map[string]any{}, "number": 7, "flag": true}
	for _, s := range strings.Split("yes No on OFF true null ~ y 0042 1e3 0x1F 1_000 12:30:45 2012-10-17 * &a !x %x @x `x #x - -x ?x |x >x {x [x : a: a:b", " ") {
		want["s"+s] = s
	}
	for _, s := range []string{
		"", "a: b", "a #b", "two\nlines\n", " blank ", "tab\t", "ü \u2028",
		"s3:ListAllMyBuckets", "arn:aws:s3:::b/*", "For the vendor & friends, (all)",
	} {
		want["t"+s] = s
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	out, err := yamlfmt.FromJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, plain := range []string{"s3:ListAllMyBuckets\n", "arn:aws:s3:::b/*\n"} {
		if !strings.Contains(string(out), ": "+plain) {
			t.Errorf("%q is quoted without need:\n%s", plain, out)
		}
	}
}

func TestOrderAndFunctions(t *testing.T) {
	out, err := yamlfmt.FromJSON([]byte(
		`{"b":{"Ref":"X"},"a":{"Fn::GetAtt":["X","Arn"]},"c":{"Fn::Sub":"${AWS::Region}: x"},"d":{"Fn::If":["C",{"Ref":"X"},1]},"e":{"Ref":["odd"]}}`,
	))
	if err != nil {
		t.Fatal(err)
	}
	want := "b: !Ref X\na: !GetAtt X.Arn\nc: !Sub \"${AWS::Region}: x\"\nd:\n  Fn::If:\n    - C\n    - !Ref X\n    - 1\ne:\n  Ref:\n    - odd\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := yamlfmt.FromJSON([]byte(`{"a":`)); err == nil {
		t.Error("half a document was taken")
	}
}
