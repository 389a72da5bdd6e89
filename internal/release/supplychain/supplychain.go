// Package supplychain describes the files of a release for those who verify them: a
// bill of materials, a container image, and a statement of how they were built. Equal
// input results in equal bytes.
package supplychain

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// File is a file of a release.
type File struct {
	Name string
	Body []byte
}

func (f File) sha256() string {
	sum := sha256.Sum256(f.Body)
	return hex.EncodeToString(sum[:])
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// SBOM returns the bill of materials of programs in CycloneDX 1.6 (JSON): each program
// with its hash, and the modules and the Go toolchain that Go recorded in it.
func SBOM(version string, programs map[string]io.ReaderAt, files []File) ([]byte, error) {
	libraries := map[string]component{}
	var applications []component
	var dependencies []dependency
	for _, f := range files {
		program := programs[f.Name]
		if program == nil {
			continue
		}
		info, err := buildinfo.Read(program)
		if err != nil {
			return nil, fmt.Errorf("read build information of %s: %w", f.Name, err)
		}
		applications = append(applications, component{
			Type: "application", Ref: f.Name, Name: f.Name, Version: version, Hashes: []hash{{"SHA-256", f.sha256()}},
		})
		toolchain := component{Type: "library", Name: "stdlib", Version: info.GoVersion}
		toolchain.PURL = "pkg:golang/stdlib@" + info.GoVersion
		toolchain.Ref = toolchain.PURL
		libraries[toolchain.Ref] = toolchain
		uses := []string{toolchain.Ref}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			purl := "pkg:golang/" + m.Path + "@" + m.Version
			libraries[purl] = component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
			uses = append(uses, purl)
		}
		slices.Sort(uses)
		dependencies = append(dependencies, dependency{f.Name, slices.Compact(uses)})
	}
	all := slices.Clone(applications)
	for _, purl := range slices.Sorted(maps.Keys(libraries)) {
		all = append(all, libraries[purl])
	}
	return encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata": map[string]any{
			"component": component{Type: "application", Ref: "permstack", Name: "permstack", Version: version},
		},
		"components": all, "dependencies": dependencies,
	})
}

// Source is what a release is built from.
type Source struct {
	Repository string // URL
	Commit     string // "" if it is not known, as in a source archive
	Builder    string // URI of the workflow or machine that builds
	Version    string
	Go         string // version of the toolchain
}

// Provenance returns an in-toto statement (v1) with a SLSA provenance predicate (v1)
// about files. Without a commit it names no source: a resolved dependency is identified
// by its digest (SLSA 1.0, "Provenance", resolvedDependencies is optional).
func Provenance(s Source, files []File) ([]byte, error) {
	type subject struct {
		Name   string            `json:"name"`
		Digest map[string]string `json:"digest"`
	}
	var subjects []subject
	for _, f := range files {
		subjects = append(subjects, subject{f.Name, map[string]string{"sha256": f.sha256()}})
	}
	definition := map[string]any{
		"buildType":          s.Repository + "/blob/main/docs/verify.md",
		"externalParameters": map[string]any{"command": "./build.sh package", "version": s.Version},
		"internalParameters": map[string]any{"go": s.Go},
	}
	if s.Commit != "" {
		definition["resolvedDependencies"] = []any{map[string]any{
			"uri": "git+" + s.Repository, "digest": map[string]string{"gitCommit": s.Commit},
		}}
	}
	return encode(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "subject": subjects,
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": definition,
			"runDetails":      map[string]any{"builder": map[string]string{"id": s.Builder}},
		},
	})
}

func encode(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "  ")
	return append(out, '\n'), err
}
