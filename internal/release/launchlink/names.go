package launchlink

import (
	"strings"
	"unicode"

	"permstack/internal/awsapi/region"
	"permstack/internal/cfn/cfntemplate"
)

// The names of the questions of a profile's template begin with these; the rest is the name of the operation, option
// or setting, as Identifier returns it.
const (
	OperationQuestion = "Allow"
	OptionQuestion    = "Option"
	SettingQuestion   = "Setting"
)

// WithoutPreset is the value of the parameter Preset for a choice by the other parameters.
const WithoutPreset = "none"

// YesNo returns an answer to a question of a template.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Identifier returns a name as part of a logical ID, which has letters and digits only.
func Identifier(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Key returns the key of a file of a release.
func Key(version, file string) string { return "permstack/" + version + "/" + file }

// ObjectURL returns the URL of an object in the bucket of a Region.
func ObjectURL(prefix, name, key string) string {
	domain := region.DNSSuffix(cfntemplate.Partition(name))
	return "https://" + prefix + "-" + name + ".s3." + name + "." + domain + "/" + key
}

// ProfileFile returns the name of the template of a profile in a release.
func ProfileFile(profile string) string { return profile + ".yaml" }

const permissionsFile = "-permissions.html"

// PermissionsFile returns the name of the document with the permissions of a profile in a release.
func PermissionsFile(profile string) string { return profile + permissionsFile }

// ProfileOfPermissionsFile returns the profile of a document that PermissionsFile names.
func ProfileOfPermissionsFile(name string) (profile string, ok bool) {
	return strings.CutSuffix(name, permissionsFile)
}

// BesideURL returns the URL of the template of a profile beside another template of a release.
func BesideURL(url, profile string) string {
	return url[:strings.LastIndexByte(url, '/')+1] + ProfileFile(profile)
}
