package vendorfile

import (
	"bytes"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// documentation are the endings of files that describe permissions and grant none.
var documentation = []string{".md", ".rst", ".adoc", ".html", ".svg"}

// grantText matches what only policies, templates and configuration with roles contain, in any language.
var grantText = regexp.MustCompile(
	`"?Statement"?\s*[:=]\s*[\[{]|AWSTemplateFormatVersion|AWS::IAM::|resource\s+"aws_iam_|PolicyStatement\(`)

// unreadFile is the first of the files of one ending that are not read.
type unreadFile struct {
	name  string
	line  int
	count int
}

// checkUnread records a file of a folder that is not read, if it seems to hold permissions.
func (r *reader) checkUnread(relative, name string) {
	if slices.Contains(documentation, strings.ToLower(path.Ext(relative))) || r.unreadBytes >= maxTotal {
		return
	}
	f, err := os.Open(name)
	if err != nil {
		r.problem(relative, 0, "%v", err)
		return
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		r.problem(relative, 0, "%v", err)
	}
	if r.unreadBytes += len(data); r.unreadBytes >= maxTotal {
		r.problem(relative, 0, "only %d bytes of the files with other endings are searched for permissions", maxTotal)
	}
	r.addUnread(File{relative, data})
}

// addUnread records a file that is not read, if it seems to hold permissions.
func (r *reader) addUnread(f File) {
	at := grantText.FindIndex(f.Data)
	if at == nil || bytes.IndexByte(f.Data, 0) >= 0 { // a program
		return
	}
	ending := path.Ext(f.Name)
	first := r.unread[ending]
	if first.count == 0 {
		first.name, first.line = f.Name, 1+bytes.Count(f.Data[:at[0]], []byte("\n"))
	}
	first.count++
	r.unread[ending] = first
}

// reportUnread reports the files that are not read, once for each ending.
func (r *reader) reportUnread() {
	for _, ending := range sortedKeys(r.unread) {
		u := r.unread[ending]
		what := "files with the ending " + ending
		if ending == "" {
			what = "files without an ending"
		}
		switch u.count {
		case 1:
			r.problem(u.name, u.line, "it seems to hold permissions, but %s are not read", what)
		default:
			r.problem(u.name, u.line, "it and %d more seem to hold permissions, but %s are not read", u.count-1, what)
		}
	}
}
