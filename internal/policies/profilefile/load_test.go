package profilefile

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

// TestUnlistedFile requires that each YAML file of a profile's folder is in the list of profile.yaml.
func TestUnlistedFile(t *testing.T) {
	folder := fstest.MapFS{}
	for name, text := range map[string]string{
		"profile.yaml": "profile: acme\nvendor: Acme\nfiles: [s3.yaml]\n", "s3.yaml": "assets: [{asset: s3, title: S3}]\n",
		"narrowings.yaml": "[]", "condition-keys.yaml": "[]", "README.md": "text", ".hidden.yaml": "[]",
	} {
		folder["acme/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	unlisted := func(at string) []Problem {
		var out []Problem
		var form *Error
		if _, err := Load(folder, at); errors.As(err, &form) {
			for _, p := range form.Problems {
				if strings.Contains(p.Message, "is in the folder") {
					out = append(out, p)
				}
			}
		}
		return out
	}
	if got := unlisted("acme"); got != nil {
		t.Errorf("every file is listed: got %v", got)
	}
	folder["acme/rds.yaml"] = &fstest.MapFile{Data: []byte("assets: [{asset: rds, title: RDS}]\n")}
	if got := unlisted("acme"); len(got) != 1 || got[0].File != "acme/profile.yaml" || got[0].Line != 1 ||
		got[0].Message != "files: rds.yaml is in the folder and not in this list: add it" {
		t.Errorf("rds.yaml is not listed: got %v, want one problem of profile.yaml", got)
	}
	if got := unlisted("acme/profile.yaml"); got != nil {
		t.Errorf("the profile is a file, not a folder: got %v", got)
	}
}
