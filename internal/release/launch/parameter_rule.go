package launch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/permissionstack/properties"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// inputParameters are the parameters of template.yaml for the inputs of a profile.
var inputParameters = map[schema.Value]string{
	schema.ControlPlaneRole:        "ControlPlaneRoleArn",
	schema.SupportControlPlaneRole: "SupportControlPlaneRoleArn",
	schema.DataPlaneAccount:        "DataPlaneAccountId",
	schema.ExternalID:              "ExternalId",
}

// ruleName returns the name of the rule that checks the parameters of a profile: ParametersOfClumio. Names of rules are
// alphanumeric (CloudFormation User Guide, "Rules section structure").
func ruleName(p schema.Profile) string {
	return "ParametersOf" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, policies.NamePrefix(p))
}

// parameterRule returns the rule that refuses parameters which do not belong to the chosen profile, and requires those
// that it needs. Everything in it follows from the profile's data and the template's parameters.
func parameterRule(root *yaml.Node, p schema.Profile) (*yaml.Node, error) {
	parameters, err := require(root, "Parameters")
	if err != nil {
		return nil, err
	}
	r := ruleGenerator{profile: p, questions: questions(parameters)}
	if presets := lookup(parameters, "Preset", "AllowedValues"); presets != nil {
		r.templateHasPresets = len(presets.Content) > 1
	}
	r.refuseOtherQuestions()
	r.refuseOtherPresets()
	r.refuseOtherValues()
	if err := r.inputs(); err != nil {
		return nil, err
	}
	return mapping(
		field{"RuleCondition", equals("Profile", p.Name)},
		field{"Assertions", sequence(r.assertions...)},
	), nil
}

// question is a parameter that is answered with yes or no.
type question struct {
	parameter string
	key       string // the asset or option without hyphens, in lower case
	asset     bool   // not an option
}

// driftCheckParameters are answered with yes or no, and select nothing of a profile.
var driftCheckParameters = []string{"AccountAudit", "LookupCallers"}

// questions returns the parameters that select an asset (Protect…) or an option.
func questions(parameters *yaml.Node) []question {
	var out []question
	for i := 0; i+1 < len(parameters.Content); i += 2 {
		name, values := parameters.Content[i].Value, lookup(parameters.Content[i+1], "AllowedValues")
		if values == nil || len(values.Content) != 2 || values.Content[0].Value != "yes" ||
			slices.Contains(driftCheckParameters, name) {
			continue
		}
		key, asset := strings.CutPrefix(name, "Protect")
		out = append(out, question{parameter: name, key: strings.ToLower(key), asset: asset})
	}
	return out
}

type ruleGenerator struct {
	profile            schema.Profile
	questions          []question
	templateHasPresets bool
	assertions         []*yaml.Node
}

func (r *ruleGenerator) add(assert *yaml.Node, format string, args ...any) {
	r.assertions = append(r.assertions, mapping(
		field{"Assert", assert}, field{"AssertDescription", scalar(fmt.Sprintf(format, args...))},
	))
}

// question returns the parameter that selects an asset or an option, "" if there is none.
func (r *ruleGenerator) question(value string, asset bool) string {
	key := strings.ToLower(strings.ReplaceAll(value, "-", ""))
	for _, q := range r.questions {
		if q.asset == asset && q.key == key {
			return q.parameter
		}
	}
	return ""
}

// ownQuestions returns the parameters about assets and options of the profile.
func (r *ruleGenerator) ownQuestions() map[string]bool {
	own := map[string]bool{}
	for _, a := range r.profile.Assets {
		own[r.question(string(a.Asset), true)] = true
	}
	for _, o := range r.profile.Options {
		own[r.question(string(o.Option), false)] = true
	}
	return own
}

// refuseOtherQuestions adds the assertion that no asset or option of another profile is selected.
func (r *ruleGenerator) refuseOtherQuestions() {
	own := r.ownQuestions()
	refs := sequence()
	var names []string
	for _, q := range r.questions {
		if !own[q.parameter] {
			refs.Content = append(refs.Content, ref(q.parameter))
			names = append(names, q.parameter)
		}
	}
	if len(names) == 0 {
		return
	}
	r.add(call("Fn::EachMemberEquals", sequence(refs, scalar("no"))),
		"%s: only no is valid for the backup service %s, which has no such choice.",
		strings.Join(names, ", "), r.profile.Name)
}

// refuseOtherPresets adds the assertion that no preset of another profile is selected.
func (r *ruleGenerator) refuseOtherPresets() {
	if !r.templateHasPresets {
		return
	}
	valid := []string{"none"}
	for _, p := range r.profile.Presets {
		valid = append(valid, p.Name)
	}
	r.add(containsAny(valid, "Preset"), "Preset: valid for the backup service %s: %s.", r.profile.Name,
		strings.Join(valid, ", "))
}

// refuseOtherValues adds the assertions that the operations and options are of the profile. A preset replaces the
// operations.
func (r *ruleGenerator) refuseOtherValues() {
	var operations, options []string
	for _, o := range r.profile.Operations {
		operations = append(operations, string(o))
	}
	for _, o := range r.profile.Options {
		if r.question(string(o.Option), false) == "" {
			options = append(options, string(o.Option))
		}
	}
	for _, s := range r.profile.Settings {
		for _, v := range s.Values {
			options = append(options, string(v.Option))
		}
	}
	assert := eachMemberIn("Operations", operations)
	if len(r.profile.Presets) > 0 {
		assert = or(not(equals("Preset", "none")), assert)
	}
	r.add(assert, "Operations: valid for the backup service %s: %s. Empty means all.", r.profile.Name,
		strings.Join(operations, ", "))
	valid := "none; leave it empty"
	if len(options) > 0 {
		valid = strings.Join(options, ", ")
	}
	r.add(eachMemberIn("Options", options), "Options: valid for the backup service %s: %s.", r.profile.Name, valid)
}

// inputs adds an assertion for each input that a choice requires or does not use, as package policies checks them.
func (r *ruleGenerator) inputs() error {
	for _, n := range r.profile.Needs {
		parameter, ok := inputParameters[n.Value]
		if !ok {
			return fmt.Errorf("the template has no parameter for the input %s", n.Value)
		}
		missing, used := hasNoValue(parameter), r.anyUse(n.For)
		if n.Missing != "" {
			assert := not(missing)
			if used != nil {
				assert = not(and(used, missing))
			}
			r.add(assert, "%s is required: %s.", parameter, strings.TrimSuffix(n.Missing, "."))
		}
		if n.Unused != "" && used != nil {
			r.add(or(used, missing), "%s is not used: %s.", parameter, strings.TrimSuffix(n.Unused, "."))
		}
	}
	return nil
}

// refuseUnusedInputs adds an assertion for each input that only some choices use, and that the profile does not refuse
// in words of its own: an answer that no statement of the choice reads is refused before anything is created.
func (r *ruleGenerator) refuseUnusedInputs() {
	for _, input := range slices.Sorted(maps.Keys(inputParameters)) {
		var uses []schema.Use
		refused := true
		for _, n := range r.profile.Needs {
			if n.Value == input {
				uses = append(uses, n.For...)
				refused = refused && len(n.For) > 0 && n.Unused == ""
			}
		}
		if used := r.anyUse(uses); refused && used != nil {
			parameter := inputParameters[input]
			r.add(or(used, hasNoValue(parameter)), "%s is not used: nothing that you chose reads it; leave it empty.",
				parameter)
		}
	}
}

// hasNoValue returns the condition that an input has no value: it is empty or, of the secret, properties.NoExternalID.
func hasNoValue(parameter string) *yaml.Node {
	if parameter == inputParameters[schema.ExternalID] {
		return containsAny([]string{"", properties.NoExternalID}, parameter)
	}
	return equals(parameter, "")
}

// anyUse returns the condition that one of the uses is selected, nil if there are no uses or one always is.
func (r *ruleGenerator) anyUse(uses []schema.Use) *yaml.Node {
	var alternatives []*yaml.Node
	for _, u := range uses {
		var parts []*yaml.Node
		if u.Asset != "" {
			parts = append(parts, r.selectsAsset(u.Asset))
		}
		if u.Operation != "" {
			parts = append(parts, r.selectsOperation(u.Operation))
		}
		if u.Option != "" {
			parts = append(parts, r.selectsOption(u.Option))
		}
		if len(parts) == 0 {
			return nil
		}
		alternatives = append(alternatives, and(parts...))
	}
	if len(alternatives) == 0 {
		return nil
	}
	return or(alternatives...)
}

func (r *ruleGenerator) selectsAsset(a schema.Asset) *yaml.Node {
	return r.orPreset(equals(r.question(string(a), true), "yes"), func(p schema.Preset) bool {
		return slices.Contains(p.Assets, a)
	})
}

func (r *ruleGenerator) selectsOperation(o schema.Operation) *yaml.Node {
	return r.orPreset(or(contains("Operations", string(o)), isEmpty("Operations")), func(p schema.Preset) bool {
		return len(p.Operations) == 0 || slices.Contains(p.Operations, o)
	})
}

// orPreset returns the condition that holds without a preset, or that one of some presets is selected.
func (r *ruleGenerator) orPreset(selected *yaml.Node, has func(schema.Preset) bool) *yaml.Node {
	if len(r.profile.Presets) == 0 {
		return selected
	}
	selected = and(equals("Preset", "none"), selected)
	if presets := r.presets(has); len(presets) > 0 {
		return or(selected, containsAny(presets, "Preset"))
	}
	return selected
}

func (r *ruleGenerator) presets(has func(schema.Preset) bool) []string {
	var names []string
	for _, p := range r.profile.Presets {
		if has(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// selectsOption returns the condition that an option is selected by its question, in the list of options, by a preset
// or as the default of its setting.
func (r *ruleGenerator) selectsOption(o schema.Option) *yaml.Node {
	hasOption := func(p schema.Preset) bool { return slices.Contains(p.Options, o) }
	for _, s := range r.profile.Settings {
		i := slices.IndexFunc(s.Values, func(v schema.OptionInfo) bool { return v.Option == o })
		if i < 0 {
			continue
		}
		if !s.Cumulative {
			return r.hasValue(s, o)
		}
		var later []*yaml.Node
		for _, v := range s.Values[i:] {
			later = append(later, r.hasValue(s, v.Option))
		}
		return or(later...)
	}
	selected := contains("Options", string(o))
	if q := r.question(string(o), false); q != "" {
		selected = equals(q, "yes")
	}
	if presets := r.presets(hasOption); len(presets) > 0 {
		return or(selected, containsAny(presets, "Preset"))
	}
	return selected
}

// hasValue returns the condition that a setting has a value: it is in the list of options, or none is and the value is
// the preset's or the default.
func (r *ruleGenerator) hasValue(s schema.Setting, value schema.Option) *yaml.Node {
	var given []*yaml.Node
	for _, v := range s.Values {
		given = append(given, contains("Options", string(v.Option)))
	}
	sets := func(p schema.Preset) bool {
		return slices.ContainsFunc(p.Options, func(o schema.Option) bool {
			return slices.ContainsFunc(s.Values, func(v schema.OptionInfo) bool { return v.Option == o })
		})
	}
	with := r.presets(func(p schema.Preset) bool { return slices.Contains(p.Options, value) })
	alternatives := []*yaml.Node{contains("Options", string(value))}
	if len(with) > 0 {
		alternatives = append(alternatives, and(not(or(given...)), containsAny(with, "Preset")))
	}
	if value == s.Default {
		parts := []*yaml.Node{not(or(given...))}
		if other := r.presets(sets); len(other) > 0 {
			parts = append(parts, not(containsAny(other, "Preset")))
		}
		alternatives = append(alternatives, and(parts...))
	}
	return or(alternatives...)
}
