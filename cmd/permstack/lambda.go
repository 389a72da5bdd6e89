package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/drift/driftlambda"
	"permstack/internal/provisioner/provisionerlambda"
)

// lambdaCommand is how the embedded AWS runs this program as a function.
const lambdaCommand = "lambda-function"

// functions are the Lambda functions of this project, the same code as in
// functions/*/main.go. AWS_LAMBDA_RUNTIME_API is the address of the Runtime API.
var functions = map[string]func(){
	"provisioner": provisionerlambda.Start,
	"drift":       driftlambda.Start,
}

func functionNames() []string { return slices.Sorted(maps.Keys(functions)) }

func newLambda() *cobra.Command {
	return &cobra.Command{
		Use:    lambdaCommand + " NAME",
		Short:  "Run as a Lambda function of the embedded AWS",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || functions[args[0]] == nil {
				return usagef("want the name of one function, one of: %s", strings.Join(functionNames(), ", "))
			}
			functions[args[0]]()
			return nil
		},
	}
}
