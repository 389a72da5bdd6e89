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

// longWord matches words in the text of HTML, outside of tags, that are too long for a column: names and ARNs.
var longWord = regexp.MustCompile(`<[^>]*>|[^\s<>]{13,}`)

// wordPart matches the ends of the parts of a name or ARN: after them a browser may break the line.
var wordPart = regexp.MustCompile(`[:/]|[a-z0-9][A-Z]|[A-Z][A-Z][a-z]`)

// breakWord returns a word with <wbr> between its parts, so that narrow columns do not break it by letters. The text
// that is copied or searched is the same. It returns a tag as it is.
func breakWord(word []byte) []byte {
	if word[0] == '<' {
		return word
	}
	return wordPart.ReplaceAllFunc(word, func(end []byte) []byte {
		return append(append([]byte{end[0]}, "<wbr>"...), end[1:]...)
	})
}

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
	tables = longWord.ReplaceAllFunc(tables, breakWord)
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
