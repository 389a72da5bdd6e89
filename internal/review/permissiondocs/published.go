package permissiondocs

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"permstack/internal/policies/schema"
)

//go:embed published.css
var publishedStyle string

// Document is the document of a profile as a release publishes it.
type Document struct {
	Markdown []byte
	HTML     []byte // one file without scripts, which loads nothing
}

// lineBreak represents a line break during the conversion: a character that no text has.
const lineBreak = "\uE000"

// repositoryLink is a link to another document of the repository, which a release does not publish.
var repositoryLink = regexp.MustCompile(`\[([^\]]+)\]\(\.\.?/[^)]*\)`)

// Published returns the document of a profile for a release. A profile that is not built in must have been added with
// policies.AddProfile.
func Published(profile schema.Profile, version string) (Document, error) {
	text, err := profileDocument(profile)
	if err != nil {
		return Document{}, fmt.Errorf("write document of profile %s: %w", profile.Name, err)
	}
	text = repositoryLink.ReplaceAllString(text[len(generatedHeader):], "$1")
	// The converter leaves out HTML. The only tag that the document has is its own line break in cells.
	converted := strings.ReplaceAll(text, "<br>", lineBreak)
	var body bytes.Buffer
	markdown := goldmark.New(
		goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	)
	if err := markdown.Convert([]byte(converted), &body); err != nil {
		return Document{}, fmt.Errorf("convert document of profile %s to HTML: %w", profile.Name, err)
	}
	// Wide tables scroll by themselves on a phone.
	tables := bytes.ReplaceAll(body.Bytes(), []byte("<table>"), []byte(`<div class="table" tabindex="0"><table>`))
	tables = bytes.ReplaceAll(tables, []byte("</table>"), []byte("</table></div>"))
	tables = bytes.ReplaceAll(tables, []byte(lineBreak), []byte("<br>"))
	var page bytes.Buffer
	fmt.Fprintf(&page, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>permstack %[1]s: permissions of %[2]s</title>
<style>
%[3]s</style>
</head>
<body>
<p class="release">permstack %[1]s. Everything that the profile can grant; a stack grants what was chosen for it.</p>
%[4]s</body>
</html>
`, html.EscapeString(version), html.EscapeString(profile.Vendor), publishedStyle, tables)
	return Document{Markdown: []byte(text), HTML: page.Bytes()}, nil
}
