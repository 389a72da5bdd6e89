// Package release packs a release and publishes it. A release is a list of
// objects, the same in the bucket of every Region: the functions' zips, whose keys
// contain their hash, the templates that name those keys, and the checksums. The
// same commit and version result in the same bytes.
package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"permstack/internal/awsapi/region"
	"permstack/internal/installation"
	"permstack/internal/policies/profilejson"
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

// Pack returns the objects of a release in the order of publication: the objects
// that a template names precede the template.
func Pack(o Options) ([]Object, error) {
	if !versionPattern.MatchString(o.Version) {
		return nil, fmt.Errorf("version %q: want 1 to 64 letters, digits, dots, underscores and hyphens", o.Version)
	}
	if !prefixPattern.MatchString(o.BucketPrefix) {
		return nil, fmt.Errorf("bucket prefix %q: want 2 to 47 lower-case letters, digits and hyphens", o.BucketPrefix)
	}
	template, err := os.ReadFile(filepath.Join(o.Root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	source := template
	var extra map[string][]byte // files that are added to the functions' packages
	if o.Profile != nil {
		if template, err = launch.AddProfile(template, *o.Profile); err != nil {
			return nil, err
		}
		own, err := launch.ProfileStack(source, *o.Profile, launch.Unreleased(launch.Functions(source)...))
		if err != nil {
			return nil, err
		}
		data, err := profilejson.Encode(*o.Profile, o.Flows...)
		if err != nil {
			return nil, err
		}
		extra = map[string][]byte{
			profilejson.FileName(o.Profile.Name): data, installation.ParentTemplateFile: template,
			installation.ProfileTemplateFile(o.Profile.Name): own,
		}
	}
	for _, name := range o.Regions {
		if !slices.Contains(region.Names(), name) {
			return nil, fmt.Errorf("region %q is not a Region of AWS", name)
		}
	}
	r := launch.Release{
		Documents:    o.documented(),
		Version:      o.Version,
		BucketPrefix: o.BucketPrefix,
		Regions:      o.Regions,
		Code:         map[string]map[string]string{},
		Signed:       o.Signed != "",
	}
	signed, err := readSigned(o.Signed)
	if err != nil {
		return nil, err
	}
	var unsigned []Object
	var objects []Object
	add := func(name, file, contentType string, body []byte) Object {
		object := Object{Key: launchlink.Key(o.Version, name), File: file, ContentType: contentType, Body: body}
		objects = append(objects, object)
		return object
	}
	functions := launch.Functions(template)
	for _, arch := range launch.Architectures {
		r.Code[arch] = map[string]string{}
		hashes := map[string]string{}
		for _, function := range functions {
			file := function + "-" + arch + ".zip"
			zip, err := os.ReadFile(filepath.Join(o.Root, "dist", file))
			if errors.Is(err, os.ErrNotExist) {
				return nil, fmt.Errorf("dist/%s does not exist: run ./build.sh build", file)
			}
			if err != nil {
				return nil, err
			}
			if zip, err = addReleaseFiles(zip, extra, hashes); err != nil {
				return nil, fmt.Errorf("add files to dist/%s: %w", file, err)
			}
			if o.Signed != "" {
				plain := zip
				if zip, err = signed.find(plain); err != nil {
					return nil, err
				}
				if zip == nil {
					o := Object{Body: plain}
					o.File = function + "-" + arch + "-" + o.SHA256() + ".zip"
					unsigned = append(unsigned, o)
					break // the next function's zip contains the hash of the signed zip
				}
			}
			hashes[function] = Object{Body: zip}.SHA256()
			name := function + "-" + arch + "-" + Object{Body: zip}.SHA256() + ".zip"
			r.Code[arch][function] = add(name, name, "application/zip", zip).Key
		}
	}
	if len(unsigned) > 0 {
		return nil, &UnsignedError{unsigned}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Documents)) {
		contentType, ok := documentTypes[filepath.Ext(name)]
		if !ok {
			return nil, fmt.Errorf("document %s: want a name that ends with .html or .md", name)
		}
		add(name, name, contentType, o.Documents[name])
	}
	templates, err := Templates(template, r)
	if err != nil {
		return nil, err
	}
	ofProfiles, err := ProfileTemplates(source, r, o.Profile)
	if err != nil {
		return nil, err
	}
	templates = append(templates, ofProfiles...)
	hub, err := os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(HubTemplate)))
	if err != nil {
		return nil, err
	}
	forward, err := os.ReadFile(filepath.Join(o.Root, filepath.FromSlash(IAMEventsTemplate)))
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	for _, t := range append(templates, Template{"org-hub.yaml", hub}, Template{"iam-events.yaml", forward}) {
		add(t.Name, t.Name, "application/yaml", t.Body)
	}
	var sums bytes.Buffer
	for _, object := range objects {
		fmt.Fprintf(&sums, "%s  %s\n", object.SHA256(), object.File)
	}
	add("SHA256SUMS", "SHA256SUMS", "text/plain", sums.Bytes())
	return objects, nil
}

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

// addReleaseFiles adds the files of a release to a function's package: those that every
// function has, and the hashes of the functions that were packed before it.
func addReleaseFiles(zip []byte, extra map[string][]byte, hashes map[string]string) ([]byte, error) {
	files := maps.Clone(extra)
	if len(hashes) > 0 {
		data, err := json.Marshal(hashes) // sorted by name
		if err != nil {
			return nil, err
		}
		if files == nil {
			files = map[string][]byte{}
		}
		files[installation.CodeHashesFile] = data
	}
	return AddFiles(zip, files)
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
