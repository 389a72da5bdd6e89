// Package launchlink builds the URLs that launch the templates of package launch in the console, and names a release's
// objects and the questions of its templates. It does not generate templates, so the review page links it at a small
// size.
package launchlink

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// Link is a choice that is launched from the console's quick-create page, which
// reads the values of parameters from the URL, except secret ones (NoEcho;
// CloudFormation User Guide, "Create quick-create links for stacks").
type Link struct {
	TemplateURL string // of the profile's template, in S3
	Region      string
	StackName   string
	Profile     string            // its name
	Preset      string            // replaces Assets and Operations
	Assets      []string          // "ec2", "s3"; nil keeps the template's defaults
	Operations  []string          // "backup"; nil means all
	Options     []string          // "release=4.2"; what is not listed keeps the template's default
	Parameters  map[string]string // by name
	// Published are the Regions that the release was published to; nil means those that the build of this program
	// recorded for its own release, and none for another.
	Published []string
}

// Set by the build of a release with -ldflags "-X …": its version, and the Regions that it is published to, with
// commas. A program that was built otherwise knows neither.
var releaseVersion, releaseRegions string

// published returns the Regions that the release of the template was published to, or nil if they are not known.
func (l Link) published() []string {
	if l.Published != nil || releaseRegions == "" || releaseVersion == "" ||
		!strings.Contains(l.TemplateURL, "/"+Key(releaseVersion, "")) {
		return l.Published
	}
	return strings.Split(releaseRegions, ",")
}

var (
	stackPattern = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)
	objectURL    = regexp.MustCompile(
		`^https://([a-z0-9][a-z0-9.-]+\.s3|s3)([.-][a-z0-9-]+)?\.([a-z][a-z.-]+)/[^?#]+$`,
	)
)

// isObjectURL reports whether a URL is that of an object in S3 of any partition.
func isObjectURL(url string) bool {
	m := objectURL.FindStringSubmatch(url)
	return m != nil && slices.ContainsFunc(region.PartitionIDs(), func(id string) bool {
		return region.DNSSuffix(id) == m[3]
	})
}

// examples returns values for what the customer fills in on the page, so that the
// other values can be checked against the template's rules: what the choice requires.
func (l Link) examples(t *cfntemplate.Template, values map[string]string) map[string]string {
	profile, _ := policies.Profile(l.Profile)
	sel := policies.Selection{Profile: l.Profile, Preset: l.Preset}
	parameters := AssetParameters(t)
	for _, a := range profile.Assets {
		name := parameters[strings.ReplaceAll(string(a.Asset), "-", "")]
		answer, given := values[name]
		if p := t.Parameter(name); p != nil && !given {
			answer = p.Default
		}
		if answer == "yes" {
			sel.Assets = append(sel.Assets, a.Asset)
		}
	}
	for _, o := range l.Operations {
		sel.Operations = append(sel.Operations, schema.Operation(o))
	}
	for _, o := range l.Options {
		sel.Options = append(sel.Options, schema.Option(o))
	}
	out := map[string]string{"ConnectionId": "main"}
	needed := choice.Needed(sel)
	if slices.Contains(needed, schema.ControlPlaneRole) {
		out["ControlPlaneRoleArn"], out["ExternalId"] = "arn:aws:iam::111122223333:role/Control", "example"
	}
	if (len(sel.Assets) > 0 || l.Preset != "") && slices.Contains(needed, schema.DataPlaneAccount) {
		out["DataPlaneAccountId"] = "111122223333"
	}
	return out
}

// URL returns the link. A choice that the template of the profile would refuse is an error.
func (l Link) URL(template []byte) (string, error) {
	t, err := cfntemplate.Parse(template)
	if err != nil {
		return "", err
	}
	return l.URLForTemplate(t)
}

// URLForTemplate is URL for a parsed template. Its parameters and rules are enough.
func (l Link) URLForTemplate(t *cfntemplate.Template) (string, error) {
	partition, known := region.Lookup(l.Region)
	switch {
	case !known:
		return "", fmt.Errorf("region %q: AWS has no Region of this name, or it is newer than this release", l.Region)
	case partition.Console == "":
		return "", fmt.Errorf("region %s: the address of the console of partition %s is not public: "+
			"create the stack with the AWS CLI", l.Region, partition.ID)
	case l.published() != nil && !slices.Contains(l.published(), l.Region):
		// The bucket of another Region might be a third party's, and the template in it, too.
		return "", fmt.Errorf("region %s: the release was published to these Regions only: %s", l.Region,
			strings.Join(l.published(), ", "))
	case !stackPattern.MatchString(l.StackName):
		return "", fmt.Errorf("stack name %q: want a letter, and then at most 127 letters, digits and hyphens", l.StackName)
	case !isObjectURL(l.TemplateURL):
		return "", fmt.Errorf("template URL %q: want the https URL of an object in S3", l.TemplateURL)
	case objectURL.FindStringSubmatch(l.TemplateURL)[3] != partition.DNSSuffix:
		return "", fmt.Errorf(
			"template URL %q: CloudFormation in %s cannot read from another partition",
			l.TemplateURL,
			l.Region,
		)
	}
	values, err := l.values(t)
	if err != nil {
		return "", err
	}
	if err := check(t, l, values); err != nil {
		return "", err
	}
	text := "https://" + l.Region + "." + partition.Console +
		"/cloudformation/home?region=" + l.Region + "#/stacks/quickcreate?templateURL=" + escape(l.TemplateURL) +
		"&stackName=" + escape(l.StackName)
	for _, p := range t.Parameters { // in the template's order
		if v, ok := values[p.Name]; ok {
			text += "&param_" + p.Name + "=" + escape(v)
		}
	}
	return text, nil
}

// escape escapes a value for the query in the fragment, where "+" is not a space.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// values returns the parameters that the link sets.
func (l Link) values(t *cfntemplate.Template) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(l.Parameters)) {
		switch p := t.Parameter(name); {
		case p == nil:
			return nil, fmt.Errorf("parameter %s: the template has %s", name, strings.Join(settable(t), ", "))
		case p.NoEcho:
			return nil, fmt.Errorf("parameter %s is secret: the console ignores it in a link; enter it on the page", name)
		}
		values[name] = l.Parameters[name]
	}
	choice, err := l.Answers(t)
	if err != nil {
		return nil, err
	}
	for name, value := range choice {
		if _, given := values[name]; !given {
			values[name] = value
		}
	}
	return values, nil
}

// Answers returns the parameters of the profile's template that select the choice, by name.
func (l Link) Answers(t *cfntemplate.Template) (map[string]string, error) {
	profile, known := policies.Profile(l.Profile)
	switch {
	case !known:
		return nil, fmt.Errorf("profile %q: want %s", l.Profile, strings.Join(policies.ProfileNames(), " or "))
	case l.Preset != "" && (l.Assets != nil || l.Operations != nil):
		return nil, fmt.Errorf("preset %s selects assets and operations: omit them", l.Preset)
	}
	for _, o := range l.Operations {
		if !slices.Contains(profile.Operations, schema.Operation(o)) {
			return nil, fmt.Errorf("operation %q: %s has %s", o, l.Profile, joined(profile.Operations))
		}
	}
	values := map[string]string{}
	if len(profile.Presets) > 0 {
		values["Preset"] = cmp.Or(l.Preset, WithoutPreset)
	} else if l.Preset != "" {
		return nil, fmt.Errorf("preset %q: profile %s has no presets", l.Preset, l.Profile)
	}
	if l.Assets != nil {
		parameters := AssetParameters(t)
		for _, name := range parameters {
			values[name] = "no"
		}
		for _, a := range l.Assets {
			name := parameters[strings.ReplaceAll(a, "-", "")]
			if name == "" {
				return nil, fmt.Errorf("unknown asset %q: the template has %s",
					a, strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
			}
			values[name] = "yes"
		}
	}
	if l.Operations != nil || l.Preset == "" && len(profile.Presets) > 0 {
		for _, o := range profile.Operations {
			chosen := l.Operations == nil || slices.Contains(l.Operations, string(o))
			values[OperationQuestion+Identifier(string(o))] = YesNo(chosen)
		}
	}
	return values, l.options(t, profile, values)
}

// options adds the answers to the questions about options and settings.
func (l Link) options(t *cfntemplate.Template, profile schema.Profile, values map[string]string) error {
	var valid []string
	for _, o := range profile.Options {
		valid = append(valid, string(o.Option))
	}
	for _, s := range profile.Settings {
		for _, v := range s.Values {
			valid = append(valid, string(v.Option))
		}
	}
	for _, o := range l.Options {
		if !slices.Contains(valid, o) {
			return fmt.Errorf("option %q: %s has %s", o, profile.Name, cmp.Or(strings.Join(valid, ", "), "none"))
		}
		if name, value, isSetting := strings.Cut(o, "="); isSetting {
			values[SettingQuestion+Identifier(name)] = value
			continue
		}
		values[optionParameter(t, o)] = "yes"
	}
	return nil
}

// optionParameter returns the name of the question about an option.
func optionParameter(t *cfntemplate.Template, option string) string {
	for _, p := range t.Parameters { // support-role is SupportRole
		if strings.EqualFold(p.Name, strings.ReplaceAll(option, "-", "")) {
			return p.Name
		}
	}
	return OptionQuestion + Identifier(option)
}

func joined(operations []schema.Operation) string {
	var names []string
	for _, o := range operations {
		names = append(names, string(o))
	}
	return strings.Join(names, ", ")
}

// AssetParameters returns the parameters ProtectEC2, ProtectEC2MSSQL, … by their
// asset without hyphens: "ec2mssql".
func AssetParameters(t *cfntemplate.Template) map[string]string {
	out := map[string]string{}
	for _, p := range t.Parameters {
		if asset, ok := strings.CutPrefix(p.Name, "Protect"); ok {
			out[strings.ToLower(asset)] = p.Name
		}
	}
	return out
}

// settable returns the names of the parameters that a link may set.
func settable(t *cfntemplate.Template) []string {
	var names []string
	for _, p := range t.Parameters {
		if !p.NoEcho {
			names = append(names, p.Name)
		}
	}
	return names
}

// check evaluates the template's rules for the choice, with examples for what the
// customer fills in.
func check(t *cfntemplate.Template, l Link, values map[string]string) error {
	all := map[string]string{}
	for name, v := range l.examples(t, values) {
		if p := t.Parameter(name); p != nil {
			all[name] = strings.Replace(v, "arn:aws:", "arn:"+cfntemplate.Partition(l.Region)+":", 1)
		}
	}
	maps.Copy(all, values)
	_, err := t.ResolveParameters(cfntemplate.Environment{Parameters: all, Pseudo: cfntemplate.Pseudo{
		AccountID: "111122223333", Region: l.Region, StackName: l.StackName,
		StackID: "arn:aws:cloudformation:" + l.Region + ":111122223333:stack/" + l.StackName +
			"/00000000-0000-0000-0000-000000000000",
	}})
	return err
}

// Button returns the Markdown of the link as a Launch Stack button.
func Button(link string) string {
	const image = "https://s3.amazonaws.com/cloudformation-examples/cloudformation-launch-stack.png"
	return "[![Launch Stack](" + image + ")](" + link + ")"
}
