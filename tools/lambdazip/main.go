// Command lambdazip packs a function's program for AWS Lambda: one file,
// executable, with the name "bootstrap". Packing the same program always produces
// the same bytes.
package main

import (
	"errors"
	"fmt"
	"os"

	"permstack/internal/release"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: lambdazip PROGRAM ZIP")
		os.Exit(2)
	}
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "lambdazip:", err)
		os.Exit(1)
	}
}

func pack(program, target string) (err error) {
	in, err := os.Open(program)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return fmt.Errorf("create zip: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := release.PackProgram(out, in); err != nil {
		return fmt.Errorf("write zip %s: %w", target, err)
	}
	return nil
}
