package launch

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"permstack/internal/cfn/yamlfmt"
	"permstack/internal/policies/schema"
	"permstack/internal/release/launchlink"
)

// choiceQuestion is a parameter of a profile's template about one operation, option or setting.
type choiceQuestion struct {
	parameter string
	list      string // of template.yaml, which it replaces: Operations or Options
	values    map[string]string
	order     []string // the values of the parameter
}

// presetDecides is the value of a setting that a preset may set: neither the list nor the question then has one.
const presetDecides = "preset"

// ask adds the questions about operations, options and settings, and makes the custom resource and the conditions read
// them in place of the lists.
func (w *profileWriter) ask() error {
	w.askOperations()
	w.askOptions()
	w.askSettings()
	conditions, err := require(w.root, "Conditions")
	if err != nil {
		return err
	}
	for _, list := range []string{"Operations", "Options"} {
		values := sequence()
		for _, q := range w.questions {
			if q.list != list {
				continue
			}
			for _, answer := range q.order {
				value, ok := q.values[answer]
				if !ok {
					continue
				}
				name := q.condition(answer)
				set(conditions, name, equals(q.parameter, answer))
				values.Content = append(values.Content,
					call("Fn::If", sequence(scalar(name), scalar(value), ref(noValue))))
				if err := w.replaceTests(list, value, name); err != nil {
					return err
				}
			}
		}
		property, err := require(w.root, "Resources", "PermissionStack", "Properties")
		if err != nil {
			return err
		}
		replaceNodes(property, ref(list), values)
	}
	return nil
}

// condition returns the name of the condition that the question has an answer.
func (q choiceQuestion) condition(answer string) string {
	if slices.Equal(q.order, yesOrNo) {
		return "Chosen" + q.parameter
	}
	return "Chosen" + q.parameter + launchlink.Identifier(answer)
}

// replaceTests replaces the conditions that a list has a value. Of operations, an empty list has all.
func (w *profileWriter) replaceTests(list, value, condition string) error {
	test := listContains(list, value)
	if list == "Operations" {
		test = operationInList(schema.Operation(value))
	}
	parsed, err := yamlfmt.Parse([]byte("Conditions:\n  " + test + "\n"))
	if err != nil {
		return fmt.Errorf("parse the condition of %s in %s: %w", value, list, err)
	}
	replaceNodes(lookup(w.root, "Conditions"), lookup(parsed, "Conditions"), conditionReference(condition))
	return nil
}

var yesOrNo = []string{"yes", "no"}

func (w *profileWriter) askOperations() {
	var standard []schema.Operation
	if len(w.profile.Presets) == 0 {
		standard = w.profile.Operations
	}
	for _, o := range w.profile.Operations {
		answer := launchlink.YesNo(slices.Contains(standard, o))
		words := strings.ReplaceAll(string(o), "-", " ")
		w.question(choiceQuestion{
			parameter: launchlink.OperationQuestion + launchlink.Identifier(string(o)), list: "Operations",
			values: map[string]string{"yes": string(o)}, order: yesOrNo,
		}, answer, "Allow "+words+"?", fmt.Sprintf("Access for the operation %s of %s.", o, w.profile.Vendor))
	}
	if len(w.profile.Presets) > 0 { // a preset or single choices: the form suggests neither
		for _, q := range questions(w.parameters) {
			if q.asset {
				set(lookup(w.parameters, q.parameter), "Default", scalar("no"))
			}
		}
	}
}

func (w *profileWriter) askOptions() {
	r := ruleGenerator{profile: w.profile, questions: questions(w.parameters)}
	for _, o := range w.profile.Options {
		if r.question(string(o.Option), false) != "" {
			continue
		}
		text := o.Title + "."
		if o.In.From != "" {
			text += " From release " + o.In.From + " of the catalogue."
		}
		w.question(choiceQuestion{
			parameter: launchlink.OptionQuestion + launchlink.Identifier(string(o.Option)), list: "Options",
			values: map[string]string{"yes": string(o.Option)}, order: yesOrNo,
		}, "no", o.Title+"?", text)
	}
}

func (w *profileWriter) askSettings() {
	for _, s := range w.profile.Settings {
		q := choiceQuestion{
			parameter: launchlink.SettingQuestion + launchlink.Identifier(s.Name), list: "Options", values: map[string]string{},
		}
		standard := strings.TrimPrefix(string(s.Default), s.Name+"=")
		var text []string
		for _, v := range s.Values {
			answer := strings.TrimPrefix(string(v.Option), s.Name+"=")
			q.order, q.values[answer] = append(q.order, answer), string(v.Option)
			text = append(text, answer+": "+v.Title)
		}
		if w.presetSets(s) {
			q.order, standard = append([]string{presetDecides}, q.order...), presetDecides
			text = append([]string{presetDecides + ": the value of the preset, or the usual one"}, text...)
		}
		w.question(q, standard, s.Title, strings.Join(text, "; ")+".")
	}
}

// presetSets reports whether a preset has a value of a setting.
func (w *profileWriter) presetSets(s schema.Setting) bool {
	return slices.ContainsFunc(s.Values, func(v schema.OptionInfo) bool {
		return slices.ContainsFunc(w.profile.Presets, func(p schema.Preset) bool {
			return slices.Contains(p.Options, v.Option)
		})
	})
}

// question adds the parameter of a question, with its label.
func (w *profileWriter) question(q choiceQuestion, standard, label, text string) {
	values := sequence()
	for _, v := range q.order {
		values.Content = append(values.Content, scalar(v))
	}
	set(w.parameters, q.parameter, mapping(
		field{"Type", scalar("String")},
		field{"Default", scalar(standard)},
		field{"AllowedValues", values},
		field{"Description", scalar(text)},
	))
	if labels := lookup(w.root, "Metadata", interfaceKey, "ParameterLabels"); labels != nil {
		set(labels, q.parameter, mapping(field{"default", scalar(label)}))
	}
	w.questions = append(w.questions, q)
}

// rules writes the rules of the profile in place of those of all profiles.
func (w *profileWriter) rules() error {
	rules, err := require(w.root, "Rules")
	if err != nil {
		return err
	}
	r := ruleGenerator{profile: w.profile, questions: questions(w.parameters)}
	if err := r.inputs(); err != nil {
		return err
	}
	r.refuseUnusedInputs()
	own := ruleName(w.profile)
	for i := 0; i+1 < len(rules.Content); {
		if name := rules.Content[i].Value; name != own && strings.HasPrefix(name, ruleName(schema.Profile{})) {
			rules.Content = slices.Delete(rules.Content, i, i+2)
			continue
		}
		i += 2
	}
	rule := mapping(field{"Assertions", sequence(r.assertions...)})
	for _, q := range w.questions {
		for answer, value := range q.values {
			replaceNodes(rule, contains(q.list, value), equals(q.parameter, answer))
			replaceNodes(rule, or(equals(q.parameter, answer), isEmpty(q.list)), equals(q.parameter, answer))
		}
	}
	set(rules, own, rule)
	w.selectionRules(rules)
	return nil
}

// selectionRules adds the rules that an operation is selected, and that a preset leaves no answer unread.
func (w *profileWriter) selectionRules(rules *yaml.Node) {
	operations, answers := sequence(), sequence()
	for _, q := range w.questions {
		if q.list == "Operations" {
			operations.Content = append(operations.Content, ref(q.parameter))
		}
	}
	selected := call("Fn::Contains", sequence(operations, scalar("yes")))
	if len(w.profile.Presets) > 0 {
		selected = or(not(equals("Preset", launchlink.WithoutPreset)), selected)
		r := ruleGenerator{profile: w.profile, questions: questions(w.parameters)}
		for _, a := range w.profile.Assets {
			answers.Content = append(answers.Content, ref(r.question(string(a.Asset), true)))
		}
		for _, o := range operations.Content {
			answers.Content = append(answers.Content, clone(o))
		}
		set(rules, "PresetAlone", mapping(
			field{"RuleCondition", not(equals("Preset", launchlink.WithoutPreset))},
			field{"Assertions", sequence(mapping(
				field{"Assert", call("Fn::EachMemberEquals", sequence(answers, scalar("no")))},
				field{"AssertDescription", scalar("A preset selects the assets and the operations: answer no to each of " +
					"them, or choose the preset none.")},
			))},
		))
	}
	if len(operations.Content) == 0 {
		return
	}
	set(rules, "OperationSelected", mapping(field{"Assertions", sequence(mapping(
		field{"Assert", selected},
		field{"AssertDescription", scalar("Choose at least one operation.")},
	))}))
}
