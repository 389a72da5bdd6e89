// Package properties decodes the properties of the custom resource: what a customer
// chose. The provisioner deploys what they select, the drift check expects it.
package properties

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"permstack/internal/installation"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Properties are the decoded properties of the custom resource. Decoding checks
// types only; policies.Synthesize validates the values and their combination.
type Properties struct {
	Profile                    string
	Preset                     string
	Assets                     []string
	Operations                 []string
	Options                    []string // options and settings that have no property of their own
	SupportRole                bool
	AWSBackupInventory         bool
	ControlPlaneRoleARN        string
	SupportControlPlaneRoleARN string
	DataPlaneAccountID         string
	OtherAccounts              []string
	SharedResources            string // "none" or "organization"
	TopicKeyARN                string
	ProtectedARNs              []string
	ExternalID                 string
	ConnectionID               string
	Path                       string
	PermissionsBoundaryARN     string
	Tags                       []policies.Tag
	CatalogVersion             string
	RestoreUntil               time.Time // zero: no window
	MaxRestoreHours            int       // longest window; zero: DefaultMaxRestoreHours
	Scope                      scope.Scope
}

// NoExternalID is a value of ExternalId that means none. A prompt for a secret, which ExternalId is, may not accept
// an empty line: that of sam deploy --guided repeats it (SAM CLI, guided_context.py, prompt_parameters). It is
// shorter than an external id can be.
const NoExternalID = "-"

// fields maps each property to its decoder.
var fields = map[string]func(*Properties, any) error{
	"Profile":                    text(func(p *Properties) *string { return &p.Profile }),
	"Preset":                     text(func(p *Properties) *string { return &p.Preset }),
	"Assets":                     list(func(p *Properties) *[]string { return &p.Assets }),
	"Operations":                 list(func(p *Properties) *[]string { return &p.Operations }),
	"Options":                    list(func(p *Properties) *[]string { return &p.Options }),
	"SupportRole":                flag(func(p *Properties) *bool { return &p.SupportRole }),
	"AWSBackupInventory":         flag(func(p *Properties) *bool { return &p.AWSBackupInventory }),
	"ControlPlaneRoleArn":        text(func(p *Properties) *string { return &p.ControlPlaneRoleARN }),
	"SupportControlPlaneRoleArn": text(func(p *Properties) *string { return &p.SupportControlPlaneRoleARN }),
	"DataPlaneAccountId":         text(func(p *Properties) *string { return &p.DataPlaneAccountID }),
	"OtherAccountIds":            list(func(p *Properties) *[]string { return &p.OtherAccounts }),
	"SharedResources":            enum(func(p *Properties) *string { return &p.SharedResources }, "none", "organization"),
	"TopicKeyArn":                text(func(p *Properties) *string { return &p.TopicKeyARN }),
	"ProtectedArns":              list(func(p *Properties) *[]string { return &p.ProtectedARNs }),
	"ExternalId":                 externalID,
	"ConnectionId":               text(func(p *Properties) *string { return &p.ConnectionID }),
	"Path":                       text(func(p *Properties) *string { return &p.Path }),
	"PermissionsBoundaryArn":     text(func(p *Properties) *string { return &p.PermissionsBoundaryARN }),
	"Tags":                       func(p *Properties, v any) (err error) { p.Tags, err = tags(v); return err },
	"CatalogVersion":             text(func(p *Properties) *string { return &p.CatalogVersion }),
	"RestoreUntil":               restoreUntil,
	"MaxRestoreHours":            maxRestoreHours,
	"OnlyTags":                   onlyKind(scope.Tag),
	"OnlyBuckets":                onlyKind(scope.Bucket),
	"OnlyTables":                 onlyKind(scope.Table),
	"OnlyDatabases":              onlyKind(scope.Database),
	"OnlyKeys":                   onlyKind(scope.Key),
	"OnlyRegions":                onlyKind(scope.Region),
	"OnlyVpcs":                   onlyKind(scope.VPC),
	"OnlyMore":                   onlyMore,
	"OnlyMore2":                  onlyMore,

	// Its only use is to be changed: CloudFormation calls the function only then.
	"Revision": text(func(*Properties) *string { return new(string) }),

	// CloudFormation adds these to every custom resource; they are not used.
	"ServiceToken":   func(*Properties, any) error { return nil },
	"ServiceTimeout": func(*Properties, any) error { return nil },
}

// Names returns the properties that a customer may set, sorted.
func Names() []string {
	names := slices.Collect(maps.Keys(fields))
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, "Service") })
	sort.Strings(names)
	return names
}

// Decode decodes the properties of an event. CloudFormation passes
// every scalar as a string. A list may be a JSON list or a comma-separated string,
// the form of a CommaDelimitedList parameter. Spaces around values and empty list
// entries are removed. The error names every problem, and never contains a value:
// it might be the external id.
func Decode(raw map[string]any) (Properties, error) {
	var p Properties
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		read, known := fields[name]
		switch {
		case !known:
			problems = append(
				problems,
				fmt.Errorf("unknown property %q: want one of %s", name, strings.Join(Names(), ", ")),
			)
		case raw[name] != nil:
			if err := read(&p, raw[name]); err != nil {
				problems = append(problems, fmt.Errorf("property %s: %w", name, err))
			}
		}
	}
	return p, joinErrors(problems)
}

// Selection returns the selected permissions.
func (p Properties) Selection() policies.Selection {
	sel := policies.Selection{Profile: p.Profile, Preset: p.Preset, CatalogVersion: p.CatalogVersion,
		RestoreUntil: p.RestoreUntil, Scope: p.Scope}
	for _, a := range p.Assets {
		sel.Assets = append(sel.Assets, schema.Asset(a))
	}
	for _, o := range p.Operations {
		sel.Operations = append(sel.Operations, schema.Operation(o))
	}
	for _, o := range p.Options {
		sel.Options = append(sel.Options, schema.Option(o))
	}
	if p.SupportRole {
		sel.Options = append(sel.Options, "support-role")
	}
	if p.AWSBackupInventory {
		sel.Options = append(sel.Options, "aws-backup-inventory")
	}
	return sel
}

// Environment returns the account and Region of the parent stack and the
// principals that the customer trusts.
func (p Properties) Environment(parent installation.Parent) policies.Environment {
	return policies.Environment{
		StackNames:                 parent.StackNames(),
		InstallationID:             parent.ShortID(),
		Partition:                  parent.Partition,
		Account:                    parent.Account,
		Region:                     parent.Region,
		ControlPlaneRoleARN:        p.ControlPlaneRoleARN,
		SupportControlPlaneRoleARN: p.SupportControlPlaneRoleARN,
		DataPlaneAccountID:         p.DataPlaneAccountID,
		OtherAccounts:              p.OtherAccounts,
		Organization:               p.SharedResources == "organization",
		TopicKeyARN:                p.TopicKeyARN,
		Protected:                  p.ProtectedARNs,
		ExternalID:                 p.ExternalID,
		ConnectionID:               p.ConnectionID,
		Path:                       p.Path,
		PermissionsBoundaryARN:     p.PermissionsBoundaryARN,
		Tags:                       p.Tags,
	}
}

func text(field func(*Properties) *string) func(*Properties, any) error {
	return func(p *Properties, v any) error {
		s, ok := v.(string)
		if !ok {
			return fmt.Errorf("want a string, got %s", kind(v))
		}
		*field(p) = strings.TrimSpace(s)
		return nil
	}
}

// externalID reads the external id, which NoExternalID leaves out.
func externalID(p *Properties, v any) error {
	err := text(func(p *Properties) *string { return &p.ExternalID })(p, v)
	if p.ExternalID == NoExternalID {
		p.ExternalID = ""
	}
	return err
}

// enum reads a text that has one of a few values, or is empty.
func enum(field func(*Properties) *string, valid ...string) func(*Properties, any) error {
	read := text(field)
	return func(p *Properties, v any) error {
		if err := read(p, v); err != nil {
			return err
		}
		if s := *field(p); s != "" && !slices.Contains(valid, s) {
			return fmt.Errorf("want %s", strings.Join(valid, " or "))
		}
		return nil
	}
}

func flag(field func(*Properties) *bool) func(*Properties, any) error {
	return func(p *Properties, v any) error {
		s, ok := v.(string)
		if b, isBool := v.(bool); isBool {
			s, ok = fmt.Sprint(b), true
		}
		if !ok {
			return fmt.Errorf("want true or false, got %s", kind(v))
		}
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true":
			*field(p) = true
		case "false", "":
			*field(p) = false
		default:
			return errors.New("want true or false")
		}
		return nil
	}
}

func list(field func(*Properties) *[]string) func(*Properties, any) error {
	return func(p *Properties, v any) (err error) {
		*field(p), err = stringList(v)
		return err
	}
}

func stringList(v any) ([]string, error) {
	var out []string
	items, isList := v.([]any)
	if !isList {
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("want a list of strings or a comma-separated string, got %s", kind(v))
		}
		for _, item := range strings.Split(s, ",") {
			items = append(items, item)
		}
	}
	for i, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("entry %d: want a string, got %s", i+1, kind(item))
		}
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

// kind returns the type of a JSON value, for error messages.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	default:
		return "a number"
	}
}

// joinErrors joins errors on one line, unlike errors.Join: CloudFormation's
// console shows a reason on one line.
func joinErrors(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
