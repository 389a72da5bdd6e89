package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"permstack/internal/awsapi/region"
	"permstack/internal/installation"
	"permstack/internal/policies/profilejson"
	"permstack/internal/release/launch"
	"permstack/internal/release/launchlink"
)

// Pack returns the objects of a release in the order of publication: the objects
// that a template names precede the template.
func Pack(o Options) ([]Object, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	source, err := os.ReadFile(filepath.Join(o.Root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	p := packer{o: o, source: source, template: source, release: launch.Release{
		Documents:    o.documented(),
		Version:      o.Version,
		BucketPrefix: o.BucketPrefix,
		Regions:      o.Regions,
		Code:         map[string]map[string]string{},
		Signed:       o.Signed != "",
	}}
	for _, step := range []func() error{p.addProfile, p.packFunctions, p.packDocuments, p.packTemplates} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p.packChecksums()
	return p.objects, nil
}

// check returns what is wrong with the options before anything is read.
func (o Options) check() error {
	if !versionPattern.MatchString(o.Version) {
		return fmt.Errorf("version %q: want 1 to 64 letters, digits, dots, underscores and hyphens", o.Version)
	}
	if !prefixPattern.MatchString(o.BucketPrefix) {
		return fmt.Errorf("bucket prefix %q: want 2 to 47 lower-case letters, digits and hyphens", o.BucketPrefix)
	}
	for _, name := range o.Regions {
		if !slices.Contains(region.Names(), name) {
			return fmt.Errorf("region %q is not a Region of AWS", name)
		}
	}
	return nil
}

// packer collects the objects of a release.
type packer struct {
	o        Options
	source   []byte            // template.yaml
	template []byte            // source, with the profile that is not built in as its default
	extra    map[string][]byte // files that are added to the functions' packages
	release  launch.Release
	objects  []Object
}

func (p *packer) add(name, contentType string, body []byte) Object {
	object := Object{Key: launchlink.Key(p.o.Version, name), File: name, ContentType: contentType, Body: body}
	p.objects = append(p.objects, object)
	return object
}

// addProfile adds the profile that is not built in to the template and to the functions' packages.
func (p *packer) addProfile() error {
	if p.o.Profile == nil {
		return nil
	}
	var err error
	if p.template, err = launch.AddProfile(p.source, *p.o.Profile); err != nil {
		return err
	}
	own, err := launch.ProfileStack(p.source, *p.o.Profile, launch.Unreleased(launch.Functions(p.source)...))
	if err != nil {
		return err
	}
	data, err := profilejson.Encode(*p.o.Profile, p.o.Flows...)
	if err != nil {
		return err
	}
	p.extra = map[string][]byte{
		profilejson.FileName(p.o.Profile.Name): data, installation.ParentTemplateFile: p.template,
		installation.ProfileTemplateFile(p.o.Profile.Name): own,
	}
	return nil
}

// packFunctions adds the zips of dist/, or the signed ones. The error is an *UnsignedError if zips have to be signed
// first.
func (p *packer) packFunctions() error {
	signed, err := readSigned(p.o.Signed)
	if err != nil {
		return err
	}
	var unsigned []Object
	for _, arch := range launch.Architectures {
		p.release.Code[arch] = map[string]string{}
		hashes := map[string]string{}
		for _, function := range launch.Functions(p.template) {
			zip, err := p.readFunction(function+"-"+arch+".zip", hashes)
			if err != nil {
				return err
			}
			if p.o.Signed != "" {
				plain := Object{Body: zip}
				if zip, err = signed.find(zip); err != nil {
					return err
				}
				if zip == nil {
					plain.File = function + "-" + arch + "-" + plain.SHA256() + ".zip"
					unsigned = append(unsigned, plain)
					break // the next function's zip contains the hash of the signed zip
				}
			}
			hash := Object{Body: zip}.SHA256()
			hashes[function] = hash
			p.release.Code[arch][function] = p.add(function+"-"+arch+"-"+hash+".zip", "application/zip", zip).Key
		}
	}
	if len(unsigned) > 0 {
		return &UnsignedError{unsigned}
	}
	return nil
}

// readFunction reads a function's package from dist/ and adds the files of the release: those that every function has,
// and the hashes of the functions that were packed before it.
func (p *packer) readFunction(file string, hashes map[string]string) ([]byte, error) {
	zip, err := os.ReadFile(filepath.Join(p.o.Root, "dist", file))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("dist/%s does not exist: run ./build.sh build", file)
	}
	if err != nil {
		return nil, err
	}
	files := maps.Clone(p.extra)
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
	if zip, err = AddFiles(zip, files); err != nil {
		return nil, fmt.Errorf("add files to dist/%s: %w", file, err)
	}
	return zip, nil
}

// packDocuments adds the documents of the options.
func (p *packer) packDocuments() error {
	for _, name := range slices.Sorted(maps.Keys(p.o.Documents)) {
		contentType, ok := documentTypes[filepath.Ext(name)]
		if !ok {
			return fmt.Errorf("document %s: want a name that ends with .html or .md", name)
		}
		p.add(name, contentType, p.o.Documents[name])
	}
	return nil
}

// packTemplates adds the generated templates and those that are published as they are.
func (p *packer) packTemplates() error {
	templates, err := Templates(p.template, p.release)
	if err != nil {
		return err
	}
	ofProfiles, err := ProfileTemplates(p.source, p.release, p.o.Profile)
	if err != nil {
		return err
	}
	templates = append(templates, ofProfiles...)
	for _, path := range []string{HubTemplate, IAMEventsTemplate} {
		body, err := os.ReadFile(filepath.Join(p.o.Root, filepath.FromSlash(path)))
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		templates = append(templates, Template{filepath.Base(path), body})
	}
	for _, t := range templates {
		p.add(t.Name, "application/yaml", t.Body)
	}
	return nil
}

func (p *packer) packChecksums() {
	var sums bytes.Buffer
	for _, object := range p.objects {
		fmt.Fprintf(&sums, "%s  %s\n", object.SHA256(), object.File)
	}
	p.add("SHA256SUMS", "text/plain", sums.Bytes())
}
