package cfntemplate

import "permstack/internal/awsapi/region"

// Environment holds the values for which a template is evaluated.
type Environment struct {
	Parameters map[string]string
	Pseudo     Pseudo
	Zones      []string                          // the result of Fn::GetAZs; nil makes it an error
	Import     func(name string) (string, error) // Fn::ImportValue; nil makes it an error

	// Deployed means that a stack exists with these values. They are then not
	// checked, nor are the rules: for a NoEcho parameter, CloudFormation returns
	// asterisks, which no pattern would let pass.
	Deployed bool
}

// Pseudo holds the pseudo parameters.
type Pseudo struct {
	AccountID        string
	Region           string
	Partition        string // "" follows from Region
	URLSuffix        string // "" follows from Region
	StackID          string
	StackName        string
	NotificationARNs []string
}

// Resolver resolves Ref and Fn::GetAtt of resources.
type Resolver interface {
	Ref(logicalID string) (any, error)
	GetAtt(logicalID, attribute string) (any, error)
}

// Resolved is a template with its parameters and conditions settled.
type Resolved struct {
	Template   *Template
	Parameters map[string]string // defaults included
	Conditions map[string]bool

	env    Environment
	active []*Resource
}

// ResolveParameters checks the parameter values, evaluates the conditions and holds the
// rules' assertions.
func (t *Template) ResolveParameters(env Environment) (*Resolved, error) {
	values := t.withDefaults(env.Parameters)
	if !env.Deployed {
		var err error
		if values, err = t.Values(env.Parameters); err != nil {
			return nil, err
		}
	}
	if env.Pseudo.Partition == "" {
		env.Pseudo.Partition = Partition(env.Pseudo.Region)
	}
	if env.Pseudo.URLSuffix == "" {
		env.Pseudo.URLSuffix = region.DNSSuffix(env.Pseudo.Partition)
	}
	b := &Resolved{Template: t, Parameters: values, Conditions: map[string]bool{}, env: env}
	ev := &evaluator{resolved: b}
	if t.conditions != nil {
		for _, name := range t.conditions.keys {
			if _, err := ev.named(name, 0); err != nil {
				return nil, err
			}
		}
	}
	if !env.Deployed {
		for _, r := range t.rules {
			if err := ev.assert(r); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range t.Resources {
		if r.Condition == "" || b.Conditions[r.Condition] {
			b.active = append(b.active, r)
		}
	}
	return b, nil
}

// Active returns the resources whose condition is true, as written.
func (b *Resolved) Active() []*Resource { return b.active }

// IsActive reports whether the template has the resource and its condition is true.
func (b *Resolved) IsActive(id string) bool {
	r := b.Template.resources[id]
	return r != nil && (r.Condition == "" || b.Conditions[r.Condition])
}

// Properties evaluates a resource's properties. Values are string, bool,
// int64, float64, []any and map[string]any.
func (b *Resolved) Properties(id string, resolver Resolver) (map[string]any, error) {
	r := b.Template.resources[id]
	if r == nil {
		return nil, errAt(0, "no resource %s in the template", id)
	}
	v, err := (&evaluator{resolved: b, resolver: resolver}).eval(r.properties)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil
}

// OutputValue is one output, evaluated.
type OutputValue struct {
	Name        string
	Value       string
	Description string
	ExportName  string
}

// Outputs evaluates the outputs whose condition is true.
func (b *Resolved) Outputs(resolver Resolver) ([]OutputValue, error) {
	ev := &evaluator{resolved: b, resolver: resolver}
	var out []OutputValue
	for _, o := range b.Template.Outputs {
		if o.Condition != "" && !b.Conditions[o.Condition] {
			continue
		}
		v, err := ev.eval(o.value)
		if err != nil {
			return nil, err
		}
		text, ok := scalarText(v)
		if !ok {
			return nil, errAt(o.Line,
				"Template format error: The Value field of every Outputs member must evaluate to a String: %s",
				o.Name)
		}
		value := OutputValue{Name: o.Name, Value: text, Description: o.Description}
		if o.export != nil {
			v, err := ev.eval(o.export)
			if err != nil {
				return nil, err
			}
			if value.ExportName, ok = scalarText(v); !ok || value.ExportName == "" {
				return nil, errAt(o.Line,
					"Template format error: Output %s is malformed. The Name field of every Export member must be specified.",
					o.Name)
			}
		}
		out = append(out, value)
	}
	return out, nil
}

// Partition returns the partition of a Region, "aws" for an unknown one.
func Partition(name string) string {
	if p, ok := region.Lookup(name); ok {
		return p.ID
	}
	return "aws"
}

func scalarText(v any) (string, bool) {
	switch v.(type) {
	case string, bool, int64, float64, int:
		return Text(v), true
	}
	return "", false
}
