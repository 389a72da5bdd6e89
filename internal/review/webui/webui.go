// Package webui is the engine of the review page: it returns what can be chosen and
// what a choice grants, as JSON. It is pure. The page runs it as WebAssembly.
package webui

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/profilejson"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
	"permstack/internal/review/explain"
	"permstack/internal/review/policyjson"
)

// Request is a choice with the account, Region and vendor's values that it is for.
// Empty fields become pseudo parameters or example values.
type Request struct {
	Choice  string `json:"choice"`  // in the syntax of choice.Parse
	Compare string `json:"compare"` // another choice to compare with; empty for none

	Region                     string `json:"region"`
	Account                    string `json:"account"`
	ConnectionID               string `json:"connectionId"`
	ControlPlaneRoleARN        string `json:"controlPlaneRole"`
	SupportControlPlaneRoleARN string `json:"supportControlPlaneRole"`
	DataPlaneAccountID         string `json:"dataPlaneAccount"`
	ExternalID                 string `json:"externalId"`
	Path                       string `json:"path"`
	PermissionsBoundaryARN     string `json:"permissionsBoundary"`

	// Narrowing is what follows the choice in a link: &only=KIND:VALUE,… narrows it to
	// resources, &until=TIME is the end of a restore window.
	Narrowing string `json:"narrowing"`

	TemplateURL string `json:"templateURL"` // of a template of the release; empty: no Launch Stack link
}

// Response is what a choice grants. If Problems is not empty, the choice is invalid
// and the other fields are incomplete.
type Response struct {
	Problems      []string          `json:"problems"`
	Version       string            `json:"catalogVersion"`
	Needs         []schema.Value    `json:"needs"`    // the vendor's values that the choice needs
	Examples      []schema.Value    `json:"examples"` // those of Needs that are example values
	Actions       int               `json:"actions"`
	Policies      []Policy          `json:"policies"`
	Roles         []Role            `json:"roles"`
	Grants        []explain.Grant   `json:"grants"`   // in the set's order
	Uses          [][]string        `json:"uses"`     // of each grant, as explain.Uses
	Findings      []explain.Finding `json:"findings"` // by class, as explain --risk shows them
	Summary       string            `json:"findingsSummary"`
	Rules         []explain.Rule    `json:"rules"`
	Prerequisites []Prerequisite    `json:"prerequisites"` // what to set up outside IAM
	Template      string            `json:"template"`
	Review        string            `json:"review"`
	Launch        string            `json:"launch"`        // the Launch Stack link
	LaunchProblem string            `json:"launchProblem"` // why there is no link
	Comparison    *Comparison       `json:"comparison,omitempty"`
	// Narrowed is what the choice is narrowed to, as KIND:VALUE, and NotNarrowed the access
	// that this does not limit. Flags are the command line's for the same.
	Narrowed    []string             `json:"narrowed"`
	NotNarrowed []explain.Unnarrowed `json:"notNarrowed"`
	Flags       string               `json:"flags"`
}

// Role is a role of the set.
type Role struct {
	Entity string `json:"entity"`
	Name   string `json:"name"`
	Why    string `json:"why"`
}

// Policy is a policy of the set and its size.
type Policy struct {
	Role   string      `json:"role"`
	Entity string      `json:"entity"`
	Name   string      `json:"name"`
	Kind   schema.Kind `json:"kind"`
	Why    string      `json:"why"`
	Size   int         `json:"size"` // characters that IAM counts
	Limit  int         `json:"limit"`
}

// Prerequisite is something that IAM policies cannot grant and that the customer
// must set up.
type Prerequisite struct {
	Text string   `json:"text"`
	Uses []string `json:"uses"` // as explain.Uses
}

// Evaluate returns the response to a request.
func (r Request) Evaluate() Response {
	a := Response{
		Needs: []schema.Value{}, Examples: []schema.Value{}, Policies: []Policy{}, Roles: []Role{},
		Grants: []explain.Grant{}, Uses: [][]string{}, Rules: []explain.Rule{},
		Prerequisites: []Prerequisite{}, Findings: []explain.Finding{}, Narrowed: []string{},
		NotNarrowed: []explain.Unnarrowed{},
	}
	if err := a.fill(r); err != nil {
		var input *policies.InputError
		if errors.As(err, &input) {
			a.Problems = input.Problems
		} else {
			a.Problems = []string{err.Error()}
		}
	}
	if a.Problems == nil {
		a.Problems = []string{}
	}
	return a
}

func (a *Response) fill(r Request) error {
	sel, err := parseLink(r.Choice + r.Narrowing)
	if err != nil {
		return err
	}
	a.Needs = append(a.Needs, choice.Needed(sel)...)
	given := r.environment()
	env := choice.Example(sel, given)
	for _, v := range a.Needs {
		if value(given, v) == "" {
			a.Examples = append(a.Examples, v)
		}
	}
	set, err := synthesize(sel, env)
	if err != nil {
		return err
	}
	a.Narrowed, a.Flags = append(a.Narrowed, set.Scope.Entries()...), flags(sel)
	a.Version, a.Actions = set.CatalogVersion, set.Actions()
	a.Grants = explain.Grants(set, sel, explain.NewDescriber(sel, env))
	for _, g := range a.Grants {
		a.Uses = append(a.Uses, explain.Uses(g.For))
	}
	a.NotNarrowed = append(a.NotNarrowed, explain.NotNarrowed(set, a.Grants)...)
	a.Findings = explain.Findings(a.Grants)
	a.Summary = explain.Summary(a.Findings)
	a.Rules = explain.Rules(set)
	profile, _ := policies.Profile(sel.Profile)
	for _, p := range explain.AllPrerequisites(profile, sel) {
		a.Prerequisites = append(a.Prerequisites, Prerequisite{p.Text, explain.Uses(p.For)})
	}
	for _, role := range set.Roles {
		a.Roles = append(a.Roles, Role{role.Entity, role.Name, role.Description})
		for _, p := range role.Managed {
			a.Policies = append(a.Policies, newPolicy(role, p, schema.Managed, policies.MaxManagedPolicy))
		}
		for _, p := range role.Inline {
			a.Policies = append(a.Policies, newPolicy(role, p, schema.Inline, policies.MaxInlinePolicies))
		}
	}
	template, err := permissionstack.Combined(set)
	if err != nil {
		return err
	}
	a.Template = string(template.Printable())
	doc, err := policyjson.FromSet(set.WithoutUnnamedStack(), policyjson.NewPlace(env))
	if err != nil {
		return err
	}
	text, err := doc.JSON()
	if err != nil {
		return err
	}
	a.Review = string(text)
	if r.Compare != "" {
		a.Comparison = r.compare(sel)
	}
	if a.Launch, err = r.launch(sel); err != nil {
		a.LaunchProblem = err.Error()
	}
	return nil
}

func newPolicy(role policies.Role, p policies.Policy, kind schema.Kind, limit int) Policy {
	return Policy{
		Role: role.Entity, Entity: p.Entity, Name: p.Name, Kind: kind, Why: p.Description,
		Size: p.Document.Size(), Limit: limit,
	}
}

func (r Request) environment() policies.Environment {
	return policies.Environment{
		Region: r.Region, Account: r.Account, ConnectionID: r.ConnectionID,
		ControlPlaneRoleARN: r.ControlPlaneRoleARN, SupportControlPlaneRoleARN: r.SupportControlPlaneRoleARN,
		DataPlaneAccountID: r.DataPlaneAccountID, ExternalID: r.ExternalID,
		Path: r.Path, PermissionsBoundaryARN: r.PermissionsBoundaryARN,
	}
}

// value returns the vendor's value v of an environment, or "".
func value(env policies.Environment, v schema.Value) string {
	switch v {
	case schema.ControlPlaneRole:
		return env.ControlPlaneRoleARN
	case schema.SupportControlPlaneRole:
		return env.SupportControlPlaneRoleARN
	case schema.DataPlaneAccount:
		return env.DataPlaneAccountID
	case schema.ExternalID:
		return env.ExternalID
	}
	return ""
}

// launch returns the Launch Stack link. The external ID is a secret and is not part
// of it.
func (r Request) launch(sel policies.Selection) (string, error) {
	if r.TemplateURL == "" {
		return "", errors.New("enter the URL of a template of the release")
	}
	if r.Region == "" {
		return "", errors.New("enter the Region to launch in")
	}
	form, ok := forms.Load(sel.Profile)
	if !ok {
		return "", fmt.Errorf("profile %s has no template", sel.Profile)
	}
	parsed := form.(*cfntemplate.Template)
	link := launchlink.Link{
		TemplateURL: launchlink.BesideURL(r.TemplateURL, sel.Profile), Region: r.Region, StackName: "permstack",
		Profile: sel.Profile, Preset: sel.Preset, Parameters: map[string]string{},
	}
	for _, a := range sel.Assets {
		link.Assets = append(link.Assets, string(a))
	}
	for _, o := range sel.Operations {
		link.Operations = append(link.Operations, string(o))
	}
	set := func(name, value string) {
		if value != "" && parsed.Parameter(name) != nil { // others the profile does not read
			link.Parameters[name] = value
		}
	}
	// Values that were entered for another choice stay in the page; the template refuses what it does not read.
	used := choice.With(sel, policies.Environment{}, r.environment())
	set("ControlPlaneRoleArn", used.ControlPlaneRoleARN)
	set("SupportControlPlaneRoleArn", used.SupportControlPlaneRoleARN)
	set("DataPlaneAccountId", used.DataPlaneAccountID)
	set("ConnectionId", r.ConnectionID)
	set("RolePath", r.Path)
	set("PermissionsBoundaryArn", r.PermissionsBoundaryARN)
	set("RestoreUntil", policies.FormatRestoreUntil(sel.RestoreUntil))
	for kind, parameter := range onlyParameters {
		set(parameter, strings.Join(sel.Scope.Get(kind), ","))
	}
	for _, o := range sel.Options {
		if o == "support-role" && r.SupportControlPlaneRoleARN == "" {
			return "", errors.New("enter the role of the support staff, or deselect the support role")
		}
		link.Options = append(link.Options, string(o))
	}
	return link.URLForTemplate(parsed)
}

// forms are the parameters and rules of the profiles' templates, by profile: what a Launch Stack link needs. The page
// is built with them, because generating them takes more code and time than everything else that a request evaluates.
var forms sync.Map

// AddForm makes the form of a profile's template known, as launch.LinkForm writes it.
func AddForm(profile string, form []byte) error {
	template, err := cfntemplate.ParseJSON(form)
	if err != nil {
		return fmt.Errorf("parse the form of profile %s: %w", profile, err)
	}
	forms.Store(profile, template)
	return nil
}

// addProfile makes a profile in JSON known, which the page was built with.
func addProfile(data []byte) error {
	profile, err := profilejson.Decode(data)
	if err == nil {
		err = policies.AddProfile(profile.Profile, profile.Flows...)
	}
	return err
}

// problems returns the response that has an error as its only problem, or none.
func problems(err error) Response {
	if err != nil {
		return Response{Problems: []string{err.Error()}}
	}
	return Response{Problems: []string{}}
}

// Catalog is what can be chosen.
type Catalog struct {
	Profiles []Profile       `json:"profiles"`
	Releases []string        `json:"releases"`
	Levels   []explain.Level `json:"levels"`
	Classes  []explain.Class `json:"classes"` // of findings
}

// Profile is a vendor profile.
type Profile struct {
	Name       string             `json:"name"`
	Vendor     string             `json:"vendor"`
	Assets     []Item             `json:"assets"`
	Operations []schema.Operation `json:"operations"`
	Options    []Item             `json:"options"`
	Settings   []Setting          `json:"settings"`
	Presets    []Item             `json:"presets"`
}

// Item is a choice with its title.
type Item struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Setting is an option with one of several values.
type Setting struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Values  []Item `json:"values"`
	Default string `json:"default"`
}

// NewCatalog returns what can be chosen.
func NewCatalog() Catalog {
	c := Catalog{Releases: policies.Releases, Levels: explain.Levels, Classes: explain.Classes}
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		out := Profile{
			Name: p.Name, Vendor: p.Vendor, Operations: p.Operations,
			Assets: []Item{}, Options: []Item{}, Settings: []Setting{}, Presets: []Item{},
		}
		for _, a := range p.Assets {
			out.Assets = append(out.Assets, Item{string(a.Asset), a.Title})
		}
		for _, o := range p.Options {
			out.Options = append(out.Options, Item{string(o.Option), o.Title})
		}
		for _, s := range p.Settings {
			setting := Setting{Name: s.Name, Title: s.Title, Default: string(s.Default)}
			for _, v := range s.Values {
				setting.Values = append(setting.Values, Item{string(v.Option), v.Title})
			}
			out.Settings = append(out.Settings, setting)
		}
		for _, preset := range p.Presets {
			out.Presets = append(out.Presets, Item{preset.Name, preset.Title})
		}
		c.Profiles = append(c.Profiles, out)
	}
	return c
}

// Handle returns the JSON response to a request in JSON: {"type":"catalog"} returns a
// Catalog, {"type":"profile","profile":…} adds a profile, {"type":"form","name":…,"form":…} adds the form of a
// profile's template, a Request returns a Response, and with {"type":"report",…} the risk report as HTML.
func Handle(text string) string {
	var request struct {
		Type    string          `json:"type"`
		Profile json.RawMessage `json:"profile"`
		Name    string          `json:"name"`
		Form    json.RawMessage `json:"form"`
		Request
	}
	var response any
	if err := json.Unmarshal([]byte(text), &request); err != nil {
		response = Response{Problems: []string{err.Error()}}
	} else {
		switch request.Type {
		case "catalog":
			response = NewCatalog()
		case "profile":
			response = problems(addProfile(request.Profile))
		case "form":
			response = problems(AddForm(request.Name, request.Form))
		case "report":
			response = request.Request.report()
		default:
			response = request.Request.Evaluate()
		}
	}
	data, err := json.Marshal(response)
	if err != nil { // these types always marshal
		panic(err)
	}
	return string(data)
}
