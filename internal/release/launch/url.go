package launch

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// Link is a choice to be launched from the console's quick-create page. The page
// takes the values of parameters from the URL, except secret ones (NoEcho).
type Link struct {
	TemplateURL string // of launch-stack.yaml, in S3
	Region      string
	StackName   string
	Profile     string            // "cpm"; "" is the template's own
	Preset      string            // stands in for Assets and Operations
	Assets      []string          // "ec2", "s3"; nil leaves the template's defaults
	Operations  []string          // "backup"; nil leaves the template's default; of another profile, all
	Options     []string          // "release=4.2"; nil leaves the template's default
	Parameters  map[string]string // by name
}

// consoles are the console's domains.
var consoles = map[string]string{"aws": "console.aws.amazon.com", "aws-us-gov": "console.amazonaws-us-gov.com", "aws-cn": "console.amazonaws.cn"}

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	stackPattern  = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)
	objectURL     = regexp.MustCompile(`^https://([a-z0-9][a-z0-9.-]+\.s3|s3)([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?/[^?#]+$`)
)

// asked stands for what the person fills in on the page, so that the rest can be
// held against the template's rules. cpm asks for
// neither unless the server's role is trusted.
func asked(values map[string]string) map[string]string {
	out := map[string]string{"DataPlaneAccountId": "111122223333", "ConnectionId": "main"}
	if values["Profile"] != "cpm" || strings.Contains(values["Options"], "trust=server-role") {
		out["ControlPlaneRoleArn"], out["ExternalId"] = "arn:aws:iam::111122223333:role/Control", "example"
	}
	return out
}

// URL gives the link, after the choice was held against launch-stack.yaml: what
// the template would refuse is refused here.
func (l Link) URL(template []byte) (string, error) {
	t, err := cfntemplate.Parse(template)
	if err != nil {
		return "", err
	}
	switch {
	case !regionPattern.MatchString(l.Region):
		return "", fmt.Errorf("region %q: want a Region such as us-east-1", l.Region)
	case !stackPattern.MatchString(l.StackName):
		return "", fmt.Errorf("stack name %q: want a letter, and then at most 127 letters, digits and hyphens", l.StackName)
	case !objectURL.MatchString(l.TemplateURL):
		return "", fmt.Errorf("template URL %q: the console takes the https URL of an object in S3 alone", l.TemplateURL)
	case strings.HasPrefix(l.Region, "cn-") != strings.Contains(l.TemplateURL, ".amazonaws.com.cn/"):
		return "", fmt.Errorf("template URL %q: CloudFormation in %s cannot read from another partition", l.TemplateURL, l.Region)
	}
	values, err := l.values(t)
	if err != nil {
		return "", err
	}
	if err := try(t, l, values); err != nil {
		return "", err
	}
	text := "https://" + l.Region + "." + consoles[cfntemplate.Partition(l.Region)] + "/cloudformation/home?region=" + l.Region +
		"#/stacks/quickcreate?templateURL=" + escape(l.TemplateURL) + "&stackName=" + escape(l.StackName)
	for _, p := range t.Parameters { // in the template's order
		if v, ok := values[p.Name]; ok {
			text += "&param_" + p.Name + "=" + escape(v)
		}
	}
	return text, nil
}

// escape is for the query that stands in the fragment, where a plus is a plus.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// values gives the parameters that the link sets.
func (l Link) values(t *cfntemplate.Template) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(l.Parameters)) {
		switch p := t.Parameter(name); {
		case p == nil:
			return nil, fmt.Errorf("parameter %s: the template has %s", name, strings.Join(open(t), ", "))
		case p.NoEcho:
			return nil, fmt.Errorf("parameter %s is secret: the console ignores it in a link, and links are passed around; it is filled in on the page", name)
		}
		values[name] = l.Parameters[name]
	}
	if l.Assets != nil {
		questions := assetQuestions(t)
		for _, name := range questions {
			values[name] = "no"
		}
		for _, a := range l.Assets {
			name := questions[strings.ReplaceAll(a, "-", "")]
			if name == "" {
				return nil, fmt.Errorf("asset %q: the template has %s", a, strings.Join(slices.Sorted(maps.Keys(questions)), ", "))
			}
			values[name] = "yes"
		}
	}
	if err := l.profile(t, values); err != nil {
		return nil, err
	}
	return values, nil
}

// profile sets what depends on the profile. Its defaults are the template's for
// the template's own profile; any other does everything unless it is told less.
func (l Link) profile(t *cfntemplate.Template, values map[string]string) error {
	standard := ""
	if p := t.Parameter("Profile"); p != nil {
		standard = p.Default
	}
	name := cmp.Or(l.Profile, values["Profile"], standard)
	profile, known := policies.Profile(name)
	switch {
	case !known:
		return fmt.Errorf("profile %q: want %s", name, strings.Join(policies.ProfileNames(), " or "))
	case l.Preset != "" && (l.Assets != nil || l.Operations != nil):
		return fmt.Errorf("preset %s chooses assets and operations: leave them out", l.Preset)
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

// inOrder gives what was chosen in the profile's order.
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

// assetQuestions are the parameters ProtectEC2, ProtectEC2MSSQL, … by their asset
// without hyphens: "ec2mssql".
func assetQuestions(t *cfntemplate.Template) map[string]string {
	out := map[string]string{}
	for _, p := range t.Parameters {
		if asset, ok := strings.CutPrefix(p.Name, "Protect"); ok {
			out[strings.ToLower(asset)] = p.Name
		}
	}
	return out
}

// open are the parameters that a link may set.
func open(t *cfntemplate.Template) []string {
	var names []string
	for _, p := range t.Parameters {
		if !p.NoEcho {
			names = append(names, p.Name)
		}
	}
	return names
}

// try evaluates the template for the choice, with something sensible where the
// person is asked.
func try(t *cfntemplate.Template, l Link, values map[string]string) error {
	all := map[string]string{}
	for name, v := range asked(values) {
		if p := t.Parameter(name); p != nil {
			all[name] = strings.Replace(v, "arn:aws:", "arn:"+cfntemplate.Partition(l.Region)+":", 1)
		}
	}
	maps.Copy(all, values)
	_, err := t.ResolveParameters(cfntemplate.Environment{Parameters: all, Pseudo: cfntemplate.Pseudo{
		AccountID: "111122223333", Region: l.Region, StackName: l.StackName,
		StackID: "arn:aws:cloudformation:" + l.Region + ":111122223333:stack/" + l.StackName + "/00000000-0000-0000-0000-000000000000",
	}})
	return err
}

// Button is the link as the README and other pages show it.
func Button(link string) string {
	return "[![Launch Stack](https://s3.amazonaws.com/cloudformation-examples/cloudformation-launch-stack.png)](" + link + ")"
}
