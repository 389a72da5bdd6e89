package customresource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/cfn"
)

// maxBody is the largest answer that CloudFormation reads; of a larger one it
// expectMails the customer only that it is too long (CloudFormation User Guide,
// "Custom resource response objects").
const maxBody = 4096

// newResponse makes the answer to an event. It always fits maxBody: a long reason
// loses its middle, and data that does not fit makes the answer a failure that
// says so, for a template that reads the data would break without it.
func newResponse(event cfn.Event, physicalID string, result Result, err error, hide *redactor) *response {
	a := &response{Response: cfn.NewResponse(&event)}
	a.PhysicalResourceID = physicalID
	if err == nil {
		a.Status = cfn.StatusSuccess
		if event.RequestType != cfn.RequestDelete {
			a.Data = result.Data
		}
		body, encodeErr := a.encode()
		switch {
		case encodeErr != nil:
			err = fmt.Errorf("write the answer's data: %w", encodeErr)
		case len(body) > maxBody:
			err = fmt.Errorf("the answer has %d bytes and CloudFormation takes %d: its data (%s) does not fit", len(body), maxBody, sortedNames(result.Data))
		default:
			return a
		}
	}
	a.Status, a.Data = cfn.StatusFailed, nil
	reason := hide.text(err.Error())
	if strings.TrimSpace(reason) == "" { // CloudFormation refuses FAILED without a reason
		reason = "failed without a reason"
	}
	if a.Reason = reason; len(a.body()) <= maxBody {
		return a
	}
	tooLong := sort.Search(len(reason)+1, func(n int) bool {
		a.Reason = truncateMiddle(reason, n)
		return len(a.body()) > maxBody
	})
	a.Reason = truncateMiddle(reason, max(0, tooLong-1))
	return a
}

type response struct{ *cfn.Response }

func (a *response) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // an escaped "<" takes six bytes
	if err := enc.Encode(a.Response); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// body is the answer's JSON, once it is known to have one.
func (a *response) body() []byte {
	body, err := a.encode()
	if err != nil { // newAnswer dropped data that cannot be written
		panic(err)
	}
	return body
}

// truncateMiddle keeps about n bytes of a text: two thirds from its begin, where the
// failed resource is named, and a third from its end, where the cause of a
// wrapped error stands.
func truncateMiddle(s string, n int) string {
	if len(s) <= n {
		return s
	}
	head, tail := n*2/3, len(s)-n/3
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return s[:head] + " […] " + s[tail:]
}

func sortedNames(data map[string]any) string {
	var out []string
	for name := range data {
		out = append(out, name)
	}
	sort.Strings(out)
	return truncateMiddle(strings.Join(out, ", "), 1000)
}
