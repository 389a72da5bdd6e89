package main

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"permstack/internal/cfn/yamlfmt"
)

// form is what the CloudFormation console shows of a template's parameters.
type form struct {
	Metadata struct {
		Interface struct {
			ParameterGroups []struct {
				Label struct {
					Default string `yaml:"default"`
				} `yaml:"Label"`
				Parameters []string `yaml:"Parameters"`
			} `yaml:"ParameterGroups"`
			ParameterLabels map[string]struct {
				Default string `yaml:"default"`
			} `yaml:"ParameterLabels"`
		} `yaml:"AWS::CloudFormation::Interface"`
	} `yaml:"Metadata"`
	Parameters map[string]struct {
		Default       *string  `yaml:"Default"`
		NoEcho        bool     `yaml:"NoEcho"`
		AllowedValues []string `yaml:"AllowedValues"`
	} `yaml:"Parameters"`
}

// foldedGroup begins the groups that are drawn as one line: what most launches leave as it is.
const foldedGroup = "Restore for a time"

const (
	formWidth, rowHeight = 760, 30
	labelWidth           = 420
)

// drawParameters draws the parameters of a launch template as the console shows them: the groups in
// their order, each question with its default.
func drawParameters(name string, template []byte) (string, error) {
	root, err := yamlfmt.Parse(template)
	if err != nil {
		return "", err
	}
	var f form
	if err := root.Decode(&f); err != nil {
		return "", fmt.Errorf("read the parameters of %s: %w", name, err)
	}
	var b strings.Builder
	y, folded := margin, false
	for _, group := range f.Metadata.Interface.ParameterGroups {
		label := group.Label.Default
		folded = folded || strings.HasPrefix(label, foldedGroup)
		if folded {
			label = fmt.Sprintf("%s: %d more, which have a default", label, len(group.Parameters))
		}
		y += rowHeight
		weight := ` font-weight="bold"`
		if folded {
			weight = ` fill="#56646f"`
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d"%s>%s</text>`+"\n", margin, y-8, weight, html.EscapeString(label))
		if folded {
			continue
		}
		for _, p := range group.Parameters {
			y += rowHeight
			f.drawParameter(&b, p, y)
		}
		y += 8
	}
	y += margin
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img">
<title>The parameters of %[3]s, in the order of the console</title>
<rect x="0.5" y="0.5" width="%[4]d" height="%[5]d" rx="8" fill="#ffffff" stroke="#c6cfd8"/>
<g font-family="system-ui,sans-serif" font-size="14" fill="#16202c">
%[6]s</g>
</svg>
`, formWidth, y, html.EscapeString(name), formWidth-1, y-1, b.String()), nil
}

func (f form) drawParameter(b *strings.Builder, name string, y int) {
	label := name
	if l := f.Metadata.Interface.ParameterLabels[name].Default; l != "" {
		label = l
	}
	p := f.Parameters[name]
	value, color := "", "#16202c"
	switch {
	case p.Default == nil:
		value, color = "required", "#a81c1c"
	case *p.Default == "":
		value, color = "empty", "#56646f"
	default:
		value = *p.Default
	}
	if p.NoEcho {
		value += ", not shown"
	}
	if len(p.AllowedValues) > 0 {
		value += "  ▾"
	}
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", margin+12, y-9, html.EscapeString(shortened(label, 58)))
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="#f7f9fb" stroke="#8a97a3"/>`+"\n",
		labelWidth, y-rowHeight+3, formWidth-labelWidth-margin, rowHeight-6)
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", labelWidth+10, y-9, color,
		html.EscapeString(shortened(value, 42)))
}

func shortened(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}
