// Package sarif has the part of SARIF 2.1.0 (OASIS Standard, "Static Analysis Results Interchange Format") that
// reports use.
package sarif

// Schema and Version identify the format.
const (
	Schema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	Version = "2.1.0"
)

// The levels of results.
const (
	Error   = "error"
	Warning = "warning"
	Note    = "note"
	None    = "none"
)

// Log is a file.
type Log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []Run  `json:"runs"`
}

// NewLog returns a file with one run of permstack.
func NewLog(version string, rules []Rule, results []Result) Log {
	return Log{Schema: Schema, Version: Version, Runs: []Run{{
		Tool: Tool{Driver{Name: "permstack", Version: version, Rules: rules}}, Results: results,
	}}}
}

// Run is a run of a tool.
type Run struct {
	Tool    Tool     `json:"tool"`
	Results []Result `json:"results"`
}

// Tool is a tool.
type Tool struct {
	Driver Driver `json:"driver"`
}

// Driver is the part of a tool that has rules.
type Driver struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Rules   []Rule `json:"rules"`
}

// Rule describes a kind of results.
type Rule struct {
	ID               string `json:"id"`
	ShortDescription Text   `json:"shortDescription"`
	Help             *Text  `json:"help,omitempty"`
	Properties       Tags   `json:"properties"`
}

// Tags are the tags of a rule.
type Tags struct {
	Tags []string `json:"tags"`
}

// Text is a message.
type Text struct {
	Text string `json:"text"`
}

// Result is a finding.
type Result struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      Text              `json:"message"`
	Locations    []Location        `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
}

// Location is where a finding is: in a file, in a policy.
type Location struct {
	Physical *Physical `json:"physicalLocation,omitempty"`
	Logical  []Logical `json:"logicalLocations"`
}

// Physical is a place in a file.
type Physical struct {
	Artifact Artifact `json:"artifactLocation"`
}

// Artifact is a file.
type Artifact struct {
	URI string `json:"uri"`
}

// Logical is a named place, such as a statement of a policy.
type Logical struct {
	Name               string `json:"name"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}
