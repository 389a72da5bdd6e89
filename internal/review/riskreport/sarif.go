package riskreport

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"permstack/internal/review/explain"
)

// The types below are the part of SARIF 2.1.0 (OASIS Standard, "Static Analysis Results Interchange Format") that the
// report uses.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string     `json:"id"`
	ShortDescription sarifText  `json:"shortDescription"`
	Help             *sarifText `json:"help,omitempty"`
	Properties       sarifTags  `json:"properties"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifLogical struct {
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

// sarifLevels are SARIF's levels of the levels of risk.
var sarifLevels = map[explain.Level]string{
	explain.High: "error", explain.Medium: "warning", explain.Low: "note", explain.Minimal: "none",
}

// sarif returns the findings as SARIF. A statement is a logical location: role/policy/Sid.
func (r Report) sarif() sarifLog {
	run := sarifRun{
		Tool:    sarifTool{sarifDriver{Name: "permstack", Version: r.CatalogVersion, Rules: []sarifRule{}}},
		Results: []sarifResult{},
	}
	index := map[string]int{}
	for _, f := range r.Findings {
		i, known := index[f.ID]
		if !known {
			i = len(run.Tool.Driver.Rules)
			index[f.ID] = i
			rule := sarifRule{
				ID: f.ID, ShortDescription: sarifText{f.Title},
				Properties: sarifTags{[]string{"security", strings.ReplaceAll(string(f.Class), " ", "-")}},
			}
			if len(f.Closes) > 0 {
				rule.Help = &sarifText{list(f.Closes)}
			}
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
		}
		result := sarifResult{
			RuleID: f.ID, RuleIndex: i, Level: sarifLevels[f.Level], Message: sarifText{message(f)},
			Locations: []sarifLocation{},
		}
		key := sha256.New()
		key.Write([]byte(f.ID + "\x00" + f.Role))
		for _, step := range f.Steps {
			for _, st := range step.Statements {
				name := f.Role + "/" + st.Policy + "/" + st.Sid
				key.Write([]byte("\x00" + name))
				location := sarifLocation{Logical: []sarifLogical{{st.Sid, name, "member"}}}
				if r.File != "" && r.File != "-" {
					location.Physical = &sarifPhysical{sarifArtifact{r.File}}
				}
				result.Locations = append(result.Locations, location)
			}
		}
		result.Fingerprints = map[string]string{"permstack/v1": hex.EncodeToString(key.Sum(nil))[:32]}
		run.Results = append(run.Results, result)
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}

// message returns the text of a finding: what is possible, its limits and what would close it.
func message(f explain.Finding) string {
	text := f.Role + ": " + f.Title + "."
	for _, part := range []struct {
		name   string
		values []string
	}{
		{"Limits", f.Bounds}, {"No limits", f.NoBounds}, {"Remains", remains(f.Remains)}, {"To close it", f.Closes},
	} {
		if len(part.values) > 0 {
			text += " " + part.name + ": " + list(part.values) + "."
		}
	}
	return text
}
