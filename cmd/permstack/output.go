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

// The formats of results. Every command that has several takes --output, and the
// same name has the same meaning in all of them.
const (
	formatTable = "table" // text for people, the default of commands that report
	formatJSON  = "json"
	formatYAML  = "yaml" // the fields of json
	formatCSV   = "csv"
	formatSARIF = "sarif" // SARIF 2.1.0, for code scanning
	formatHTML  = "html"  // a page that needs no other file

	formatMarkdown = "markdown" // for a comment on a pull request
)

// outputFlag is --output, the format of a result.
type outputFlag struct {
	format  string
	formats []string
}

// register adds --output. The first format is the default; note is added to the help.
func (f *outputFlag) register(cmd *cobra.Command, note string, formats ...string) {
	f.format, f.formats = formats[0], formats
	cmd.Flags().Var(f, "output", f.list()+note)
	completeFixed(cmd, "output", formats...)
}

// list returns the formats as "table, json or yaml".
func (f *outputFlag) list() string {
	last := len(f.formats) - 1
	return strings.Join(f.formats[:last], ", ") + " or " + f.formats[last]
}

// Set implements pflag.Value.
func (f *outputFlag) Set(format string) error {
	if !slices.Contains(f.formats, format) {
		return fmt.Errorf("want %s", f.list())
	}
	f.format = format
	return nil
}

func (f *outputFlag) String() string { return f.format }

// Type implements pflag.Value.
func (f *outputFlag) Type() string { return "format" }

// write writes a value as JSON or YAML, and in other formats with text.
func write(out io.Writer, format string, value any, text func(terminal.Screen)) error {
	switch format {
	case formatJSON:
		return writeJSON(out, value)
	case formatYAML:
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
