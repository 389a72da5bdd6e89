package policies_test

import "regexp"

type awsAction struct {
	Keys      []string
	Resources map[string][]string
}

var variable = regexp.MustCompile(`\$\{[^}]*\}`)

func wild(s string) string { return variable.ReplaceAllString(s, "*") }
