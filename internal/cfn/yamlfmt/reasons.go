package yamlfmt

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// commentWidth is the longest line of a comment, without its indentation and "# ".
const commentWidth = 90

// comment writes the reasons of statements above them.
func comment(n *yaml.Node, reasons func(sids []string) []string) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if list := n.Content[i+1]; n.Content[i].Value == "Statement" && list.Kind == yaml.SequenceNode {
				commentStatements(list, reasons)
			}
		}
	}
	for _, child := range n.Content {
		comment(child, reasons)
	}
}

func commentStatements(list *yaml.Node, reasons func(sids []string) []string) {
	var sids []string
	for _, statement := range list.Content {
		sid := ""
		for i := 0; i+1 < len(statement.Content); i += 2 {
			if statement.Content[i].Value == "Sid" {
				sid = statement.Content[i+1].Value
			}
		}
		sids = append(sids, sid)
	}
	for i, reason := range reasons(sids) {
		if reason != "" && i < len(list.Content) {
			list.Content[i].HeadComment = wrapped(reason)
		}
	}
}

// wrapped returns text as the lines of a comment.
func wrapped(text string) string {
	var lines []string
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > commentWidth && line != "#" {
			lines = append(lines, line)
			line = "#"
		}
		line += " " + word
	}
	return strings.Join(append(lines, line), "\n")
}
