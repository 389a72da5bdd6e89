// Command bench measures permstack and what people would use instead, in one run on
// one machine, and prints the tables of docs/performance.md. What is not there
// (Python with boto3, Node with aws-cdk-lib) is left out with its reason.
//
//	go run ./tools/bench [-runs 20] [-python PATH] [-cdk DIR]
//
// Everything is interleaved: one of each, and again. The median is printed;
// what matters is the ratio; a busy machine moves all of them.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	runs := flag.Int("runs", 20, "how often each is started")
	python := flag.String("python", ".tools/pip/bin/python", "a Python that has boto3")
	cdk := flag.String("cdk", ".tools/cdk", "a folder with aws-cdk-lib; npm installs it there where it is missing")
	flag.Parse()
	if err := run(*runs, *python, *cdk); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(runs int, python, cdk string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	built, err := build(dir)
	if err != nil {
		return err
	}
	starts := []*start{
		{name: "provisioner", argv: []string{built["provisioner"]}},
		{name: "drift check", argv: []string{built["drift"]}, works: true},
		{name: "Go, nothing in it", argv: []string{built["empty"]}},
		{name: "Go, unmodified SDK, the provisioner's clients", argv: []string{built["bare"], "cloudformation,sns"}},
		{
			name: "Go, unmodified SDK, the drift check's clients",
			argv: []string{built["bare"], "cloudformation,iam,sns,eventbridge,ssm"},
		},
	}
	if script, err := pythonScript(dir, python); err != nil {
		fmt.Printf("Python: skipped: %v\n\n", err)
	} else {
		starts = append(starts,
			&start{name: "Python, boto3, the provisioner's clients", argv: []string{python, script, "cloudformation,sns"}},
			&start{name: "Python, boto3, the drift check's clients",
				argv: []string{python, script, "cloudformation,iam,sns,events,ssm"}})
	}
	if err := measureStarts(starts, runs); err != nil {
		return err
	}
	printStarts(starts, built)
	return benchSynthesis(built["permstack"], cdk, dir, runs)
}

// median of durations; they are sorted afterwards.
func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// table prints Markdown.
func table(rows ...[]string) {
	for i, row := range rows {
		fmt.Println("| " + strings.Join(row, " | ") + " |")
		if i == 0 {
			fmt.Println("|" + strings.Repeat("---|", len(row)))
		}
	}
	fmt.Println()
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func absolutePath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil { // there is no working directory
		panic(err)
	}
	return abs
}
