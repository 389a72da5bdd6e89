package cfntemplate

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Template is a parsed template. Its slices keep the order of the text.
type Template struct {
	FormatVersion string
	Description   string
	Metadata      any
	Parameters    []*Parameter
	Resources     []*Resource
	Outputs       []*Output

	mappings   *node
	conditions *node
	rules      []*rule
	resources  map[string]*Resource
	parameters map[string]*Parameter
}

// Resource is one resource as written.
type Resource struct {
	LogicalID           string
	Type                string
	Condition           string
	DependsOn           []string
	DeletionPolicy      string // "" is Delete
	UpdateReplacePolicy string
	Metadata            any
	Line                int

	properties *node
}

// Properties returns the properties as written, functions in their long form.
func (r *Resource) Properties() map[string]any {
	m, _ := r.properties.plain().(map[string]any)
	return m
}

// Output is one output as written.
type Output struct {
	Name        string
	Description string
	Condition   string
	Line        int

	value  *node
	export *node
}

// Value returns the value as written, functions in their long form.
func (o *Output) Value() any { return o.value.plain() }

// Resource returns a resource by its logical id, or nil.
func (t *Template) Resource(id string) *Resource { return t.resources[id] }

// Parameter returns a parameter by its name, or nil.
func (t *Template) Parameter(name string) *Parameter { return t.parameters[name] }

// Parse reads a template and checks all that can be said without parameter
// values: sections, functions, names that refer to nothing. Error messages
// are AWS's where AWS has one; errors of one place carry its line.
func Parse(body []byte) (*Template, error) {
	root, err := read(body)
	if err != nil {
		return nil, err
	}
	return newTemplate(root)
}

// ParseJSON is Parse for a template in JSON. A program that uses it alone links no YAML parser.
func ParseJSON(body []byte) (*Template, error) {
	root, err := readJSON(body)
	if err != nil {
		return nil, err
	}
	return newTemplate(root)
}

func newTemplate(root *node) (*Template, error) {
	if root.kind != object {
		return nil, errAt(root.line, "Template format error: unsupported structure.")
	}
	t := &Template{resources: map[string]*Resource{}, parameters: map[string]*Parameter{}}
	for _, key := range root.keys {
		if err := t.section(key, root.fields[key]); err != nil {
			return nil, err
		}
	}
	if len(t.Resources) == 0 {
		return nil, errAt(0, "Template format error: At least one Resources member must be defined.")
	}
	for _, r := range t.Resources {
		if strings.HasPrefix(r.Type, "AWS::Serverless::") {
			return nil, errAt(r.Line,
				"Template error: resource %s of type %s needs the transform %s, which is not supported", r.LogicalID,
				r.Type, serverless)
		}
	}
	return t, t.checkNames()
}

// serverless is the transform of SAM. It changes nothing where no resource is of
// its types, and then it is taken: the SAM CLI has it in the stack of its bucket.
const serverless = "AWS::Serverless-2016-10-31"

func (t *Template) section(name string, n *node) error {
	switch name {
	case "AWSTemplateFormatVersion":
		t.FormatVersion, _ = n.str()
		if t.FormatVersion != "2010-09-09" {
			return errAt(n.line, "Template format error: unsupported value for AWSTemplateFormatVersion.")
		}
		return nil
	case "Description":
		s, ok := n.value.(string)
		if !ok || n.kind != scalar {
			return errAt(n.line, "Template format error: Description must be a string.")
		}
		if len(s) > 1024 {
			return errAt(n.line, "Template format error: Description is longer than 1024 bytes.")
		}
		t.Description = s
		return nil
	case "Transform":
		if name, _ := n.str(); name == serverless {
			return nil
		}
		return errAt(n.line, "Template error: Transform %v is not supported", n.plain())
	case "Hooks":
		return errAt(n.line, "Template error: the Hooks section is not supported")
	}
	if n.kind != object {
		if n.kind == scalar && n.value == nil {
			return errAt(n.line, "[/%s] 'null' values are not allowed in templates", name)
		}
		return errAt(n.line, "Template format error: %s must be an object.", name)
	}
	limits := map[string]int{
		"Parameters": MaxParameters,
		"Mappings":   MaxMappings,
		"Resources":  MaxResources,
		"Outputs":    MaxOutputs,
	}
	if limit, ok := limits[name]; ok && len(n.keys) > limit {
		return errAt(n.line, "Template format error: Number of %s, %d, is greater than maximum allowed, %d",
			name, len(n.keys), limit)
	}
	switch name {
	case "Metadata":
		t.Metadata = n.plain()
	case "Parameters":
		return t.each(n, "Parameter", t.parameter)
	case "Mappings":
		t.mappings = n
		return t.checkMappings()
	case "Conditions":
		t.conditions = n
		for _, key := range n.keys {
			if err := parseIntrinsics(n.fields[key], inCondition); err != nil {
				return err
			}
			if c := n.fields[key]; c.kind != call || !conditionFunctions[c.fn] {
				return errAt(c.line,
					"Template format error: Conditions can only be boolean operations on parameters and other conditions")
			}
		}
	case "Rules":
		return t.each(n, "Rule", t.rule)
	case "Resources":
		return t.each(n, "Resource", t.resource)
	case "Outputs":
		return t.each(n, "Output", t.output)
	default:
		return errAt(n.line, "Invalid template property or properties [%s]", name)
	}
	return nil
}

var alphanumeric = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`) })

func (t *Template) each(n *node, what string, do func(name string, n *node) error) error {
	for _, key := range n.keys {
		v := n.fields[key]
		if !alphanumeric().MatchString(key) {
			return errAt(v.line, "Template format error: %s name %s is non alphanumeric().", what, key)
		}
		if v.kind != object {
			return errAt(v.line, "Template format error: %s %s must be an object.", what, key)
		}
		if err := do(key, v); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) resource(id string, n *node) error {
	r := &Resource{LogicalID: id, Line: n.line, properties: &node{kind: object}}
	for _, key := range n.keys {
		v := n.fields[key]
		s, isText := v.str()
		switch key {
		case "Type":
			r.Type = s
		case "Properties":
			if v.kind != object {
				return errAt(v.line, "Template format error: [/Resources/%s/Properties] must be an object", id)
			}
			r.properties = v
			if err := parseIntrinsics(v, inValue); err != nil {
				return err
			}
			if v.kind != object {
				return errAt(v.line, "Template format error: [/Resources/%s/Properties] must be an object", id)
			}
			if err := noNulls(v, "/Resources/"+id+"/Properties"); err != nil {
				return err
			}
		case "Metadata":
			r.Metadata = v.plain()
		case "Condition":
			if !isText {
				return errAt(v.line, "Template format error: Every Condition member must be a string.")
			}
			r.Condition = s
		case "DependsOn":
			items := []*node{v}
			if v.kind == list {
				items = v.items
			}
			for _, item := range items {
				dep, ok := item.str()
				if !ok {
					return errAt(v.line, "Template format error: Every DependsOn value must be a string.")
				}
				r.DependsOn = append(r.DependsOn, dep)
			}
		case "DeletionPolicy", "UpdateReplacePolicy":
			allowed := []string{"Delete", "Retain", "Snapshot"}
			if key == "DeletionPolicy" {
				allowed = append(allowed, "RetainExceptOnCreate")
			}
			if !isText || !slices.Contains(allowed, s) {
				return errAt(v.line, "Template error: every %s member must be one of %v", key, allowed)
			}
			if key == "DeletionPolicy" {
				r.DeletionPolicy = s
			} else {
				r.UpdateReplacePolicy = s
			}
		case "CreationPolicy", "UpdatePolicy":
			return errAt(v.line, "Template error: %s of resource %s is not supported", key, id)
		default:
			return errAt(v.line, "Invalid template resource property '%s'", key)
		}
	}
	if r.Type == "" {
		return errAt(n.line, "Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	t.Resources = append(t.Resources, r)
	t.resources[id] = r
	return nil
}

func (t *Template) output(name string, n *node) error {
	o := &Output{Name: name, Line: n.line}
	for _, key := range n.keys {
		v := n.fields[key]
		s, _ := v.str()
		switch key {
		case "Description":
			o.Description = s
		case "Condition":
			o.Condition = s
		case "Value":
			o.value = v
		case "Export":
			if o.export = v.get("Name"); o.export == nil || len(v.keys) != 1 {
				return errAt(v.line, "Template format error: Output %s is malformed. Export must hold a Name alone.", name)
			}
			if err := parseIntrinsics(o.export, inValue); err != nil {
				return err
			}
		default:
			return errAt(v.line, "Template format error: Output %s has the unknown member %s.", name, key)
		}
	}
	if o.value == nil {
		return errAt(n.line,
			"Template format error: Output %s is malformed. Every Outputs object must contain a Value member.", name)
	}
	t.Outputs = append(t.Outputs, o)
	return parseIntrinsics(o.value, inValue)
}

func (t *Template) checkMappings() error {
	for _, name := range t.mappings.keys {
		m := t.mappings.fields[name]
		if m.kind != object {
			return errAt(m.line, "Template format error: Every Mappings member %s must be a map", name)
		}
		for _, key := range m.keys {
			if top := m.fields[key]; top.kind != object {
				return errAt(top.line,
					"Template format error: Every Mappings attribute must be a String or a List: %s/%s", name, key)
			}
		}
	}
	return nil
}

func noNulls(n *node, path string) error {
	switch n.kind {
	case scalar:
		if n.value == nil {
			return errAt(n.line, "[%s] 'null' values are not allowed in templates", path)
		}
	case list, call:
		for _, item := range n.items {
			if err := noNulls(item, path); err != nil {
				return err
			}
		}
	case object:
		for _, key := range n.keys {
			if err := noNulls(n.fields[key], path+"/"+key); err != nil {
				return err
			}
		}
	}
	return nil
}
