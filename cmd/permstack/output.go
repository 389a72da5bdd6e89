package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"permstack/internal/terminal"
)

// The forms of results. Every command that has several takes --output, and the
// same name has the same meaning in all of them.
const (
	formTable = "table" // text for people, the default of commands that report
	formJSON  = "json"
	formYAML  = "yaml" // the fields of json
	formCSV   = "csv"
	formSARIF = "sarif" // SARIF 2.1.0, for code scanning
	formHTML  = "html"  // a page that needs no other file

	formMarkdown = "markdown" // for a comment on a pull request
)

// outputFlag is --output, the form of a result.
type outputFlag struct {
	form  string
	forms []string
}

// register adds --output. The first form is the default; note is added to the help.
func (f *outputFlag) register(cmd *cobra.Command, note string, forms ...string) {
	f.form, f.forms = forms[0], forms
	cmd.Flags().Var(f, "output", f.list()+note)
	completeFixed(cmd, "output", forms...)
}

// list returns the forms as "table, json or yaml".
func (f *outputFlag) list() string {
	last := len(f.forms) - 1
	return strings.Join(f.forms[:last], ", ") + " or " + f.forms[last]
}

// Set implements pflag.Value.
func (f *outputFlag) Set(form string) error {
	if !slices.Contains(f.forms, form) {
		return fmt.Errorf("want %s", f.list())
	}
	f.form = form
	return nil
}

func (f *outputFlag) String() string { return f.form }

// Type implements pflag.Value.
func (f *outputFlag) Type() string { return "form" }

// write writes a value as JSON or YAML, and in other forms with text.
func write(out io.Writer, form string, value any, text func(terminal.Screen)) error {
	switch form {
	case formJSON:
		return writeJSON(out, value)
	case formYAML:
		var b bytes.Buffer
		if err := writeJSON(&b, value); err != nil {
			return err
		}
		return writeYAML(out, b.Bytes())
	}
	text(terminal.New(out))
	return nil
}

func writeJSON(out io.Writer, value any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// writeYAML writes JSON as YAML, with its fields in the same order.
func writeYAML(out io.Writer, data []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("write the result as YAML: %w", err)
	}
	clearStyle(&doc)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// clearStyle removes the braces and quotes of JSON. Strings that YAML would read as
// another type are quoted again by the encoder, because their tag is kept.
func clearStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!str" {
		n.Style = 0
	}
	for _, c := range n.Content {
		clearStyle(c)
	}
}
