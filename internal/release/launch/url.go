package launch

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
	TemplateURL string // of launch-stack.yaml, in S3
	Region      string
	StackName   string
	Profile     string            // its name; "" is the template's default
	Preset      string            // replaces Assets and Operations
	Assets      []string          // "ec2", "s3"; nil keeps the template's defaults
	Operations  []string          // "backup"; nil keeps the template's default, or means all of another profile
	Options     []string          // "release=4.2"; nil keeps the template's default
	Parameters  map[string]string // by name
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
// other values can be checked against the template's rules: the vendor's role and
// external id only if the choice needs a role.
func (l Link) examples(t *cfntemplate.Template, values map[string]string) map[string]string {
	out := map[string]string{"DataPlaneAccountId": "111122223333", "ConnectionId": "main"}
	sel := policies.Selection{Profile: l.profileName(t, values), Preset: l.Preset}
	for o := range strings.SplitSeq(values["Options"], ",") {
		if o != "" {
			sel.Options = append(sel.Options, schema.Option(o))
		}
	}
	if slices.Contains(choice.Needed(sel), schema.ControlPlaneRole) {
		out["ControlPlaneRoleArn"], out["ExternalId"] = "arn:aws:iam::111122223333:role/Control", "example"
	}
	return out
}

// profileName returns the profile that the link selects: its own, the parameter's,
// or the template's default.
func (l Link) profileName(t *cfntemplate.Template, values map[string]string) string {
	return cmp.Or(l.Profile, values["Profile"], standardProfile(t))
}

func standardProfile(t *cfntemplate.Template) string {
	if p := t.Parameter("Profile"); p != nil {
		return p.Default
	}
	return ""
}

// URL returns the link. A choice that launch-stack.yaml would refuse is an error.
func (l Link) URL(template []byte) (string, error) {
	t, err := cfntemplate.Parse(template)
	if err != nil {
		return "", err
	}
	partition, known := region.Lookup(l.Region)
	switch {
	case !known:
		return "", fmt.Errorf("region %q: AWS has no Region of this name, or it is newer than this release", l.Region)
	case partition.Console == "":
		return "", fmt.Errorf("region %s: the address of the console of partition %s is not public: "+
			"create the stack with the AWS CLI", l.Region, partition.ID)
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
	if l.Assets != nil {
		parameters := AssetParameters(t)
		for _, name := range parameters {
			values[name] = "no"
		}
		for _, a := range l.Assets {
			name := parameters[strings.ReplaceAll(a, "-", "")]
			if name == "" {
				return nil, fmt.Errorf("asset %q: the template has %s", a, strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
			}
			values[name] = "yes"
		}
	}
	if err := l.profile(t, values); err != nil {
		return nil, err
	}
	return values, nil
}

// profile sets the parameters that depend on the profile. The defaults of the
// template are those of its default profile; the default of another profile is all
// operations.
func (l Link) profile(t *cfntemplate.Template, values map[string]string) error {
	standard := standardProfile(t)
	name := l.profileName(t, values)
	profile, known := policies.Profile(name)
	switch {
	case !known:
		return fmt.Errorf("profile %q: want %s", name, strings.Join(policies.ProfileNames(), " or "))
	case l.Preset != "" && (l.Assets != nil || l.Operations != nil):
		return fmt.Errorf("preset %s selects assets and operations: omit them", l.Preset)
	}
	for _, o := range l.Operations {
		if !slices.Contains(profile.Operations, schema.Operation(o)) {
			return fmt.Errorf("operation %q: %s has %s", o, name, joined(profile.Operations))
		}
	}
	if _, given := values["Operations"]; l.Operations != nil || !given && name != standard {
		values["Operations"] = strings.Join(inOrder(l.Operations, profile.Operations), ",")
	}
	if name != standard {
		values["Profile"] = name
	}
	if l.Preset != "" {
		values["Preset"] = l.Preset
	}
	if l.Options != nil {
		values["Options"] = strings.Join(l.Options, ",")
	}
	return nil
}

// inOrder returns the chosen operations in the profile's order.
func inOrder(chosen []string, all []schema.Operation) []string {
	var out []string
	for _, o := range all {
		if slices.Contains(chosen, string(o)) {
			out = append(out, string(o))
		}
	}
	return out
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
