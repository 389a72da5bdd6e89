package launch

import (
	_ "embed"
	"fmt"
	"strings"

	"permstack/internal/cfn/cfntemplate"
)

//go:embed stackset.yaml
var stackSet string

// StackSet makes stackset.yaml from launch-stack.yaml: it asks for the same
// parameters, by the same rules, and hands them on to every account as the
// stack set's own, so that they reach accounts that join later too.
func StackSet(launchStack []byte, r Release) ([]byte, error) {
	parsed, err := cfntemplate.Parse(launchStack)
	if err != nil {
		return nil, fmt.Errorf("read launch-stack.yaml: %w", err)
	}
	var handed []string
	for _, p := range parsed.Parameters {
		value := "!Ref " + p.Name
		if p.IsList() {
			value = `!Join [",", !Ref ` + p.Name + "]"
		}
		handed = append(handed, "        - {ParameterKey: "+p.Name+", ParameterValue: "+value+"}")
	}
	groups, labels, err := faces(string(launchStack))
	if err != nil {
		return nil, err
	}
	out := stackSet
	for mark, text := range map[string]string{
		"#: release":    "# Release " + r.Version + ".",
		"#: groups":     groups,
		"#: labels":     labels,
		"#: parameters": block(string(launchStack), "Parameters"),
		"#: rules":      block(string(launchStack), "Rules"),
		"#: template":   "        Key: " + Key(r.Version, "launch-stack.yaml"),
		"#: handed":     strings.Join(handed, "\n"),
	} {
		if text == "" || strings.Count(out, mark+"\n") != 1 {
			return nil, fmt.Errorf("make stackset.yaml: nothing to put at %q, or not one place for it", mark)
		}
		out = strings.Replace(out, mark+"\n", text+"\n", 1)
	}
	if _, err := cfntemplate.Parse([]byte(out)); err != nil {
		return nil, fmt.Errorf("read stackset.yaml again: %w", err)
	}
	return []byte(out), nil
}

// block gives the lines of a section, without its key and the blanks around.
func block(template, section string) string {
	_, rest, ok := strings.Cut(template, "\n"+section+":\n")
	if !ok {
		return ""
	}
	var lines []string
	for _, line := range strings.Split(rest, "\n") {
		if line != "" && line[0] != ' ' {
			break
		}
		lines = append(lines, line)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// faces gives the groups and the labels of the parameters.
func faces(template string) (groups, labels string, err error) {
	text := block(template, "Metadata")
	_, text, ok := strings.Cut(text, "    ParameterGroups:\n")
	groups, labels, ok2 := strings.Cut(text, "\n    ParameterLabels:\n")
	if !ok || !ok2 {
		return "", "", fmt.Errorf("make stackset.yaml: launch-stack.yaml has no ParameterGroups followed by ParameterLabels")
	}
	return groups, labels, nil
}
