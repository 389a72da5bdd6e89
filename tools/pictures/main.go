// Command pictures draws what the README shows of the terminal, from what the
// program itself writes:
//
//	go run ./tools/pictures docs/img
//
// The picture of the page is a screenshot: see CONTRIBUTING.md.
package main

import (
	"bytes"
	"fmt"
	"html"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"permstack/internal/notify"
	"permstack/internal/notify/finding"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/release/launchlink"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
	"permstack/internal/terminal"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: pictures FOLDER")
	}
	explanation, err := explained("ec2:DeleteSnapshot")
	if err != nil {
		log.Fatal(err)
	}
	pictures, err := parameterPictures("templates")
	if err != nil {
		log.Fatal(err)
	}
	pictures["explain.svg"] = draw("permstack explain ec2:DeleteSnapshot", explanation)
	pictures["alert.svg"] = draw("", alerted())
	for name, picture := range pictures {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(picture), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// parameterPictures returns the picture of the parameters of each profile's template, by file name.
func parameterPictures(templates string) (map[string]string, error) {
	out := map[string]string{}
	for _, profile := range policies.ProfileNames() {
		name := launchlink.ProfileFile(profile)
		template, err := os.ReadFile(filepath.Join(templates, name))
		if err != nil {
			return nil, fmt.Errorf("draw parameters: %w", err)
		}
		if out["parameters-"+profile+".svg"], err = drawParameters(name, template); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// explained returns what permstack explain prints for a query.
func explained(text string) (string, error) {
	sel, err := choice.Parse("clumio")
	if err != nil {
		return "", err
	}
	env := choice.Example(sel, policies.Environment{})
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return "", err
	}
	grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
	var b bytes.Buffer
	source := question.Source{Set: set, Selection: sel, Grants: grants, All: grants}
	question.Find(text, source).Write(terminal.Screen{W: &b, Width: 80, Color: true})
	return b.String(), nil
}

// alerted is the e-mail about a policy that somebody attached.
func alerted() string {
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	report := finding.Report{
		ParentStackID: "arn:aws:cloudformation:eu-central-1:123456789012:stack/backup/6f1d7d1e-4b8a-4a53-9d7a-0c2a1b3d4e5f",
		Profile:       "clumio", Account: "123456789012", Region: "eu-central-1", Started: at, Checked: 25,
		Findings: []finding.Finding{{
			ID: "1", Stack: "backup-permstack-access", LogicalID: "ClumioIAMRole", PhysicalID: "ClumioIAMRole-eu-central-1-main",
			Type: "AWS::IAM::Role", Kind: finding.AttachmentAdded, Subject: "arn:aws:iam::aws:policy/AdministratorAccess",
			Direction: finding.GrantsMore,
			Expected:  finding.None, Actual: finding.Text("arn:aws:iam::aws:policy/AdministratorAccess"),
			Changes: []string{"grants more: added: Allow * on *"}, SeenBy: []finding.Source{finding.Live}, Hash: "1",
		}},
	}
	m := notify.ReportMessage(report, at)
	return "\x1b[1mSubject: " + m.Subject + "\x1b[0m\n\n" + folded(strings.TrimSpace(m.Text())) + "\n"
}

// folded breaks long lines as a mail program does.
func folded(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		if utf8.RuneCountInString(line) <= 80 {
			out = append(out, line)
			continue
		}
		for _, part := range terminal.Wrap(line, 80-len(indent)) {
			out = append(out, indent+part)
		}
	}
	return strings.Join(out, "\n")
}

const (
	columnWidth, lineHeight = 8.0, 19
	margin                  = 16
)

// colors are those of the styles of internal/terminal on a dark ground.
var colors = map[string]string{"2": "#9aa7b5", "31": "#ff8f85", "32": "#86d99c", "33": "#f2bf6d", "36": "#79d0e0"}

var ansi = regexp.MustCompile("\x1b\\[([0-9]+)m")

// draw writes lines of a terminal as a picture.
func draw(command, text string) string {
	if command != "" {
		text = "\x1b[32m$\x1b[0m " + command + "\n" + text
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(ansi.ReplaceAllString(l, "")))
	}
	var b strings.Builder
	w, h := float64(width)*columnWidth+2*margin, len(lines)*lineHeight+2*margin
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" viewBox="0 0 %.0f %d" role="img">`+"\n", w,
		h, w, h)
	fmt.Fprintf(&b, "<title>%s</title>\n",
		html.EscapeString(strings.TrimPrefix(ansi.ReplaceAllString(lines[0], ""), "$ ")))
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#131a22"/>` + "\n")
	b.WriteString(
		`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13" fill="#e6edf3">` + "\n",
	)
	for i, l := range lines {
		if l != "" {
			spans(&b, l, margin+(i+1)*lineHeight-5)
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// words are runs of text between wider gaps, which a picture would not keep.
var words = regexp.MustCompile(`\S+( \S+)*`)

// spans writes a line, each style at its column: fonts differ in width.
func spans(b *strings.Builder, line string, y int) {
	style, column := "0", 0
	for line != "" {
		text, rest := line, ""
		next := style
		if m := ansi.FindStringSubmatchIndex(line); m != nil {
			text, next, rest = line[:m[0]], line[m[2]:m[3]], line[m[1]:]
		}
		for _, at := range words.FindAllStringIndex(text, -1) {
			word := text[at[0]:at[1]]
			x := margin + float64(column+utf8.RuneCountInString(text[:at[0]]))*columnWidth
			fmt.Fprintf(b, `<text x="%.1f" y="%d" textLength="%.1f"`, x, y, float64(utf8.RuneCountInString(word))*columnWidth)
			if c := colors[style]; c != "" {
				fmt.Fprintf(b, ` fill="%s"`, c)
			}
			if style == "1" {
				b.WriteString(` font-weight="bold"`)
			}
			fmt.Fprintf(b, ">%s</text>\n", html.EscapeString(word))
		}
		column += utf8.RuneCountInString(text)
		style, line = next, rest
	}
}
