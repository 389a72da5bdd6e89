package permstack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// takeoverRequest is a line of testdata/takeover.txt.
type takeoverRequest struct {
	name    string            // what the attacker wants
	call    string            // SERVICE ACTION KEY=VALUE…
	allowed map[string]string // reasons by function, if it is not refused
}

// readTakeoverRequests reads testdata/takeover.txt.
func readTakeoverRequests(t *testing.T) []takeoverRequest {
	t.Helper()
	b, err := os.ReadFile("testdata/takeover.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []takeoverRequest
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch function, reason, isAllowed := strings.Cut(line, " may: "); {
		case line == "" || line[0] == '#':
		case isAllowed:
			out[len(out)-1].allowed[function] = reason
		default:
			name, call, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("testdata/takeover.txt: no call in %q", line)
			}
			out = append(out, takeoverRequest{name, call, map[string]string{}})
		}
	}
	return out
}

// targets are the prefixes of X-Amz-Target of services with the JSON protocol; others have the query protocol, and
// Lambda paths.
var targets = map[string]string{
	"ssm": "AmazonSSM", "events": "AWSEvents", "logs": "Logs_20140328", "sqs": "AmazonSQS", "kms": "TrentService",
	"monitoring": "GraniteServiceVersion20100801",
}

var argument = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*=`)

// send makes a call "SERVICE[@REGION] ACTION KEY=VALUE…" with credentials; of Lambda, "lambda METHOD PATH BODY". It
// returns the status, the code of the error and the body.
func (k *takeover) send(t *testing.T, c aws.Credentials, call string) (int, string, string) {
	t.Helper()
	words := strings.Fields(call)
	service, in, other := strings.Cut(words[0], "@")
	if !other {
		in = region
	}
	action := words[1]
	var arguments []string
	for _, w := range words[2:] {
		if argument.MatchString(w) || len(arguments) == 0 {
			arguments = append(arguments, w)
		} else { // a value with spaces
			arguments[len(arguments)-1] += " " + w
		}
	}
	method, place, contentType, body := "POST", "/", "application/x-www-form-urlencoded", ""
	switch {
	case service == "lambda":
		method, place, contentType = action, arguments[0], "application/json"
		if _, rest, ok := strings.Cut(place, " "); ok {
			place, body = strings.Fields(place)[0], rest
		}
	case targets[service] != "":
		contentType = "application/x-amz-json-1.1"
		values := map[string]any{}
		for _, a := range arguments {
			key, value, _ := strings.Cut(a, "=")
			values[key] = value
			if strings.ContainsAny(value[:1], "[{") && !strings.HasSuffix(key, "Document") || value == "true" {
				values[key] = json.RawMessage(value)
			}
		}
		b, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	default:
		values := url.Values{"Action": {action}}
		for _, a := range arguments {
			key, value, _ := strings.Cut(a, "=")
			values.Set(key, value)
		}
		body = values.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), method, k.own.Endpoint+place, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if target := targets[service]; target != "" {
		req.Header.Set("X-Amz-Target", target+"."+action)
	}
	const anyHash = "UNSIGNED-PAYLOAD"
	if err := v4.NewSigner().SignHTTP(t.Context(), c, req, anyHash, service, in, time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, errorCode(b, response.Header), string(b)
}

var codeInXML = regexp.MustCompile(`<Code>([A-Za-z.]+)</Code>`)

// errorCode returns the code of an error, "" for none.
func errorCode(body []byte, header http.Header) string {
	if m := codeInXML.FindSubmatch(body); m != nil {
		return string(m[1])
	}
	var e struct {
		Type string `json:"__type"`
	}
	code := header.Get("X-Amzn-Errortype")
	if json.Unmarshal(body, &e) == nil && code == "" {
		code = e.Type
	}
	return code[strings.LastIndexByte(code, '#')+1:]
}

// reads reports whether the call changes nothing.
func (r takeoverRequest) reads() bool {
	action := strings.Fields(r.call)[1]
	return strings.HasPrefix(action, "Get") || action == "ReceiveMessage"
}

// templateBody returns the template of a stack.
func templateBody(t *testing.T, k *takeover, stack string) string {
	t.Helper()
	out, err := k.own.CloudFormation.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &stack})
	if err != nil {
		t.Fatal(err)
	}
	return *out.TemplateBody
}

// waitForStack waits for the end of an update and returns the events of the stack.
func waitForStack(t *testing.T, k *takeover, stack string) []types.StackEvent {
	t.Helper()
	for range 600 {
		out, err := k.own.CloudFormation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(out.Stacks[0].StackStatus), "_IN_PROGRESS") {
			events, err := k.own.CloudFormation.DescribeStackEvents(t.Context(),
				&cloudformation.DescribeStackEventsInput{StackName: &stack})
			if err != nil {
				t.Fatal(err)
			}
			// The events of the last update, which begin with the newest.
			for i, e := range events.StackEvents {
				if e.ResourceStatus == types.ResourceStatusUpdateInProgress && aws.ToString(e.LogicalResourceId) == stack {
					return events.StackEvents[:i]
				}
			}
			return events.StackEvents
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("stack %s is not updated after 30 s", stack)
	return nil
}

// reasons returns the statuses and reasons of events.
func reasons(events []types.StackEvent) string {
	var out []string
	for _, e := range events {
		out = append(out, aws.ToString(e.LogicalResourceId)+" "+string(e.ResourceStatus)+" "+
			aws.ToString(e.ResourceStatusReason))
	}
	return strings.Join(out, "\n")
}
