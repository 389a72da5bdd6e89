// Package release packs a release and publishes it. A release is a list of
// objects, the same in the bucket of every Region: the functions' zips, whose keys
// contain their hash, the templates that name those keys, and the checksums. The
// same commit and version result in the same bytes.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"permstack/internal/policies/schema"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// Options select what is packed.
type Options struct {
	Root         string // of the repository; its dist/ has the built zips
	Version      string
	BucketPrefix string
	Regions      []string // that the release is published to; none means every Region
	// Profile is one that is not built in, nil for none. It becomes the default of the
	// launch template and a part of the functions' packages.
	Profile *schema.Profile
	Flows   []schema.Flow // that the profile promises
	// Signed is a directory with the zips that AWS Signer returned, under any name; "" publishes the zips without a
	// signature.
	Signed string
	// Documents are the files with the permissions of each profile, by name (launchlink.PermissionsFile and others).
	// The templates of the profiles that have one link to it.
	Documents map[string][]byte
}

// Object is one file of a release.
type Object struct {
	Key         string // in the bucket
	File        string // in the folder of a packed release
	ContentType string
	Body        []byte
}

// SHA256 returns the checksum in hexadecimal.
func (o Object) SHA256() string {
	sum := sha256.Sum256(o.Body)
	return hex.EncodeToString(sum[:])
}

// HubTemplate is the path of the template of the organization's topic, which is
// not generated.
const HubTemplate = "templates/org-hub.yaml"

// IAMEventsTemplate is the path of the template that forwards the events of IAM to
// another Region.
const IAMEventsTemplate = "templates/iam-events.yaml"

var (
	versionPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	prefixPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,46}$`) // with a hyphen and a Region, at most 63 characters
)

// documentTypes are the content types of documents by the end of their names: browsers show them as such.
var documentTypes = map[string]string{".html": "text/html; charset=utf-8", ".md": "text/markdown; charset=utf-8"}

// documented returns the profiles whose permissions are published, sorted.
func (o Options) documented() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(o.Documents)) {
		if profile, ok := launchlink.ProfileOfPermissionsFile(name); ok {
			out = append(out, profile)
		}
	}
	return out
}

// Template is a generated template.
type Template struct {
	Name string
	Body []byte
}

// Templates generates the templates of a release from template.yaml.
func Templates(template []byte, r launch.Release) ([]Template, error) {
	stack, err := launch.Stack(template, r)
	if err != nil {
		return nil, err
	}
	set, err := launch.StackSet(stack, r)
	if err != nil {
		return nil, err
	}
	return []Template{{"launch-stack.yaml", stack}, {"stackset.yaml", set}}, nil
}

// ProfileTemplates generates the templates of each profile that template.yaml offers, and of one that is not built in,
// nil for none: of a stack, and of a stack set.
func ProfileTemplates(template []byte, r launch.Release, other *schema.Profile) ([]Template, error) {
	profiles, err := launch.OfferedProfiles(template)
	if err != nil {
		return nil, err
	}
	if other != nil {
		profiles = append(profiles, *other)
	}
	var out []Template
	for _, p := range profiles {
		body, err := launch.ProfileStack(template, p, r)
		if err != nil {
			return nil, err
		}
		set, err := launch.ProfileStackSet(p.Name, body, r)
		if err != nil {
			return nil, err
		}
		out = append(out, Template{launchlink.ProfileFile(p.Name), body}, Template{launch.ProfileStackSetFile(p.Name), set})
	}
	return out, nil
}

// Write writes a release to a directory, whose previous content is removed.
func Write(objects []Object, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, o := range objects {
		if err := os.WriteFile(filepath.Join(dir, o.File), o.Body, 0o644); err != nil {
			return fmt.Errorf("write %s of the release: %w", o.File, err)
		}
	}
	return nil
}
