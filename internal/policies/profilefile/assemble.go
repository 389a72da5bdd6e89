package profilefile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy/spelling"
	"permstack/internal/policies/schema"
)

// assembler joins the documents of a profile.
type assembler struct {
	problems []Problem
	places   map[string]Position

	resources, actions map[string][]string
	conditions         map[string]schema.Conditions
	conditionKeys      map[string]map[string]Position // of the defined conditions
	assets             map[string]bool
	operations         map[string]bool
	options            map[string]bool
	presets            map[string]bool
	used               map[string]bool // definitions
}

func (a *assembler) add(p Position, format string, args ...any) {
	a.problems = append(a.problems, Problem{p, fmt.Sprintf(format, args...)})
}

// require reports a key that is missing.
func (a *assembler) require(p Position, key, value string) {
	if strings.TrimSpace(value) == "" {
		a.add(p, "%s is missing", key)
	}
}

func (a *assembler) assemble(documents []document) Loaded {
	var out Loaded
	first := documents[0]
	a.require(first.Position, "profile", first.Profile)
	a.require(first.Position, "vendor", first.Vendor)
	if first.Profile != "" && !isName(first.Profile) {
		a.add(first.Position, "profile %q: want lower-case letters, digits and -, a letter first", first.Profile)
	}
	p := &out.Profile
	p.Name, p.Vendor, p.OwnTemplate = first.Profile, first.Vendor, first.OwnTemplate
	a.define(documents)
	for i, d := range documents {
		if i > 0 && (d.Profile != "" || d.Vendor != "" || d.OwnTemplate) {
			a.add(d.Position, "profile, vendor and ownTemplate are written in the first file only")
		}
		a.choices(p, d)
	}
	a.collectChoices(p)
	for _, d := range documents {
		a.settings(p, d)
		for _, r := range d.Roles {
			a.role(p, r)
		}
		for _, t := range d.Topics {
			a.topic(p, t)
		}
	}
	for _, d := range documents {
		for _, r := range d.Rules {
			a.rule(p, r)
		}
		for _, f := range d.Flows {
			out.Flows = append(out.Flows, a.flow(p, f))
		}
	}
	a.narrow(p)
	if len(p.Assets) == 0 {
		a.add(first.Position, "assets is missing: a profile has at least one")
	}
	if len(p.Roles) == 0 {
		a.add(first.Position, "roles is missing: a profile has at least one")
	}
	for _, d := range documents {
		for _, defs := range []map[string]textList{d.Resources, d.Actions} {
			for _, n := range slices.Sorted(maps.Keys(defs)) {
				a.unused(defs[n].key, n)
			}
		}
		for _, n := range slices.Sorted(maps.Keys(d.Conditions)) {
			a.unused(d.Conditions[n].key, n)
		}
	}
	a.place(ProfileKey, first.Position)
	out.Places = a.places
	return out
}

func (a *assembler) unused(p Position, name string) {
	if !a.used[name] {
		a.add(p, "definition %q is not used", name)
	}
}

// place records where something is written; the first place counts.
func (a *assembler) place(key string, p Position) {
	if _, ok := a.places[key]; !ok {
		a.places[key] = p
	}
}

// define collects the named resources, actions and conditions of all files.
func (a *assembler) define(documents []document) {
	a.resources, a.actions, a.conditions = map[string][]string{}, map[string][]string{}, map[string]schema.Conditions{}
	a.conditionKeys, a.used = map[string]map[string]Position{}, map[string]bool{}
	taken := map[string]bool{}
	claim := func(p Position, n string) {
		if taken[n] {
			a.add(p, "definition %q is written twice", n)
		}
		if !isDefinition(n) {
			a.add(p, "definition %q: the name of a definition has no colon", n)
		}
		taken[n] = true
	}
	for _, d := range documents {
		for _, n := range slices.Sorted(maps.Keys(d.Resources)) {
			claim(d.Resources[n].key, n)
			a.resources[n] = d.Resources[n].values()
		}
		for _, n := range slices.Sorted(maps.Keys(d.Actions)) {
			claim(d.Actions[n].key, n)
			a.actions[n] = d.Actions[n].values()
		}
		for _, n := range slices.Sorted(maps.Keys(d.Conditions)) {
			form := d.Conditions[n]
			claim(form.key, n)
			if len(form.names) > 0 {
				a.add(form.Position, "condition %q: a definition cannot name another", n)
			}
			a.conditions[n], a.conditionKeys[n] = form.inline, form.keys
		}
	}
}

func (a *assembler) choices(p *schema.Profile, d document) {
	for _, f := range d.Assets {
		a.require(f.Position, "asset", f.Asset)
		a.choiceName(f.Position, "asset", f.Asset, slices.ContainsFunc(p.Assets, func(other schema.AssetInfo) bool {
			return string(other.Asset) == f.Asset
		}))
		a.require(f.Position, "title", f.Title)
		p.Assets = append(p.Assets, schema.AssetInfo{Asset: schema.Asset(f.Asset), Title: f.Title, In: f.In})
	}
	for _, o := range d.Operations {
		name := schema.Operation(o.Operation)
		a.require(o.Position, "operation", o.Operation)
		a.choiceName(o.Position, "operation", o.Operation, slices.Contains(p.Operations, name))
		p.Operations = append(p.Operations, name)
		if o.Restore {
			p.RestoreOperations = append(p.RestoreOperations, name)
		}
	}
	for _, f := range d.Options {
		a.require(f.Position, "option", f.Option)
		a.choiceName(f.Position, "option", f.Option, slices.ContainsFunc(p.Options, func(other schema.OptionInfo) bool {
			return string(other.Option) == f.Option && other.In == f.In
		}))
		a.require(f.Position, "title", f.Title)
		p.Options = append(p.Options, schema.OptionInfo{Option: schema.Option(f.Option), Title: f.Title, In: f.In})
	}
	for _, f := range d.Settings {
		s := schema.Setting{Name: f.Setting, Title: f.Title, Default: schema.Option(f.Default), Cumulative: f.Cumulative}
		a.require(f.Position, "setting", f.Setting)
		a.require(f.Position, "title", f.Title)
		found := false
		for _, v := range f.Values {
			if !strings.HasPrefix(v.Option, f.Setting+"=") {
				a.add(v.Position, "option %q: a value of setting %s is written %s=VALUE", v.Option, f.Setting, f.Setting)
			}
			found = found || v.Option == f.Default
			s.Values = append(s.Values, schema.OptionInfo{Option: schema.Option(v.Option), Title: v.Title, In: v.In})
		}
		if !found {
			a.add(f.Position, "default %q is not one of the values", f.Default)
		}
		p.Settings = append(p.Settings, s)
	}
}

// choiceName checks the name of an asset, an operation or an option, which customers write in lists and from which the
// name of a parameter is made.
func (a *assembler) choiceName(p Position, what, name string, twice bool) {
	a.place(ChoiceKey(what, name), p)
	if name != "" && !isName(name) {
		a.add(p, "%s %q: want lower-case letters, digits and -, a letter first", what, name)
	}
	if twice {
		a.add(p, "%s %q is written twice", what, name)
	}
}

func (a *assembler) collectChoices(p *schema.Profile) {
	a.assets, a.operations = map[string]bool{}, map[string]bool{}
	a.options, a.presets = map[string]bool{}, map[string]bool{}
	for _, v := range p.Assets {
		a.assets[string(v.Asset)] = true
	}
	for _, v := range p.Operations {
		a.operations[string(v)] = true
	}
	for _, v := range p.Options {
		a.options[string(v.Option)] = true
	}
	for _, s := range p.Settings {
		for _, v := range s.Values {
			a.options[string(v.Option)] = true
		}
	}
}

// known reports a name that is not one of the valid ones.
func (a *assembler) known(p Position, what, name string, valid map[string]bool) {
	if name == "" || valid[name] {
		return
	}
	names := slices.Sorted(maps.Keys(valid))
	if near := spelling.Nearest(name, names); near != "" {
		a.add(p, "unknown %s %q; did you mean %q?", what, name, near)
		return
	}
	a.add(p, "unknown %s %q; valid: %s", what, name, cmp.Or(strings.Join(names, ", "), "none"))
}

func (a *assembler) uses(f usesForm) []schema.Use {
	for _, u := range f.uses {
		a.known(f.Position, "asset", string(u.Asset), a.assets)
		a.known(f.Position, "operation", string(u.Operation), a.operations)
		a.known(f.Position, "option", string(u.Option), a.options)
	}
	return f.uses
}

func (a *assembler) settings(p *schema.Profile, d document) {
	for _, f := range d.Presets {
		a.require(f.Position, "preset", f.Preset)
		preset := schema.Preset{Name: f.Preset, Title: f.Title, Marked: f.Marked}
		for _, v := range f.Assets {
			a.known(f.Position, "asset", v, a.assets)
			preset.Assets = append(preset.Assets, schema.Asset(v))
		}
		for _, v := range f.Operations {
			a.known(f.Position, "operation", v, a.operations)
			preset.Operations = append(preset.Operations, schema.Operation(v))
		}
		for _, v := range f.Options {
			a.known(f.Position, "option", v, a.options)
			preset.Options = append(preset.Options, schema.Option(v))
		}
		a.presets[f.Preset] = true // package lint requires that it is marked
		p.Presets = append(p.Presets, preset)
	}
	for _, f := range d.Inputs {
		a.known(f.Position, "input", f.Input, inputs)
		a.require(f.Position, "input", f.Input)
		p.Needs = append(p.Needs, schema.Need{
			Value: schema.Value(f.Input), For: a.uses(f.For), Missing: f.Missing, Unused: f.Unused,
		})
	}
	a.outputs(p, d)
	for _, f := range d.Variables {
		a.require(f.Position, "variable", f.Variable)
		a.place(VariableKey(f.Variable), f.Position)
		a.require(f.Position, "value", f.Value)
		if builtIn[f.Variable] {
			a.add(f.Position, "variable %q is built in", f.Variable)
		}
		p.Terms = append(p.Terms, schema.Term{Name: f.Variable, Value: f.Value, For: a.uses(f.For), Why: f.Why})
	}
	for _, f := range d.Prerequisites {
		a.require(f.Position, "text", f.Text)
		p.Prerequisites = append(p.Prerequisites, schema.Prerequisite{For: a.uses(f.For), Text: f.Text, In: f.In})
	}
}

// inputs are what a profile may require of the customer.
var inputs = map[string]bool{
	string(schema.ControlPlaneRole): true, string(schema.SupportControlPlaneRole): true,
	string(schema.DataPlaneAccount): true, string(schema.ExternalID): true,
}

// builtIn are the variables of package schema.
var builtIn = map[string]bool{
	"Partition": true, "Account": true, "Region": true, "Path": true, "DataPlaneAccount": true,
	"ControlPlaneRole": true, "ControlPlaneAccount": true, "SupportControlPlaneRole": true,
	"ExternalId": true, "EC2Service": true, "OtherAccount": true,
}

func (a *assembler) when(f whenForm) schema.Conditions {
	var out schema.Conditions
	for _, n := range f.names {
		c, ok := a.conditions[n.value]
		if !ok {
			a.undefined(n.Position, "condition", n.value, slices.Sorted(maps.Keys(a.conditions)))
			continue
		}
		a.used[n.value] = true
		if clash := mergeConditions(&out, c); clash != "" {
			a.add(n.Position, "%s has two conditions", clash)
		}
	}
	if clash := mergeConditions(&out, f.inline); clash != "" {
		a.add(f.Position, "%s has two conditions", clash)
	}
	return out
}

// placeKeys records where the condition keys of a statement are written: in the statement, or in the definition that it
// names.
func (a *assembler) placeKeys(statement string, f whenForm) {
	for key, p := range f.keys {
		a.place(PartKey(statement, "key", key), p)
	}
	for _, n := range f.names {
		for key, p := range a.conditionKeys[n.value] {
			a.place(PartKey(statement, "key", key), p)
		}
	}
}

func (a *assembler) undefined(p Position, what, name string, valid []string) {
	if near := spelling.Nearest(name, valid); near != "" {
		a.add(p, "%s %q is not defined; did you mean %q?", what, name, near)
		return
	}
	a.add(p, "%s %q is not defined", what, name)
}

// noDefinition reports an action or resource that is neither a literal nor the name of a definition.
func (a *assembler) noDefinition(v text, what string, valid []string) {
	literal := "an ARN such as 'arn:${Partition}:ec2:${Region}:${Account}:volume/*'"
	if what == "action" {
		literal = "SERVICE:ACTION, such as ec2:DescribeVolumes"
	}
	message := fmt.Sprintf("%s %q: want %s, or a name that the section %ss defines", what, v.value, literal, what)
	if near := spelling.Nearest(v.value, valid); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	a.add(v.Position, "%s", message)
}

// expand replaces the names of definitions by their values.
func (a *assembler) expand(what string, list textList, definitions map[string][]string) []string {
	return a.expandAt("", what, list, definitions)
}

// expandAt is expand, and records the position of each value as a part of a statement.
func (a *assembler) expandAt(statement, what string, list textList, definitions map[string][]string) []string {
	out := make([]string, 0, len(list.items))
	for _, v := range list.items {
		values := []string{v.value}
		if isDefinition(v.value) {
			var ok bool
			if values, ok = definitions[v.value]; !ok {
				a.noDefinition(v, what, slices.Sorted(maps.Keys(definitions)))
				continue
			}
			a.used[v.value] = true
		}
		out = append(out, values...)
		for _, value := range values {
			if statement != "" {
				a.place(PartKey(statement, what, value), v.Position)
			}
		}
	}
	return out
}

func (l textList) values() []string {
	out := make([]string, len(l.items))
	for i, v := range l.items {
		out[i] = v.value
	}
	return out
}

func isName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z':
		case i > 0 && (r >= '0' && r <= '9' || r == '-'):
		default:
			return false
		}
	}
	return s != ""
}
