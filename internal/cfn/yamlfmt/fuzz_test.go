package yamlfmt_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
)

// FuzzStrings checks that any text is the same text in YAML: as a value, as a key, within a
// function, and next to other values that it might swallow.
func FuzzStrings(f *testing.F) {
	for _, s := range []string{
		"", "no", "!Ref X", "a: b", "- x", "\n", "\x00", "\u0085\u2028", "'", `"`,
		"{{resolve:ssm:x}}", "${AWS::Region}", "*", "&a", "%", "# x", "\t", "---", "é\ufeff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// Every template is UTF-8. A key is at most 1,024 characters with its
		// escapes, to YAML's reader; those of templates have at most 128.
		if !utf8.ValidString(text) || len(text) > 150 {
			return
		}
		// "Ref" is written in its short form, so it is read as a text with a tag.
		want := map[string]any{
			"a":              text,
			"b":              []any{text, "next"},
			"key of " + text: "v",
			"f":              map[string]any{"Ref": text},
			"z":              "last",
		}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		out, err := yamlfmt.FromJSON(data)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var got map[string]any
		if err := yaml.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %v\n%s", text, err, out)
		}
		list, _ := got["b"].([]any)
		if got["a"] != text || len(list) != 2 || list[0] != text || list[1] != "next" || got["key of "+text] != "v" ||
			got["f"] != text ||
			got["z"] != "last" ||
			len(got) != len(want) {
			t.Errorf("%q became\n%s", text, out)
		}
	})
}
