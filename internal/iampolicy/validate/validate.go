// Package validate checks whether IAM would accept a policy document: the rules of "Grammar of the IAM JSON policy
// language" (IAM User Guide), and the further rules of IAM for each kind of policy.
//
// It does not check whether actions exist, as IAM does not, nor whether the principals of a trust policy exist, which
// IAM does.
package validate

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Kind is the kind of a policy.
type Kind int

const (
	// Identity is an inline or managed policy: it has no Principal element.
	Identity Kind = iota
	// Trust is a role's AssumeRolePolicyDocument: it has no Resource element.
	Trust
	// Resource is the policy of a resource, such as a topic: it has both elements.
	Resource
)

// Error is the reason for which IAM refuses a document, in the words of IAM's error message if they are known.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

var (
	errSyntax = refuse("Syntax errors in policy.")

	sidPattern     = regexp.MustCompile(`^[0-9A-Za-z]*$`)
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	actionPattern  = regexp.MustCompile(`^[A-Za-z0-9*?-]+:[A-Za-z0-9*?_-]+$`)
	servicePattern = regexp.MustCompile(`^[a-z0-9.-]+\.(amazonaws\.com|amazonaws\.com\.cn|amazon\.com|aws\.internal)$`)
)

// Check returns nil for a document that IAM accepts, else an *Error.
func Check(document string, kind Kind) error {
	var top map[string]any
	dec := json.NewDecoder(strings.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(&top); err != nil || top == nil {
		return errSyntax
	}
	if _, err := dec.Token(); err != io.EOF {
		return errSyntax
	}
	for name, value := range top {
		switch name {
		case "Version":
			if value != "2012-10-17" && value != "2008-10-17" {
				return errSyntax
			}
		case "Id":
			if _, ok := value.(string); !ok {
				return errSyntax
			}
		case "Statement":
		default:
			return errSyntax
		}
	}
	statements, ok := top["Statement"].([]any)
	if !ok {
		if statements = []any{top["Statement"]}; top["Statement"] == nil {
			return errSyntax
		}
	}
	if len(statements) == 0 {
		return errSyntax
	}
	sids := map[string]bool{}
	for _, s := range statements {
		statement, ok := s.(map[string]any)
		if !ok {
			return errSyntax
		}
		if err := checkStatement(statement, kind); err != nil {
			return err
		}
		if sid, _ := statement["Sid"].(string); sid != "" {
			if sids[sid] {
				return refuse("Statement IDs (SID) in a single policy must be unique.")
			}
			sids[sid] = true
		}
	}
	return nil
}

var elements = []string{
	"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
}

func checkStatement(s map[string]any, kind Kind) error {
	for name := range s {
		if !slices.Contains(elements, name) {
			return errSyntax
		}
	}
	if effect := s["Effect"]; effect != "Allow" && effect != "Deny" {
		return errSyntax
	}
	if sid, has := s["Sid"]; has {
		text, ok := sid.(string)
		if !ok {
			return errSyntax
		}
		if kind != Resource && !sidPattern.MatchString(text) {
			return refuse("Statement IDs (SID) must be alpha-numeric. " +
				"Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
	}
	if err := checkPrincipal(s, kind); err != nil {
		return err
	}
	if err := checkActions(s, kind); err != nil {
		return err
	}
	if err := checkResources(s, kind); err != nil {
		return err
	}
	if condition, has := s["Condition"]; has {
		return checkCondition(condition)
	}
	return nil
}

// checkPrincipal checks that identity policies have no Principal element and all others have one.
func checkPrincipal(s map[string]any, kind Kind) error {
	principal, has := s["Principal"]
	not, hasNot := s["NotPrincipal"]
	switch {
	case kind == Identity && (has || hasNot):
		return refuse("Policy document should not specify a principal.")
	case kind == Identity:
		return nil
	case has && hasNot:
		return errSyntax
	case kind == Trust && hasNot:
		return refuse("AssumeRole policy may not use NotPrincipal.") // IAM's message is not known
	case !has && !hasNot:
		return refuse("Missing required field Principal")
	case hasNot:
		principal = not
	}
	if principal == "*" {
		return nil
	}
	byType, ok := principal.(map[string]any)
	if !ok || len(byType) == 0 {
		return refuse("Invalid principal in policy")
	}
	for typ, value := range byType {
		ids, err := stringList(value)
		if err != nil || len(ids) == 0 {
			return errSyntax
		}
		for _, id := range ids {
			if !validPrincipal(typ, id) {
				return refuse("Invalid principal in policy: %q:%q", typ, id)
			}
		}
	}
	return nil
}

func validPrincipal(typ, id string) bool {
	switch typ {
	case "AWS":
		if id == "*" || accountPattern.MatchString(id) || strings.HasPrefix(id, "AROA") || strings.HasPrefix(id, "AIDA") {
			return true
		}
		a, ok := iampolicy.ParseARN(id)
		return ok && (a.Service == "iam" || a.Service == "sts") && accountPattern.MatchString(a.AccountID) &&
			!strings.ContainsAny(a.Resource, "*?")
	case "Service":
		return servicePattern.MatchString(id)
	case "Federated":
		return id != ""
	case "CanonicalUser":
		return id != ""
	}
	return false
}

func checkActions(s map[string]any, kind Kind) error {
	value, has := s["Action"]
	not, hasNot := s["NotAction"]
	if has == hasNot {
		if has {
			return errSyntax
		}
		return refuse("Policy statement must contain actions.")
	}
	if hasNot {
		value = not
	}
	actions, err := stringList(value)
	if err != nil {
		return errSyntax
	}
	if len(actions) == 0 {
		return refuse("Policy statement must contain actions.")
	}
	for _, a := range actions {
		if a != "*" && !actionPattern.MatchString(a) {
			return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		}
		if kind == Trust && !trustActions[strings.ToLower(a)] {
			return refuse("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	return nil
}

var trustActions = map[string]bool{
	"sts:assumerole": true, "sts:assumerolewithsaml": true, "sts:assumerolewithwebidentity": true,
	"sts:tagsession": true, "sts:setsourceidentity": true, "sts:setcontext": true,
}

func checkResources(s map[string]any, kind Kind) error {
	value, has := s["Resource"]
	not, hasNot := s["NotResource"]
	if kind == Trust {
		if has || hasNot {
			return refuse("Has prohibited field Resource")
		}
		return nil
	}
	if has && hasNot {
		return errSyntax
	}
	if !has && !hasNot {
		return refuse("Policy statement must contain resources.")
	}
	if hasNot {
		value = not
	}
	resources, err := stringList(value)
	if err != nil {
		return errSyntax
	}
	if len(resources) == 0 {
		return refuse("Policy statement must contain resources.")
	}
	for _, r := range resources {
		if err := checkARN(r); err != nil {
			return err
		}
	}
	return nil
}

// checkARN accepts "*" and arn:partition:service:region:account:resource, with wildcards from the partition on.
func checkARN(r string) error {
	if r == "*" {
		return nil
	}
	parts := strings.SplitN(r, ":", 6)
	if parts[0] != "arn" || (len(parts) < 6 && !strings.HasSuffix(r, "*")) {
		return refuse("Resource %s must be in ARN format or \"*\".", r)
	}
	if len(parts) > 1 && !strings.ContainsAny(parts[1], "*?$") && !strings.HasPrefix(parts[1], "aws") {
		return refuse("Partition %q is not valid for resource %q.", parts[1], r)
	}
	return nil
}

// Operators are the condition operators of IAM, without set prefix and IfExists.
var Operators = []string{
	"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
	"StringLike", "StringNotLike",
	"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
	"NumericGreaterThan", "NumericGreaterThanEquals",
	"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
	"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
}

func checkCondition(condition any) error {
	byOperator, ok := condition.(map[string]any)
	if !ok {
		return errSyntax
	}
	for operator, keys := range byOperator {
		base := operator
		for _, set := range []string{"ForAllValues:", "ForAnyValue:"} {
			base = strings.TrimPrefix(base, set)
		}
		if b, cut := strings.CutSuffix(base, "IfExists"); cut && b != "Null" {
			base = b
		}
		if !slices.ContainsFunc(Operators, func(o string) bool { return strings.EqualFold(o, base) }) {
			return errSyntax
		}
		byKey, ok := keys.(map[string]any)
		if !ok {
			return errSyntax
		}
		for key, value := range byKey {
			if !strings.Contains(key, ":") {
				return refuse("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			if !isScalars(value) {
				return errSyntax
			}
		}
	}
	return nil
}

func stringList(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, errSyntax
		}
		out = append(out, s)
	}
	return out, nil
}

func isScalars(v any) bool {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		switch item.(type) {
		case string, bool, json.Number:
		default:
			return false
		}
	}
	return true
}
