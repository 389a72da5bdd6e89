package permstack_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"permstack/internal/permissionstack"
)

// deployCommand is a command `aws cloudformation deploy` of a document, with its continuation lines.
var deployCommand = regexp.MustCompile(`aws cloudformation deploy (?:[^\n]*\\\n)*[^\n]*`)

// TestDeployCommands checks every `aws cloudformation deploy` of the documents: the AWS CLI refuses a template that is
// larger than CloudFormation accepts inline without --s3-bucket (AWS CLI Command Reference, cloudformation deploy).
func TestDeployCommands(t *testing.T) {
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("docs/profiles/*.md")
	if err != nil {
		t.Fatal(err)
	}
	file := regexp.MustCompile(`--template-file (\S+)`)
	large := 0
	for _, document := range append(append(documents, more...), "README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range deployCommand.FindAllString(string(text), -1) {
			name := file.FindStringSubmatch(command)
			if name == nil {
				continue // a sentence, not a command
			}
			info, err := os.Stat(filepath.Join("templates", filepath.Base(name[1])))
			if err != nil {
				t.Logf("%s: %s is not a template of a release", document, name[1])
				continue
			}
			if info.Size() <= permissionstack.MaxBody {
				continue
			}
			large++
			if !strings.Contains(command, "--s3-bucket ") {
				t.Errorf("%s: %s has %d bytes, and the command has no --s3-bucket:\n%s", document, name[1], info.Size(), command)
			}
		}
	}
	if large == 0 {
		t.Error("no document has a command that deploys a large template")
	}
}
