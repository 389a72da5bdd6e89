package interop

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// miniStackProxy is between the functions and MiniStack. It changes what
// MiniStack does not have; miniStackDifferences lists every change. Everything else
// is MiniStack's own.
type miniStackProxy struct {
	upstream string

	mu        sync.Mutex
	templates map[string]string // as sent, by name of the stack
}

// miniStackDifferences are the differences between MiniStack 1.5.33 and AWS that the
// scenario meets, and what the test does about them. All are faults of MiniStack:
// docs/aws-behaviour.md has the source of AWS's behaviour for each.
var miniStackDifferences = []struct{ name, what string }{
	{"TopicInlinePolicy", "the type AWS::SNS::TopicInlinePolicy is unknown; AWS::SNS::TopicPolicy takes its place"},
	{"RolePolicy", "the type AWS::IAM::RolePolicy is unknown; AWS::IAM::Policy takes its place"},
	{"resource in progress", "DescribeStackResource has no resource that is being created, updated or deleted; " +
		"its last event takes its place"},
	{"instance profile id", "the physical id of AWS::IAM::InstanceProfile is its ARN instead of its name, which is " +
		"the primary identifier in AWS's schema of the type"},
	{"rule functions", "Fn::Contains, Fn::EachMemberIn and Fn::EachMemberEquals are unknown; the rules are removed"},
	{"Select in conditions", "Fn::Select of Fn::Split fails in conditions; the conditions of tags are constant"},
	{"Join, Split and Sub in conditions", "they are not evaluated, so that Fn::Select fails on them; the conditions on " +
		"parameters with lists are constants with the result for the scenario's parameters"},
	{"permissions boundary", "AWS::IAM::Role is created without its PermissionsBoundary; the test sets it after the launch"},
	{"code location", "none of AWS's: the functions are in a bucket of the test instead of a release's"},
}

// profileID matches the ARN of an instance profile as a physical id.
var profileID = regexp.MustCompile(`(<PhysicalResourceId>)arn:aws:iam::\d{12}:instance-profile/(?:[^/<]+/)*`)

// policyOfRole matches an AWS::IAM::Policy that takes the place of an AWS::IAM::RolePolicy in a template.
var policyOfRole = regexp.MustCompile(policyType + `(\n    Properties:\n      )Roles: \[(.*)\]`)

const (
	inlinePolicyType = "AWS::SNS::TopicInlinePolicy"
	topicPolicyType  = "AWS::SNS::TopicPolicy"
	rolePolicyType   = "AWS::IAM::RolePolicy"
	policyType       = "AWS::IAM::Policy"
)

func (p *miniStackProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	form := url.Values{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err = url.ParseQuery(string(body)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if template := form.Get("TemplateBody"); template != "" {
		p.mu.Lock()
		p.templates[bareStackName(form.Get("StackName"))] = template
		p.mu.Unlock()
		form.Set("TemplateBody", withTopicPolicies(template))
		body = []byte(form.Encode())
	}
	status, header, answer, err := p.forward(r, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	switch form.Get("Action") {
	case "DescribeStackResource":
		if own, ok := p.stackResource(r, form); ok {
			status, answer = http.StatusOK, own
		}
	case "GetTemplate":
		if own, ok := p.template(form.Get("StackName")); ok && status == http.StatusOK {
			answer = own
		}
	}
	answer = bytes.ReplaceAll(answer, []byte(topicPolicyType), []byte(inlinePolicyType))
	answer = policyOfRole.ReplaceAll(answer, []byte(rolePolicyType+"${1}RoleName: $2"))
	answer = bytes.ReplaceAll(answer, []byte(policyType), []byte(rolePolicyType))
	answer = profileID.ReplaceAll(answer, []byte("$1"))
	for name, values := range header {
		if name != "Content-Length" && name != "Connection" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// forward sends a request to MiniStack.
func (p *miniStackProxy) forward(r *http.Request, body []byte) (int, http.Header, []byte, error) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, p.upstream+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, answer, err
}

// stackResource returns the response of DescribeStackResource from the resource's
// last event.
func (p *miniStackProxy) stackResource(r *http.Request, form url.Values) ([]byte, bool) {
	query := url.Values{
		"Action": {"DescribeStackEvents"}, "Version": {form.Get("Version")}, "StackName": {form.Get("StackName")},
	}
	_, _, answer, err := p.forward(r, []byte(query.Encode()))
	if err != nil {
		return nil, false
	}
	type event struct {
		StackID            string `xml:"StackId"`
		StackName          string
		LogicalResourceID  string `xml:"LogicalResourceId"`
		PhysicalResourceID string `xml:"PhysicalResourceId"`
		ResourceType       string
		ResourceStatus     string
		Timestamp          string `xml:"-"`
	}
	var events struct {
		List []event `xml:"DescribeStackEventsResult>StackEvents>member"`
	}
	if xml.Unmarshal(answer, &events) != nil {
		return nil, false
	}
	for _, e := range events.List { // newest first
		if e.LogicalResourceID != form.Get("LogicalResourceId") {
			continue
		}
		detail, err := xml.Marshal(struct {
			XMLName              xml.Name `xml:"StackResourceDetail"`
			LastUpdatedTimestamp string
			event
		}{LastUpdatedTimestamp: "2026-01-01T00:00:00Z", event: e})
		return fmt.Appendf(nil, "<DescribeStackResourceResponse><DescribeStackResourceResult>%s"+
			"</DescribeStackResourceResult></DescribeStackResourceResponse>", detail), err == nil
	}
	return nil, false
}

// template returns the response of GetTemplate with the template that was sent.
func (p *miniStackProxy) template(stack string) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, ok := p.templates[bareStackName(stack)]
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(text))
	return fmt.Appendf(nil, "<GetTemplateResponse><GetTemplateResult><TemplateBody>%s</TemplateBody></GetTemplateResult>"+
		"</GetTemplateResponse>", escaped.String()), ok
}

// bareStackName returns the name in the ARN of a stack, or the name itself.
func bareStackName(stack string) string {
	if strings.HasPrefix(stack, "arn:") {
		return strings.Split(stack, "/")[1]
	}
	return stack
}

// withTopicPolicies replaces each TopicInlinePolicy of a JSON template.
func withTopicPolicies(template string) string {
	var document map[string]any
	if json.Unmarshal([]byte(template), &document) != nil {
		return template
	}
	resources, _ := document["Resources"].(map[string]any)
	for _, r := range resources {
		resource, _ := r.(map[string]any)
		if resource["Type"] != inlinePolicyType {
			continue
		}
		properties, _ := resource["Properties"].(map[string]any)
		resource["Type"], properties["Topics"] = topicPolicyType, []any{properties["TopicArn"]}
		delete(properties, "TopicArn")
	}
	out, err := json.Marshal(document)
	if err != nil {
		return template
	}
	return string(out)
}
