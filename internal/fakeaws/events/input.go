package events

import (
	"encoding/json"
	"regexp"
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
		"aws.events.event.json":           json.RawMessage(d.event), "aws.events.event": json.RawMessage(d.event),
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
