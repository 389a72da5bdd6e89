package sqs

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

// The Query protocol, which SDKs before November 2023 use (SQS Developer Guide, "AWS JSON protocol"). Its lists are
// flattened and have the names of botocore's service model of 2012-11-05 before that.

// queryNamespace is the XML namespace of responses.
const queryNamespace = "http://queue.amazonaws.com/doc/2012-11-05/"

var (
	queryNumbers = []string{
		"DelaySeconds", "MaxNumberOfMessages", "MaxResults", "VisibilityTimeout", "WaitTimeSeconds",
	}
	queryLists = map[string]string{
		"AttributeName": "AttributeNames", "MessageAttributeName": "MessageAttributeNames",
		"MessageSystemAttributeName": "MessageSystemAttributeNames", "TagKey": "TagKeys",
		"AWSAccountId": "AWSAccountIds", "ActionName": "Actions",
	}
)

// queryBody returns the parameters of a request as the body of the JSON protocol. A request to the path of a queue
// names the queue by it.
func queryBody(call *protocol.Call) (json.RawMessage, error) {
	body := map[string]any{}
	if path := call.HTTP.URL.Path; len(path) > 1 && !call.Form.Has("QueueUrl") {
		body["QueueUrl"] = "https://" + call.HTTP.Host + path
	}
	if err := queryMembers(body, call.Form, call.Action); err != nil {
		return nil, err
	}
	var entries []any
	for _, form := range queryStructs(call.Form, call.Action+"RequestEntry") {
		entry := map[string]any{}
		if err := queryMembers(entry, form, ""); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	if entries != nil {
		body["Entries"] = entries
	}
	return json.Marshal(body)
}

// queryMembers reads the parameters of a call or of one entry of a batch.
func queryMembers(body map[string]any, form url.Values, action string) error {
	for name, values := range form {
		switch {
		case strings.Contains(name, ".") || name == "Action" || name == "Version":
		case slices.Contains(queryNumbers, name):
			n, err := strconv.Atoi(values[0])
			if err != nil {
				return protocol.Errorf("MalformedInput", "%s is not a number: %q", name, values[0])
			}
			body[name] = n
		default:
			body[name] = values[0]
		}
	}
	for from, to := range queryLists {
		var list []string
		for _, item := range queryStructs(form, from) {
			list = append(list, item.Get(""))
		}
		if list != nil {
			body[to] = list
		}
	}
	tags := "Tags"
	if action == "CreateQueue" {
		tags = "tags"
	}
	for from, to := range map[string][2]string{"Attribute": {"Attributes", "Name"}, "Tag": {tags, "Key"}} {
		pairs := map[string]string{}
		for _, item := range queryStructs(form, from) {
			pairs[item.Get(to[1])] = item.Get("Value")
		}
		if len(pairs) > 0 {
			body[to[0]] = pairs
		}
	}
	attributes := map[string]Attribute{}
	for _, item := range queryStructs(form, "MessageAttribute") {
		attributes[item.Get("Name")] = Attribute{
			item.Get("Value.DataType"), item.Get("Value.StringValue"), item.Get("Value.BinaryValue"),
		}
	}
	if len(attributes) > 0 {
		body["MessageAttributes"] = attributes
	}
	return nil
}

// queryStructs returns a flattened list. The number may be left out if there is one element: Attribute.Name.
func queryStructs(form url.Values, prefix string) []url.Values {
	list := protocol.Structs(form, prefix)
	single := url.Values{}
	for name, values := range form {
		if rest, ok := strings.CutPrefix(name, prefix+"."); ok && (rest == "Name" || rest == "Key" || rest == "Value") {
			single[rest] = values
		}
	}
	if len(list) == 0 && len(single) > 0 {
		return []url.Values{single}
	}
	return list
}

// queryResult is a result of the JSON protocol as XML.
type queryResult struct {
	action string
	value  map[string]any
}

// newQueryResult returns the result of an action as XML; nil if it has none.
func newQueryResult(action string, result any) (any, error) {
	body, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	r := queryResult{action: action}
	if err := json.Unmarshal(body, &r.value); err != nil {
		return nil, err
	}
	if r.value == nil {
		return nil, nil
	}
	return r, nil
}

// MarshalXML writes the members in the order of their names.
func (r queryResult) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return r.element(e, start.Name.Local, r.value)
}

func (r queryResult) element(e *xml.Encoder, name string, value any) error {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	object, isObject := value.(map[string]any)
	if !isObject {
		return e.EncodeElement(value, start)
	}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, member := range slices.Sorted(maps.Keys(object)) {
		if err := r.member(e, member, object[member]); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// member writes a member of a structure: lists and maps are flattened.
func (r queryResult) member(e *xml.Encoder, name string, value any) error {
	items, isList := value.([]any)
	pairs, _ := value.(map[string]any)
	switch {
	case isList:
		element := map[string]string{
			"QueueUrls": "QueueUrl", "Messages": "Message", "Failed": "BatchResultErrorEntry",
			"Successful": r.action + "ResultEntry",
		}[name]
		for _, item := range items {
			if err := r.element(e, element, item); err != nil {
				return err
			}
		}
		return nil
	case name == "Attributes" || name == "MessageAttributes" || name == "Tags":
		key := "Name"
		if name == "Tags" {
			key = "Key"
		}
		for _, k := range slices.Sorted(maps.Keys(pairs)) {
			if err := r.element(e, strings.TrimSuffix(name, "s"), map[string]any{key: k, "Value": pairs[k]}); err != nil {
				return err
			}
		}
		return nil
	}
	return r.element(e, name, value)
}
