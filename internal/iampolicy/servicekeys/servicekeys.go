// Package servicekeys is the table of condition keys that AWS services send when
// they call another service or assume a role as a service principal. A policy
// whose condition requires a key that the service does not send denies every
// call, and most services report that nowhere but in a metric.
//
// The table is data (table.json), with the source and certainty of each row. The
// embedded AWS sends exactly these keys; CheckStatement refuses conditions on
// other keys.
package servicekeys

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// Condition keys that a service sends about the resource for which it calls.
const (
	SourceARN     = "aws:SourceArn"
	SourceAccount = "aws:SourceAccount"
)

// Certainty is how well a row is founded.
type Certainty string

const (
	// Documented means that an AWS guide states the keys.
	Documented Certainty = "documented"
	// Reported means that policies or reports of AWS customers show the keys.
	Reported Certainty = "reported"
	// Unknown means that no source states which keys are sent.
	Unknown Certainty = "unknown"
)

// Row states which source keys a service sends with one action.
type Row struct {
	Service string // "events.amazonaws.com"
	Action  string // "sns:Publish"
	Keys    []string
	// Unconfirmed are keys that the service may or may not send. A condition on
	// them must end in IfExists.
	Unconfirmed []string
	Certainty   Certainty
	Source      string // the guide and section, or the report
}

//go:embed table.json
var tableJSON []byte

var table = parseTable()

func parseTable() []Row {
	var rows []Row
	if err := json.Unmarshal(tableJSON, &rows); err != nil {
		panic(fmt.Sprintf("parse table.json of package servicekeys: %v", err))
	}
	return rows
}

// Rows returns the table.
func Rows() []Row { return slices.Clone(table) }

// Find returns the row of a service and an action. Action names are compared
// without regard to case, and the suffix .cn of service principals in China is
// ignored.
func Find(service, action string) (Row, bool) {
	service = strings.TrimSuffix(service, ".cn")
	for _, r := range table {
		if r.Service == service && strings.EqualFold(r.Action, action) {
			return r, true
		}
	}
	return Row{}, false
}

// Origin is the resource for which a service makes a call.
type Origin struct {
	Account string // 12 digits
	ARN     string // of the rule, topic, alarm or function
}

// Context returns the condition keys of a call of a service, with their values.
// A call that is not in the table has no source keys.
func Context(service, action string, o Origin) map[string][]string {
	out := map[string][]string{"aws:PrincipalIsAWSService": {"true"}, "aws:PrincipalServiceName": {service}}
	row, _ := Find(service, action)
	for _, key := range row.Keys {
		switch key {
		case SourceARN:
			out[key] = []string{o.ARN}
		case SourceAccount:
			out[key] = []string{o.Account}
		}
	}
	return out
}

// always are the keys that every call of a service principal has ("AWS global
// condition context keys", IAM User Guide).
var always = []string{
	"aws:principalisawsservice", "aws:principalservicename", "aws:securetransport", "aws:currenttime", "aws:epochtime",
}

// CheckStatement returns the conditions of an Allow statement on service
// principals that a service does not meet, one sentence each. Negated operators
// and Null with "true" are met without the key.
func CheckStatement(st iampolicy.Statement) []string {
	if st.Effect != "Allow" || st.Principal == nil {
		return nil
	}
	var out []string
	for _, service := range st.Principal.ByType["Service"] {
		for _, action := range st.Action {
			for _, row := range matching(service, action) {
				out = append(out, row.check(st.Condition)...)
			}
		}
	}
	return out
}

// matching returns the rows of a service whose action an action element matches,
// or one row without keys if the table has none.
func matching(service, action string) []Row {
	var out []Row
	service = strings.TrimSuffix(service, ".cn")
	for _, r := range table {
		if r.Service == service && eval.Wildcard(strings.ToLower(action), strings.ToLower(r.Action)) {
			out = append(out, r)
		}
	}
	if out == nil {
		out = []Row{{Service: service, Action: action, Source: "the table has no row for this call"}}
	}
	return out
}

func (r Row) check(conditions iampolicy.Conditions) []string {
	var out []string
	for _, operator := range slices.Sorted(maps.Keys(conditions)) {
		name := strings.ToLower(operator)
		if _, rest, ok := strings.Cut(name, ":"); ok {
			name = rest
		}
		name, ifExists := strings.CutSuffix(name, "ifexists")
		if strings.Contains(name, "not") {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(conditions[operator])) {
			if name == "null" && !slices.Contains(conditions[operator][key], "false") {
				continue
			}
			switch {
			case slices.Contains(always, strings.ToLower(key)) || containsFold(r.Keys, key):
			case containsFold(r.Unconfirmed, key) && ifExists:
			case containsFold(r.Unconfirmed, key):
				out = append(out, fmt.Sprintf("%s is not known to send %s with %s: use %sIfExists (%s)",
					r.Service, key, r.Action, operator, r.Source))
			default:
				out = append(out, fmt.Sprintf("%s does not send %s with %s, so %s never matches (%s)",
					r.Service, key, r.Action, operator, r.Source))
			}
		}
	}
	return out
}

func containsFold(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
}
