package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"permstack/internal/cfn/cfntemplate"

	"permstack/internal/fakeaws/protocol"
)

// custom provides AWS::CloudFormation::CustomResource and Custom::…. Source:
// CloudFormation's user guide, "Custom resource reference".
type custom struct{}

const (
	maxResponse           = 4_096 // bytes of a response body
	defaultServiceTimeout = 3_600 // seconds
)

func (custom) schema() schema {
	return schema{
		Any: true,
		Permissions: handlerPermissions{
			Create: []string{"lambda:InvokeFunction"},
			Read:   noDriftDetection,
			Update: []string{"lambda:InvokeFunction"},
			Delete: []string{"lambda:InvokeFunction"},
		},
	}
}

// customEvent is the payload of the function's invocation.
type customEvent struct {
	RequestType           string
	ServiceToken          string
	ResponseURL           string
	StackID               string `json:"StackId"`
	RequestID             string `json:"RequestId"`
	LogicalResourceID     string `json:"LogicalResourceId"`
	PhysicalResourceID    string `json:"PhysicalResourceId,omitempty"`
	ResourceType          string
	ResourceProperties    map[string]any
	OldResourceProperties map[string]any `json:",omitempty"`
}

// customResponse is what the function sends to the ResponseURL.
type customResponse struct {
	Status             string
	Reason             string
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	NoEcho             bool
	Data               map[string]any
}

func (custom) create(r *request) (outcome, error) {
	out, err := r.invokeFunction("Create")
	if err != nil && out.id == "" {
		out.id = generateName(r.stack.name, r.logicalID, 128) // for the Delete that follows
	}
	return out, err
}

func (custom) update(r *request) (outcome, error) {
	if r.old.str("ServiceToken") != r.props.str("ServiceToken") {
		return outcome{}, errors.New("Modifying service token is not allowed.")
	}
	return r.invokeFunction("Update")
}

func (custom) delete(r *request) error {
	_, err := r.invokeFunction("Delete")
	return err
}

func (custom) read(*request) (map[string]any, error) { return nil, errNoDrift }

var functionARN = regexp.MustCompile(`^arn:[^:]+:lambda:[^:]+:\d{12}:function:[a-zA-Z0-9-_]+(:\$LATEST)?$`)

// invokeFunction sends one request to the function and waits for its response.
func (r *request) invokeFunction(kind string) (outcome, error) {
	token := r.props.str("ServiceToken")
	if !functionARN.MatchString(token) {
		return outcome{}, fmt.Errorf("Invalid service token: %s. permstack local supports the ARN of a function",
			token)
	}
	if r.engine.d.Lambda == nil || r.engine.d.Endpoint == nil {
		return outcome{}, errors.New(
			"permstack local was started without functions and cannot serve custom resources",
		)
	}
	timeout, err := r.props.int("ServiceTimeout")
	if err != nil || r.props.has("ServiceTimeout") && (timeout < 1 || timeout > defaultServiceTimeout) {
		return outcome{}, errors.New("Value of property ServiceTimeout must be an integer from 1 to 3600")
	}
	if timeout == 0 {
		timeout = defaultServiceTimeout
	}
	ev := customEvent{
		RequestType: kind, ServiceToken: token, StackID: r.stack.id, RequestID: protocol.NewUUID(),
		LogicalResourceID:  r.logicalID,
		PhysicalResourceID: r.id, ResourceType: r.typ, ResourceProperties: textScalars(r.props),
	}
	if kind == "Update" {
		ev.OldResourceProperties = textScalars(r.old)
	}
	if r.engine.d.Authorize != nil {
		access := protocol.Access{Action: "lambda:InvokeFunction", Resource: strings.TrimSuffix(token, ":$LATEST")}
		if err := r.engine.d.Authorize(r.ctx, r.cfg, access); err != nil {
			return outcome{}, err
		}
	}
	cb := r.engine.newCallback(&ev)
	defer r.engine.dropCallback(cb)
	payload, err := json.Marshal(ev)
	if err != nil {
		return outcome{}, err
	}
	if err := r.engine.d.Lambda.InvokeAsync(strings.TrimSuffix(token, ":$LATEST"), payload); err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, time.Duration(timeout)*time.Second)
	defer cancel()
	var body []byte
	responded := false
	r.unlocked(func() {
		select {
		case body = <-cb.body:
			responded = true
		case <-ctx.Done():
		}
	})
	switch {
	case responded:
		return r.readResponse(kind, &ev, body)
	default:
		if r.ctx.Err() != nil {
			return outcome{}, r.ctx.Err()
		}
		return outcome{}, fmt.Errorf(
			"CloudFormation did not receive a response from your Custom Resource. Please check your logs for "+
				"requestId [%s]. If you are using the Python cfn-response module, you may need to update your "+
				"Lambda function code so that CloudFormation can attach the updated version.", ev.RequestID)
	}
}

// readResponse parses a response and compares it with the request.
func (r *request) readResponse(kind string, ev *customEvent, body []byte) (outcome, error) {
	if len(body) > maxResponse {
		return outcome{}, errors.New("Response object is too long.")
	}
	var a customResponse
	if err := json.Unmarshal(body, &a); err != nil {
		return outcome{}, fmt.Errorf("Invalid response object: %v", err)
	}
	for _, field := range []struct{ name, got, want string }{
		{"StackId", a.StackID, ev.StackID}, {"RequestId", a.RequestID, ev.RequestID},
		{"LogicalResourceId", a.LogicalResourceID, ev.LogicalResourceID},
	} {
		if field.got != field.want {
			return outcome{}, fmt.Errorf("Invalid response object: Value of property %s does not match the request",
				field.name)
		}
	}
	out := outcome{id: a.PhysicalResourceID, noEcho: a.NoEcho, attrs: a.Data}
	switch {
	case a.Status == "FAILED":
		reason := a.Reason
		if reason == "" {
			reason = "See the details in CloudWatch Log Stream"
		}
		err := fmt.Errorf(
			"Received response status [FAILED] from custom resource. Message returned: %s (RequestId: %s)",
			reason, ev.RequestID)
		return outcome{id: a.PhysicalResourceID}, err
	case a.Status != "SUCCESS":
		return outcome{}, fmt.Errorf(
			"Invalid response object: Value of property Status is %q; it must be SUCCESS or FAILED", a.Status)
	case kind != "Delete" && a.PhysicalResourceID == "":
		return outcome{}, errors.New("Invalid PhysicalResourceId")
	case len(a.PhysicalResourceID) > 1024:
		return outcome{}, errors.New("Invalid PhysicalResourceId: longer than 1024 bytes")
	}
	for k, v := range out.attrs {
		out.attrs[k] = wholeNumbers(v)
	}
	return out, nil
}

// textScalars returns properties with every scalar as text, as functions receive them.
func textScalars(p props) map[string]any {
	return cfntemplate.TextScalars(map[string]any(p)).(map[string]any)
}

// wholeNumbers converts whole float64 values of encoding/json to int64.
func wholeNumbers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = wholeNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = wholeNumbers(v[k])
		}
	}
	return v
}
