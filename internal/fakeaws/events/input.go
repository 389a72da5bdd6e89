package events

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/fakeaws/protocol"
)

type inputTransformer struct {
	InputPathsMap map[string]string
	InputTemplate string
}

// input returns what the target receives: the event, a constant, a part of the
// event, or a transformed event ("Amazon EventBridge input transformation",
// User Guide).
func (d *delivery) input(t targetSettings) (string, error) {
	switch {
	case t.Input != "":
		return t.Input, nil
	case t.InputPath != "":
		v, ok := lookup(d.event, t.InputPath)
		if !ok {
			return "", protocol.Errorf("InvalidJsonPath", "The event has no value at %s.", t.InputPath)
		}
		text, err := json.Marshal(v)
		return string(text), err
	case t.InputTransformer != nil:
		return d.transform(*t.InputTransformer), nil
	}
	return d.event, nil
}

var placeholder = regexp.MustCompile(`<[A-Za-z0-9_.-]+>`)

// transform fills a template. A placeholder within quotes becomes text, another
// one JSON; a value that the event does not have becomes empty text.
func (d *delivery) transform(t inputTransformer) string {
	values := map[string]any{
		"aws.events.rule-arn": d.rule.arn, "aws.events.rule-name": d.rule.name,
		"aws.events.event.ingestion-time": d.queued.UTC().Format("2006-01-02T15:04:05Z"),
		"aws.events.event.json":           json.RawMessage(d.event), "aws.events.event": d.withoutDetail(),
	}
	for name, path := range t.InputPathsMap {
		if v, ok := lookup(d.event, path); ok {
			values[name] = v
		}
	}
	var out strings.Builder
	quoted, last := false, 0
	for _, at := range placeholder.FindAllStringIndex(t.InputTemplate, -1) {
		between := t.InputTemplate[last:at[0]]
		quoted = quoted != (strings.Count(strings.ReplaceAll(between, `\"`, ""), `"`)%2 == 1)
		out.WriteString(between)
		out.WriteString(replacement(values[t.InputTemplate[at[0]+1:at[1]-1]], quoted))
		last = at[1]
	}
	out.WriteString(t.InputTemplate[last:])
	return out.String()
}

// withoutDetail returns the event without its detail, the value of aws.events.event ("Predefined variables",
// Amazon EventBridge input transformation, User Guide).
func (d *delivery) withoutDetail() map[string]json.RawMessage {
	var event map[string]json.RawMessage
	_ = json.Unmarshal([]byte(d.event), &event) // an event is an object
	delete(event, "detail")
	return event
}

// reserved are the variables that need no path.
var reserved = []string{
	"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time", "aws.events.event",
	"aws.events.event.json",
}

// check refuses a transformer whose template is empty or has a placeholder without a path, and paths that are no JSON
// paths or have a name that AWS reserves (API reference, InputTransformer).
func (t inputTransformer) check(target string) error {
	invalid := func(format string, args ...any) error {
		return protocol.Errorf("ValidationException", "Invalid InputTemplate for target %s : "+format,
			append([]any{target}, args...)...)
	}
	if t.InputTemplate == "" {
		return violation("targets.1.member.inputTransformer.inputTemplate", "",
			"Member must have length greater than or equal to 1")
	}
	for name, path := range t.InputPathsMap {
		switch {
		case strings.HasPrefix(name, "AWS"):
			return invalid("%s is a reserved key.", name)
		case !strings.HasPrefix(path, "$"):
			return invalid("the path %s of %s is not a JSON path.", path, name)
		}
	}
	for _, p := range placeholder.FindAllString(t.InputTemplate, -1) {
		name := p[1 : len(p)-1]
		if _, has := t.InputPathsMap[name]; !has && !slices.Contains(reserved, name) {
			return invalid("[no path for the placeholder %s].", p)
		}
	}
	return nil
}

func replacement(v any, quoted bool) string {
	if v == nil {
		return ""
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	if !quoted {
		return string(text)
	}
	if _, isText := v.(string); !isText {
		text, _ = json.Marshal(string(text))
	}
	return string(text[1 : len(text)-1])
}

// lookup returns the value at a path such as $.detail.tags[0].key.
func lookup(event, path string) (any, bool) {
	var v any
	if json.Unmarshal([]byte(event), &v) != nil {
		return nil, false
	}
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, false
	}
	for _, name := range strings.FieldsFunc(rest, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		switch parent := v.(type) {
		case map[string]any:
			if v, ok = parent[strings.Trim(name, `'"`)]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(parent) {
				return nil, false
			}
			v = parent[i]
		default:
			return nil, false
		}
	}
	return v, true
}
