package launch

import "go.yaml.in/yaml/v3"

// maxOperands is how many conditions Fn::And and Fn::Or accept (CloudFormation Template Reference, "Condition
// functions").
const maxOperands = 10

func ref(name string) *yaml.Node { return call("Ref", scalar(name)) }

// equals returns the condition that a parameter has a value.
func equals(parameter, value string) *yaml.Node {
	return call("Fn::Equals", sequence(ref(parameter), scalar(value)))
}

func not(condition *yaml.Node) *yaml.Node { return call("Fn::Not", sequence(condition)) }

func and(conditions ...*yaml.Node) *yaml.Node { return combine("Fn::And", conditions) }

func or(conditions ...*yaml.Node) *yaml.Node { return combine("Fn::Or", conditions) }

// combine returns a call of Fn::And or Fn::Or, nested if it has more conditions than one call accepts, or the only
// condition.
func combine(function string, conditions []*yaml.Node) *yaml.Node {
	if len(conditions) == 1 {
		return conditions[0]
	}
	if len(conditions) > maxOperands {
		rest := combine(function, conditions[maxOperands-1:])
		conditions = append(conditions[:maxOperands-1:maxOperands-1], rest)
	}
	return call(function, sequence(conditions...))
}

// contains returns the condition that a parameter, which is a list, contains a value.
func contains(parameter, value string) *yaml.Node {
	return call("Fn::Contains", sequence(ref(parameter), scalar(value)))
}

// containsAny returns the condition that a parameter has one of the values.
func containsAny(values []string, parameter string) *yaml.Node {
	if len(values) == 1 {
		return equals(parameter, values[0])
	}
	return call("Fn::Contains", sequence(scalars(values), ref(parameter)))
}

// isEmpty returns the condition that a parameter, which is a list, is empty: it has no member, or an empty one.
func isEmpty(parameter string) *yaml.Node {
	return call("Fn::EachMemberEquals", sequence(ref(parameter), scalar("")))
}

// eachMemberIn returns the condition that a parameter, which is a list, is empty or has the values only.
func eachMemberIn(parameter string, values []string) *yaml.Node {
	return call("Fn::EachMemberIn", sequence(ref(parameter), scalars(append([]string{""}, values...))))
}

func scalars(values []string) *yaml.Node {
	out := sequence()
	for _, v := range values {
		out.Content = append(out.Content, scalar(v))
	}
	return out
}
