package recording

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// fields returns the values of a response by their path, such as
// "DescribeStacksResult.Stacks.member[backup].StackStatus". A list is indexed by what
// names its items, or by number.
func fields(body string) (map[string]string, error) {
	body = strings.TrimSpace(body)
	out := map[string]string{}
	switch {
	case body == "":
		return out, nil
	case strings.HasPrefix(body, "<"):
		root, err := parseXML(body)
		if err != nil {
			return nil, err
		}
		flatten("", root, out)
	default:
		var value any
		if err := json.Unmarshal([]byte(body), &value); err != nil {
			return nil, err
		}
		flatten("", value, out)
	}
	return out, nil
}

// parseXML returns an element's content: a text, or a map of names to contents, in
// which an element that is repeated, or named "member", is a list.
func parseXML(body string) (any, error) {
	decoder := xml.NewDecoder(bytes.NewReader([]byte(body)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return "", nil
		}
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			content, err := parseElement(decoder)
			return map[string]any{start.Name.Local: content}, err
		}
	}
}

func parseElement(decoder *xml.Decoder) (any, error) {
	children, text := map[string]any{}, ""
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if len(children) > 0 {
				return children, nil
			}
			return strings.TrimSpace(text), nil
		case xml.StartElement:
			content, err := parseElement(decoder)
			if err != nil {
				return nil, err
			}
			name := t.Name.Local
			switch have := children[name].(type) {
			case nil:
				children[name] = content
				if name == "member" {
					children[name] = []any{content}
				}
			case []any:
				children[name] = append(have, content)
			default:
				children[name] = []any{have, content}
			}
		}
	}
}

// namesOfItems are the fields that name the items of lists.
var namesOfItems = []string{
	"LogicalResourceId", "OutputKey", "ParameterKey", "Key", "PolicyName", "RoleName", "StackName",
	"InstanceProfileName", "Name", "Id", "TopicArn", "key",
}

func flatten(path string, value any, out map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			next := name
			if path != "" {
				next = path + "." + name
			}
			flatten(next, v[name], out)
		}
	case []any:
		for i, item := range v {
			flatten(path+"["+itemName(v, i)+"]", item, out)
		}
	case nil:
	default:
		out[path] = fmt.Sprint(v)
	}
}

// itemName returns what names an item of a list, if that is unique, or its number.
func itemName(list []any, i int) string {
	for _, name := range namesOfItems {
		seen := map[string]int{}
		for _, item := range list {
			object, _ := item.(map[string]any)
			text, _ := object[name].(string)
			seen[text]++
		}
		if len(seen) != len(list) || seen[""] > 0 {
			continue
		}
		text, _ := list[i].(map[string]any)[name].(string)
		return plain(text)
	}
	return fmt.Sprint(i)
}

// What differs between two accounts, runs and moments.
var (
	uuid      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	uuidStart = regexp.MustCompile(`_[0-9a-f]{8}\b`) // in names of roles: the stack's, shortened
	timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)`)
	suffix    = regexp.MustCompile(`\b[0-9A-Z]{12,13}\b|-[0-9A-Za-z]{12}\b`) // of generated names
	uniqueID  = regexp.MustCompile(`\b(AROA|ANPA|AIPA|AIDA|ASIA|AKIA)[0-9A-Z]{16,17}\b`)
	hash      = regexp.MustCompile(`\b[0-9a-f]{32,64}\b`)
)

// plain replaces what is different in every run by a word.
func plain(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil && strings.HasPrefix(decoded, "{") {
		text = decoded // policy documents in IAM's responses
	}
	text = uuid.ReplaceAllString(text, "{uuid}")
	text = uuidStart.ReplaceAllString(text, "_{uuid}")
	text = timestamp.ReplaceAllString(text, "{time}")
	text = uniqueID.ReplaceAllString(text, "{id}")
	text = strings.ReplaceAll(text, Account, "{account}")
	text = hash.ReplaceAllString(text, "{hash}")
	return suffix.ReplaceAllString(text, "{suffix}")
}

// unstable are the last parts of paths whose values are different in every run.
var unstable = map[string]bool{
	"RequestId": true, "HostId": true, "ETag": true, "ReceiptHandle": true, "MD5OfBody": true, "Body": true,
	"NextToken": true, "NextMarker": true, "Marker": true, "Signature": true, "MessageId": true, "EventId": true,
	"Size":         true, // of zips, which are not recorded
	"RoleLastUsed": true, "LastUsedDate": true, "SequenceNumber": true,
}

func isUnstable(path string) bool {
	last := path[strings.LastIndexByte(path, '.')+1:]
	name, _, _ := strings.Cut(last, "[")
	return unstable[name]
}
