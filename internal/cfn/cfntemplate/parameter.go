package cfntemplate

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parameter is one parameter as declared.
type Parameter struct {
	Name          string
	Type          string
	Description   string
	Default       string
	HasDefault    bool
	NoEcho        bool
	AllowedValues []string
	Pattern       string
	Line          int

	constraint           string
	pattern              *regexp.Regexp
	minLength, maxLength *int64
	minValue, maxValue   *float64
}

func (t *Template) parameter(name string, n *node) error {
	p := &Parameter{Name: name, Line: n.line}
	for _, key := range n.keys {
		if err := p.member(key, n.fields[key]); err != nil {
			return err
		}
	}
	switch p.Type {
	case "String", "Number", "CommaDelimitedList", "List<Number>":
	case "":
		return errAt(n.line, "Template format error: Every Parameters object must contain a Type member.")
	default:
		return errAt(n.line, "Template error: parameter %s: type %s is not supported", name, p.Type)
	}
	if p.HasDefault {
		if err := p.check(p.Default); err != nil {
			err.Line = n.line
			return err
		}
	}
	t.Parameters = append(t.Parameters, p)
	t.parameters[name] = p
	return nil
}

func (p *Parameter) member(key string, v *node) error {
	s, isText := v.str()
	if key != "AllowedValues" && !isText {
		return errAt(v.line, "Template format error: Every %s member must be a string.", key)
	}
	var err error
	switch key {
	case "Type":
		p.Type = s
	case "Description":
		p.Description = s
	case "Default":
		p.Default, p.HasDefault = s, true
	case "NoEcho":
		p.NoEcho, err = strconv.ParseBool(strings.ToLower(s))
	case "ConstraintDescription":
		p.constraint = s
	case "AllowedPattern":
		p.Pattern = s
		p.pattern, err = regexp.Compile(`\A(?:` + s + `)\z`)
	case "AllowedValues":
		if v.kind != list {
			return errAt(v.line, "Template format error: AllowedValues of %s must be a list.", p.Name)
		}
		for _, item := range v.items {
			s, ok := item.str()
			if !ok {
				return errAt(v.line, "Template format error: Every AllowedValues member must be a string.")
			}
			p.AllowedValues = append(p.AllowedValues, s)
		}
	case "MinLength", "MaxLength":
		var i int64
		i, err = strconv.ParseInt(s, 10, 64)
		if key == "MinLength" {
			p.minLength = &i
		} else {
			p.maxLength = &i
		}
	case "MinValue", "MaxValue":
		var f float64
		f, err = strconv.ParseFloat(s, 64)
		if key == "MinValue" {
			p.minValue = &f
		} else {
			p.maxValue = &f
		}
	default:
		return errAt(v.line, "Invalid template parameter property '%s'", key)
	}
	if err != nil {
		return errAt(v.line, "Template format error: parameter %s: %s: %v", p.Name, key, err)
	}
	return nil
}

// IsList reports whether the parameter's value is a list.
func (p *Parameter) IsList() bool { return p.Type == "CommaDelimitedList" || p.Type == "List<Number>" }

// value returns the value of Ref for the parameter.
func (p *Parameter) value(given string) any {
	if !p.IsList() {
		return given
	}
	items := []any{}
	for _, s := range p.items(given) {
		items = append(items, s)
	}
	return items
}

func (p *Parameter) items(given string) []string {
	if !p.IsList() {
		return []string{given}
	}
	if given == "" {
		return nil
	}
	out := strings.Split(given, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// check compares a value with the declaration. Messages are CloudFormation's.
func (p *Parameter) check(given string) *Error {
	if len(given) > MaxValue {
		return errAt(0, "Template error: Parameter '%s' has a value of %d bytes; at most %d are allowed",
			p.Name, len(given), MaxValue)
	}
	for _, v := range p.items(given) {
		if msg := p.checkItem(v); msg != "" {
			if p.constraint != "" {
				return errAt(0, "Parameter %s failed to satisfy constraint: %s", p.Name, p.constraint)
			}
			return errAt(0, "Parameter '%s' %s", p.Name, msg)
		}
	}
	return nil
}

func (p *Parameter) checkItem(v string) string {
	if p.Type == "Number" || p.Type == "List<Number>" {
		f, err := strconv.ParseFloat(v, 64)
		switch {
		case err != nil:
			return "must be a number."
		case p.minValue != nil && f < *p.minValue:
			return "must be a number not less than " + Text(*p.minValue)
		case p.maxValue != nil && f > *p.maxValue:
			return "must be a number not greater than " + Text(*p.maxValue)
		}
	}
	length := int64(len([]rune(v)))
	switch {
	case p.minLength != nil && length < *p.minLength:
		return "must contain at least " + strconv.FormatInt(*p.minLength, 10) + " characters"
	case p.maxLength != nil && length > *p.maxLength:
		return "must contain at most " + strconv.FormatInt(*p.maxLength, 10) + " characters"
	case p.AllowedValues != nil && !slices.Contains(p.AllowedValues, v):
		return "must be one of AllowedValues"
	case p.pattern != nil && !p.pattern.MatchString(v):
		return "must match pattern " + p.Pattern
	}
	return ""
}

// withDefaults completes the given values and checks nothing; a parameter
// without any value is empty.
func (t *Template) withDefaults(given map[string]string) map[string]string {
	out := map[string]string{}
	for _, p := range t.Parameters {
		out[p.Name] = p.Default
		if v, ok := given[p.Name]; ok {
			out[p.Name] = v
		}
	}
	return out
}

// Values completes the given parameter values with the defaults and checks
// them all.
func (t *Template) Values(given map[string]string) (map[string]string, error) {
	var unknown, missing []string
	for name := range given {
		if t.parameters[name] == nil {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		return nil, errAt(0, "Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	out := map[string]string{}
	for _, p := range t.Parameters {
		v, ok := given[p.Name]
		if !ok {
			if !p.HasDefault {
				missing = append(missing, p.Name)
				continue
			}
			v = p.Default
		}
		out[p.Name] = v
	}
	if missing != nil {
		return nil, errAt(0, "Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	for _, p := range t.Parameters {
		if err := p.check(out[p.Name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
