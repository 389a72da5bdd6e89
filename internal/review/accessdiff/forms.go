package accessdiff

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"permstack/internal/review/sarif"
)

// WriteCSV writes a row for each change.
func (d Diff) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"change", "grows", "what", "entity", "actions", "does", "scope", "why"}}
	for _, c := range d.Changes {
		rows = append(rows, []string{
			string(c.Kind), fmt.Sprint(c.Kind.IsGrowth()), c.What, c.Entity, strings.Join(c.Actions, " "),
			strings.Join(c.Does, ", "), strings.Join(c.Lines(), "; "), c.Why,
		})
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write the changes as CSV: %w", err)
	}
	return nil
}

// sarifRules describe the changes that grant more, by their kind.
var sarifRules = []struct {
	kind Kind
	text string
}{
	{New, "Access that is new"}, {Widened, "Access that has fewer limits"},
	{Changed, "Access that changed, and may have fewer limits"},
}

// SARIF returns the changes that grant more, and what could not be read. file is the path of the file that the results
// are about, "" for none.
func (d Diff) SARIF(file string) sarif.Log {
	rules, results, index := []sarif.Rule{}, []sarif.Result{}, map[Kind]int{}
	for i, r := range sarifRules {
		index[r.kind] = i
		rules = append(rules, sarif.Rule{
			ID: "access-" + string(r.kind), ShortDescription: sarif.Text{Text: r.text},
			Help:       &sarif.Text{Text: "permstack explain shows what an action can do and what limits it."},
			Properties: sarif.Tags{Tags: []string{"security"}},
		})
	}
	rules = append(rules, sarif.Rule{
		ID: "not-read", ShortDescription: sarif.Text{Text: "A part of a file that could not be read"},
		Properties: sarif.Tags{Tags: []string{"security"}},
	})
	add := func(rule int, level, entity, message string) {
		location := sarif.Location{Logical: []sarif.Logical{{Name: entity, FullyQualifiedName: entity, Kind: "member"}}}
		if file != "" {
			location.Physical = &sarif.Physical{Artifact: sarif.Artifact{URI: file}}
		}
		key := sha256.Sum256([]byte(rules[rule].ID + "\x00" + message))
		results = append(results, sarif.Result{
			RuleID: rules[rule].ID, RuleIndex: rule, Level: level, Message: sarif.Text{Text: message},
			Locations:    []sarif.Location{location},
			Fingerprints: map[string]string{"permstack/v1": hex.EncodeToString(key[:])[:32]},
		})
	}
	for _, c := range d.Changes {
		if c.Kind.IsGrowth() {
			level := sarif.Error
			if c.Kind == Changed {
				level = sarif.Warning
			}
			add(index[c.Kind], level, c.Entity, string(c.Kind)+": "+c.Title()+": "+strings.Join(c.Lines(), "; ")+".")
		}
	}
	for _, p := range d.Problems {
		add(len(rules)-1, sarif.Warning, d.To, "Not understood: "+p+".")
	}
	return sarif.NewLog("", rules, results)
}

// maxMarkdownRows limits the table of a comment: GitHub accepts 65,536 characters.
const maxMarkdownRows = 60

// WriteMarkdown writes the changes as a comment for a pull request.
func (d Diff) WriteMarkdown(w io.Writer) error {
	title := "access does not grow"
	if d.Grows {
		title = "access grows"
	}
	if len(d.Problems) > 0 {
		title += ", and the comparison is incomplete"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### permstack: %s\n\n%s\n\nFrom %s to %s.\n", title, cell(d.Summary()), code(d.From), code(d.To))
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "- Not understood: %s\n", cell(p))
	}
	if len(d.Changes) > 0 {
		b.WriteString("\n| change | what | scope |\n|---|---|---|\n")
	}
	for i, c := range d.Changes {
		if i == maxMarkdownRows {
			fmt.Fprintf(&b, "| | … and %d more | |\n", len(d.Changes)-i)
			break
		}
		kind := string(c.Kind)
		if c.Kind.IsGrowth() {
			kind = "**" + kind + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", kind, cell(c.Title()), cell(strings.Join(c.Lines(), "; ")))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the changes as Markdown: %w", err)
	}
	return nil
}

// maxCell limits the characters of a cell.
const maxCell = 400

// cell returns text that has no meaning in Markdown: files of a pull request are the text of others.
func cell(text string) string {
	if runes := []rune(text); len(runes) > maxCell {
		text = string(runes[:maxCell-1]) + "…"
	}
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*",
		"_", "\\_", "[", "\\[", "]", "\\]", "`", "\\`", "@", "@\u200b", "#", "\\#", "\\", "\\\\").Replace(text)
}

func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "\n", " ").Replace(text) + "`"
}
