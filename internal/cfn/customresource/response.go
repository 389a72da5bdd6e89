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

// maxBody is the largest response that CloudFormation reads, in bytes. For a larger
// one it only reports that the response is too long (CloudFormation User Guide,
// "Custom resource response objects").
const maxBody = 4096

// newResponse returns the response to an event. It always fits maxBody: the middle
// of a long reason is cut out, and data that does not fit makes the response
// FAILED, because a template that reads the data would fail without it.
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
			err = fmt.Errorf("encode the data of the response: %w", encodeErr)
		case len(body) > maxBody:
			err = fmt.Errorf(
				"the response has %d bytes, of which CloudFormation accepts %d: its data (%s) does not fit",
				len(body), maxBody, sortedNames(result.Data))
		default:
			return a
		}
	}
	a.Status, a.Data = cfn.StatusFailed, nil
	reason := hide.text(err.Error())
	if strings.TrimSpace(reason) == "" { // CloudFormation rejects FAILED without a reason
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

// body returns the JSON of a response that is known to be encodable.
func (a *response) body() []byte {
	body, err := a.encode()
	if err != nil { // newAnswer dropped data that cannot be written
		panic(err)
	}
	return body
}

// truncateMiddle keeps about n bytes of a text: two thirds from its start, which
// names the failed resource, and a third from its end, which has the cause of a
// wrapped error.
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
