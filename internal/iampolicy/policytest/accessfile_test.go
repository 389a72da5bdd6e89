package policytest

import (
	"reflect"
	"strings"
	"testing"
)

// TestParseAccessFile parses every form of the notation.
func TestParseAccessFile(t *testing.T) {
	got, err := ParseAccessFile(`# a comment
@bucket = s3:::a s3:::b

[role trust]
ec2/backup * | ec2:CreateTags,DeleteTags s3:PutObject |
    ec2:here:own:volume/* @bucket | aws:TagKeys=a,
    b and ForAllValues IgnoreCase k=v and IfExists m=x and Null n
Deny * | s3:PutObject | *
`)
	if err != nil {
		t.Fatal(err)
	}
	want := AccessFile{
		Names: map[string][]string{"@bucket": {"s3:::a", "s3:::b"}},
		Lines: []AccessLine{
			{
				Section: "role trust", Choices: []string{"ec2/backup", "*"},
				Actions:   []string{"ec2:CreateTags", "ec2:DeleteTags", "s3:PutObject"},
				Resources: []string{"ec2:here:own:volume/*", "@bucket"},
				Conditions: []AccessCondition{
					{Key: "aws:TagKeys", Values: []string{"a", "b"}},
					{Key: "k", Values: []string{"v"}, ForAllValues: true, IgnoreCase: true},
					{Key: "m", Values: []string{"x"}, IfExists: true},
					{Key: "n", Null: true},
				},
				Number: 5,
			},
			{
				Section: "role trust", Deny: true, Choices: []string{"*"}, Actions: []string{"s3:PutObject"},
				Resources: []string{"*"}, Number: 8,
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestAccessFileProblems checks that a line in another form is an error with its number.
func TestAccessFileProblems(t *testing.T) {
	for line, want := range map[string]string{
		"* | s3:GetObject":                     "2 fields",
		"* | s3:GetObject | * | k=v | more":    "5 fields",
		"* | GetObject | *":                    "have no service",
		" | s3:GetObject | *":                  "no choices",
		"Deny | s3:GetObject | *":              "no choices",
		"* | | *":                              "no choices, actions",
		"* | s3:GetObject | ":                  "no choices, actions",
		"* | s3:GetObject | * | ":              "empty condition",
		"* | s3:GetObject | * | k":             "want key=values",
		"* | s3:GetObject | * | =v":            "want key=values",
		"* | s3:GetObject | * | Null k=v":      "want key=values",
		"* | s3:GetObject | * | maybe k=v":     `unknown word "maybe"`,
		"* | s3:GetObject | * | k=v & other=v": `unknown word "k=v"`,
	} {
		t.Run(line, func(t *testing.T) {
			_, err := ParseAccessFile("# head\n" + line)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "line 2: ") {
				t.Errorf("got %v, want line 2 and %q", err, want)
			}
		})
	}
}
