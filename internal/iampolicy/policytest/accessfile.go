package policytest

import (
	"fmt"
	"slices"
	"strings"
)

// AccessFile lists the access that policies must allow, written independently of the policies. Its notation:
//
//	# a comment
//	@name = value value
//	[section]
//	choices | actions | resources | conditions
//
// A section is the role or resource whose policies the lines below it describe. Choices are separated by spaces; a line
// whose choices begin with Deny denies, whatever other lines allow. Actions are written as service:Name,Name
// service:Name, resources are separated by spaces. Conditions are optional and joined by "and"; see AccessCondition. A
// line that begins with four spaces continues the one before.
//
// What choices, resources, names and values mean is defined by the test that reads the file.
type AccessFile struct {
	Names map[string][]string // of the lines @name = …
	Lines []AccessLine
}

// AccessLine is one line of an AccessFile.
type AccessLine struct {
	Section            string
	Deny               bool
	Choices            []string
	Actions, Resources []string
	Conditions         []AccessCondition
	Number             int // of the line in the file, from 1
}

// AccessCondition is a condition of an AccessLine: key=value,value with any of the words ForAllValues, IgnoreCase and
// IfExists before it, which mean what the parts of IAM's condition operators mean; or Null key, which requires that the
// request does not have the key.
type AccessCondition struct {
	Key                                      string
	Values                                   []string
	ForAllValues, IgnoreCase, IfExists, Null bool
}

// ParseAccessFile parses an AccessFile.
func ParseAccessFile(text string) (AccessFile, error) {
	f := AccessFile{Names: map[string][]string{}}
	section := ""
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, number := lines[i], i+1
		for i+1 < len(lines) && line != "" && strings.HasPrefix(lines[i+1], "    ") {
			i++
			gap := " "
			if strings.HasSuffix(line, ",") {
				gap = ""
			}
			line += gap + strings.TrimSpace(lines[i])
		}
		name, values, isName := strings.Cut(line, " = ")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		case line[0] == '@' && isName:
			f.Names[name] = strings.Fields(values)
		default:
			l, err := parseAccessLine(line)
			if err != nil {
				return f, fmt.Errorf("line %d: %w", number, err)
			}
			l.Section, l.Number = section, number
			f.Lines = append(f.Lines, l)
		}
	}
	return f, nil
}

func parseAccessLine(text string) (AccessLine, error) {
	var l AccessLine
	fields := strings.Split(text, "|")
	if len(fields) < 3 || len(fields) > 4 {
		return l, fmt.Errorf("%d fields in %q, want three or four", len(fields), text)
	}
	l.Choices, l.Resources = strings.Fields(fields[0]), strings.Fields(fields[2])
	if len(l.Choices) > 0 && l.Choices[0] == "Deny" {
		l.Deny, l.Choices = true, l.Choices[1:]
	}
	for _, group := range strings.Fields(fields[1]) {
		service, names, ok := strings.Cut(group, ":")
		if !ok {
			return l, fmt.Errorf("actions %q have no service", group)
		}
		for name := range strings.SplitSeq(names, ",") {
			l.Actions = append(l.Actions, service+":"+name)
		}
	}
	if len(l.Choices) == 0 || len(l.Actions) == 0 || len(l.Resources) == 0 {
		return l, fmt.Errorf("no choices, actions or resources in %q", text)
	}
	if len(fields) == 4 {
		for condition := range strings.SplitSeq(fields[3], " and ") {
			c, err := parseAccessCondition(condition)
			if err != nil {
				return l, err
			}
			l.Conditions = append(l.Conditions, c)
		}
	}
	return l, nil
}

func parseAccessCondition(text string) (AccessCondition, error) {
	var c AccessCondition
	words := strings.Fields(text)
	if len(words) == 0 {
		return c, fmt.Errorf("an empty condition")
	}
	last := len(words) - 1
	for _, word := range words[:last] {
		set, ok := map[string]*bool{
			"ForAllValues": &c.ForAllValues, "IgnoreCase": &c.IgnoreCase, "IfExists": &c.IfExists, "Null": &c.Null,
		}[word]
		if !ok {
			return c, fmt.Errorf("condition %q: unknown word %q", text, word)
		}
		*set = true
	}
	key, values, hasValues := strings.Cut(words[last], "=")
	if hasValues == c.Null || key == "" {
		return c, fmt.Errorf("condition %q: want key=values, or Null key", text)
	}
	c.Key = key
	if hasValues {
		c.Values = slices.Collect(strings.SplitSeq(values, ","))
	}
	return c, nil
}
