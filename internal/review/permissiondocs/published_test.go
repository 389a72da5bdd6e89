package permissiondocs

import (
	"bytes"
	"testing"

	"permstack/internal/policies"
)

// TestPublished checks that the published documents have every row, run nothing, load nothing and link to no document
// that a release does not have.
func TestPublished(t *testing.T) {
	profile, ok := policies.Profile("aws-backup")
	if !ok {
		t.Fatal("no profile aws-backup")
	}
	document, err := Published(profile, "v1<2")
	if err != nil {
		t.Fatal(err)
	}
	rows := bytes.Count(document.Markdown, []byte("\n| ")) // with the headers, which Markdown separates by another line
	if got := bytes.Count(document.HTML, []byte("<tr>")); got != rows || rows < 50 {
		t.Errorf("got %d rows of tables, want %d", got, rows)
	}
	for _, part := range []string{"<script", "href=\"..", "src=", "raw HTML omitted", "v1<2", "Do not edit"} {
		if bytes.Contains(document.HTML, []byte(part)) {
			t.Errorf("the document contains %q", part)
		}
	}
	for _, part := range []string{"permstack v1&lt;2", "AWS Backup", "<table>", "backup:<wbr>Start<wbr>Restore<wbr>Job"} {
		if !bytes.Contains(document.HTML, []byte(part)) {
			t.Errorf("the document does not contain %q", part)
		}
	}
}

// TestBreakWord checks that names can be broken between their parts, and that tags are not changed.
func TestBreakWord(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"action":  {"<td>ec2:DescribeInstances", "<td>ec2:<wbr>Describe<wbr>Instances"},
		"initial": {"ClumioSSMNotificationRole", "Clumio<wbr>SSM<wbr>Notification<wbr>Role"},
		"tag":     {`<code class="aVeryLongNameOfAClass">`, `<code class="aVeryLongNameOfAClass">`},
		"entity":  {"main/a-&lt;Region&gt;-main", "main/<wbr>a-&lt;Region&gt;-main"},
		"short":   {"s3:GetObject", "s3:GetObject"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(longWord.ReplaceAllFunc([]byte(tc.text), breakWord)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
