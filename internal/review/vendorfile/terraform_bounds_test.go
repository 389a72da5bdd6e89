package vendorfile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTerraformBounds checks that nesting, doubling and combinations are bounded, and quickly.
func TestTerraformBounds(t *testing.T) {
	document := func(actions string) string {
		return "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions   = " + actions +
			"\n    resources = [\"*\"]\n  }\n}\n"
	}
	doubling := "locals {\n  a0 = \"x\"\n"
	for i := range 60 {
		doubling += fmt.Sprintf("  a%d = \"${local.a%d}${local.a%d}\"\n", i+1, i, i)
	}
	var conditions []string
	for i := range 20 {
		conditions = append(conditions, fmt.Sprintf("(var.a%d ? \"s3:Get%d\" : \"s3:Put%d\")", i, i, i))
	}
	for name, text := range map[string]string{
		"brackets":     "locals { a = " + strings.Repeat("[", 100_000) + " }",
		"templates":    "locals { a = " + strings.Repeat(`"${`, 10_000) + " }",
		"signs":        "locals { a = " + strings.Repeat("!", 500_000) + "true }",
		"conditionals": "locals { a = " + strings.Repeat("true ? 1 : ", 80_000) + "1 }",
		"blocks":       strings.Repeat("a {", 100_000),
		"doubling":     doubling + "}\n" + document("[local.a60]"),
		"format":       document(`[format("%099999999d", 1)]`),
		"replace":      document(`[replace(join("", range(1000)), "", join("", [for i in range(1000) : "xxxxxxxxxx"]))]`),
		"combinations": document(`[join("", [` + strings.Join(conditions, ", ") + `])]`),
		"loops":        document("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : \"x\"]]]"),
		"JSON":         "-- mod/main.tf.json\n" + `{"locals": {"a": ` + strings.Repeat("[", 100_000),
		"JSON text": "-- mod/main.tf.json\n" +
			`{"locals": {"a": "${` + strings.Repeat("[", 50_000) + `"}, "data": {}}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if got := readTerraform(t, text); len(got.Problems) == 0 {
				t.Error("got no problem, want one")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// FuzzTerraform checks that no configuration stops the reader, and that one without permissions is an error.
func FuzzTerraform(f *testing.F) {
	f.Add("a.tf", `data "aws_iam_policy_document" "d" { statement { actions = ["s3:GetObject"], resources = ["*"] } }`)
	f.Add("a.tf", "resource \"aws_iam_policy\" \"p\" {\n count = var.a ? 1 : 0\n"+
		" policy = jsonencode({Statement=[{Effect=\"Allow\",Action=[for a in [\"s3:Get*\"] : a if var.b],"+
		"Resource=local.x[*].y}]})\n}\nlocals { x = toset([\"a\"]) }")
	f.Add("a.tf.json", `{"resource": {"aws_iam_role": {"r": {"name": "${var.n}", "assume_role_policy": "{}"}}}}`)
	f.Fuzz(func(t *testing.T, name, text string) {
		if !isTerraform(name) {
			name += ".tf"
		}
		got, err := ReadFiles(name, []File{{name, []byte(text)}})
		if err == nil && len(got.Set.Names())+len(got.Set.Topics)+len(got.Set.Rules) == 0 {
			t.Errorf("got nothing and no error")
		}
	})
}
