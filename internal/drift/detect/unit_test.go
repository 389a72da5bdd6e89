package detect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// The tests of this package's functions without AWS; those with the embedded AWS are in package detect_test.

const (
	unitAccount = "123456789012"
	unitUUID    = "11111111-2222-3333-4444-555555555555"
	otherUUID   = "99999999-8888-7777-6666-555555555555"
)

// unitNow is the time of the tests.
var unitNow = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// stackARN is the id of a stack.
func stackARN(name, uuid string) string {
	return "arn:aws:cloudformation:us-east-1:" + unitAccount + ":stack/" + name + "/" + uuid
}

// unitParent is the parent stack "backup".
func unitParent() installation.Parent {
	p, err := installation.ParseParent(stackARN("backup", unitUUID))
	if err != nil {
		panic(err)
	}
	return p
}

// unitStack returns a stack without resources.
func unitStack(name string) *stack {
	id := stackARN(name, unitUUID)
	return newStack(&types.Stack{
		StackId: &id, StackName: &name, StackStatus: types.StackStatusUpdateComplete, CreationTime: &unitNow,
	})
}

// parameters sets parameters of a stack.
func (s *stack) parameters(values map[string]string) *stack {
	s.described.Parameters = nil
	for _, name := range sorted(values) {
		value := values[name]
		s.described.Parameters = append(s.described.Parameters,
			types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	return s
}

// add adds a resource with the properties of a JSON object.
func (s *stack) add(typ, logicalID, physicalID, properties string) *resource {
	r := &resource{
		stack: s, logicalID: logicalID, physicalID: physicalID, typ: lookupType(typ), typeName: typ,
		props: jsonObject(properties), liveDone: true,
	}
	s.resources = append(s.resources, r)
	if s.references == nil {
		s.references = &resolver{stack: s, listed: map[string]listed{}}
	}
	s.references.listed[logicalID] = listed{logicalID: logicalID, physicalID: physicalID, typ: typ}
	return r
}

// jsonObject parses a JSON object, nil for an empty text.
func jsonObject(text string) map[string]any {
	if text == "" {
		return nil
	}
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(fmt.Sprint(err, " in ", text))
	}
	return out
}

// unitModel is the model of an installation whose parent is the first stack.
func unitModel(stacks ...*stack) *model {
	m := newModel(unitParent(), stacks)
	m.installation = stacks[0]
	return m
}

// describeDraft returns a finding in one line: kind, subject, direction, and the values.
func describeDraft(d draft) string {
	out := d.LogicalID + " " + string(d.Kind)
	if d.Subject != "" {
		out += " [" + d.Subject + "]"
	}
	out += " " + string(d.Direction)
	if expected, actual := valueText(d.Expected), valueText(d.Actual); expected != "-" || actual != "-" {
		out += ": " + expected + " → " + actual
	}
	if d.Reason != "" {
		out += " (" + string(d.Reason) + ")"
	}
	return strings.TrimSpace(out)
}

func valueText(v finding.Value) string {
	switch {
	case v.Absent:
		return "none"
	case v.Text != "":
		return v.Text
	case v.Document != nil:
		return "document"
	}
	return "-" // not known, or of no interest
}

func describeDrafts(list []draft) []string {
	var out []string
	for _, d := range list {
		out = append(out, describeDraft(d))
	}
	return out
}

// checkDrafts compares findings, given as describeDraft returns them, in whatever order.
func checkDrafts(t *testing.T, got []draft, want ...string) {
	t.Helper()
	have := describeDrafts(got)
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("got findings\n  %s\nwant\n  %s", strings.Join(have, "\n  "), strings.Join(want, "\n  "))
	}
}

// apiError is the error of a call.
func apiError(service, operation, code, message string) error {
	return &smithy.OperationError{
		ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: code, Message: message},
	}
}

var (
	errDenied = apiError("IAM", "GetRole", "AccessDenied",
		"User: u is not authorized to perform: iam:GetRole on resource: r")
	errMissing = apiError("IAM", "GetRole", "NoSuchEntity", "it does not exist")
	errBroken  = errors.New("broken")
)

// functionWithCode is a function as Lambda returns it, with the hash of its package in base 64.
func functionWithCode(hash string) *liveFunction {
	return &liveFunction{config: &lambdatypes.FunctionConfiguration{CodeSha256: &hash}}
}
