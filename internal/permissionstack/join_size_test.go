package permissionstack

import (
	"strings"
	"testing"
)

// TestJoinSize checks that the size that an Fn::Join is chosen by is that of its JSON.
func TestJoinSize(t *testing.T) {
	for _, tt := range []struct{ text, delimiter string }{
		{"arn:aws:s3:::a|arn:aws:s3:::b|arn:aws:s3:::c", "|arn:aws:s3:::"},
		{"a|b", "|"},
		{"|||", "|"},
		{`a"b<c"b<d\`, `"b<`},
		{"é\u2028|é\u2028|", "\u2028|"},
		{"aaaa", "aa"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			join := map[string]any{"Fn::Join": []any{tt.delimiter, strings.Split(tt.text, tt.delimiter)}}
			want := len(mustCompact(join))
			got := joinSize(len(mustCompact(tt.text)), len(mustCompact(tt.delimiter)), strings.Count(tt.text, tt.delimiter))
			if got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		})
	}
}
