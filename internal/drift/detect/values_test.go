package detect

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// TestValues checks the conversions of evaluated properties.
func TestValues(t *testing.T) {
	if got := texts([]any{"a", 1, true}); !slices.Equal(got, []string{"a", "1", "true"}) {
		t.Errorf("texts: got %q", got)
	}
	if got := texts("a"); got == nil || len(got) != 0 {
		t.Errorf("texts of a text: got %#v", got)
	}
	if got := objects([]any{map[string]any{"a": 1}, "b"}); len(got) != 1 || got[0]["a"] != 1 {
		t.Errorf("objects: got %v", got)
	}
	target := toJSON(ebtypes.Target{
		Id: aws.String("i"), Arn: aws.String("a"), RetryPolicy: &ebtypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(1)},
	})
	if got := fmt.Sprint(target); got != "map[Arn:a Id:i RetryPolicy:map[MaximumRetryAttempts:1]]" {
		t.Errorf("toJSON: got %s", got)
	}
	if got := toJSON(func() {}); got != nil {
		t.Errorf("toJSON of a function: got %v", got)
	}
	if got := toJSON([]string{"a"}); got != nil {
		t.Errorf("toJSON of a list: got %v", got)
	}
	for want, v := range map[string]any{"a": "a", `{"a":1}`: map[string]any{"a": 1}, "(1+0i)": complex(1, 0)} {
		if got := jsonText(v); got != want {
			t.Errorf("jsonText: got %s, want %s", got, want)
		}
	}
}

// TestUnknown checks that a value that cannot be evaluated is found wherever it is.
func TestUnknown(t *testing.T) {
	for name, v := range map[string]any{
		"text": "a" + unknown, "list": []any{"a", unknown}, "key": map[string]any{unknown: 1},
		"value": map[string]any{"a": "b", "c": []any{map[string]any{"d": unknown}}},
	} {
		if !isUnknown(v) {
			t.Errorf("%s: it is known", name)
		}
	}
	for name, v := range map[string]any{"text": "a", "list": []any{"a"}, "object": map[string]any{"a": "b"}, "number": 1} {
		if isUnknown(v) {
			t.Errorf("%s: it is not known", name)
		}
	}
}
