package installation

import "strings"

// Files that a release adds to the packages of its functions, beside the program.
const (
	// ParentTemplateFile is the template of the parent stack, if it is not the one that
	// is compiled into the program.
	ParentTemplateFile = "parent-template.yaml"
	// profileTemplatePrefix begins the name of the file with the launch template of a profile that is not built in.
	profileTemplatePrefix = "parent-template-"
	// CodeHashesFile is a JSON object with the SHA-256 in hexadecimal of the packages of
	// other functions, by the names of their directories. A package cannot contain its
	// own hash.
	CodeHashesFile = "code-sha256.json"
)

// ProfileTemplateFile returns the name of the file with the launch template of a profile that is not built in.
func ProfileTemplateFile(profile string) string { return profileTemplatePrefix + profile + ".yaml" }

// TemplateProfile returns the profile whose launch template a file has, "" for other files.
func TemplateProfile(file string) string {
	name, isTemplate := strings.CutPrefix(file, profileTemplatePrefix)
	if !isTemplate {
		return ""
	}
	return strings.TrimSuffix(name, ".yaml")
}
