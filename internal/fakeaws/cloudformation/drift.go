package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/protocol"
)

// drift is the result of the last detection for a resource.
type drift struct {
	status           string // IN_SYNC, MODIFIED, DELETED, NOT_CHECKED, UNKNOWN
	reason           string
	time             time.Time
	expected, actual string
	differences      []difference
}

type difference struct {
	Path     string `xml:"PropertyPath"`
	Expected string `xml:"ExpectedValue"`
	Actual   string `xml:"ActualValue"`
	Kind     string `xml:"DifferenceType"` // ADD, REMOVE, NOT_EQUAL
}

// driftable are the stack statuses in which drift can be detected.
var driftable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"}

func checkDriftable(s *stack) error {
	if s.busy || !slices.Contains(driftable, s.status) {
		return invalid(
			"Drift detection cannot be performed on stack [%s] while it is in the following state(s): [%s].", s.id,
			s.status)
	}
	return nil
}

// detect compares a resource's declared properties with the live ones.
func (e *Engine) detect(ctx context.Context, cfg aws.Config, s *stack, r *resource) (*drift, error) {
	live, err := e.readLive(ctx, cfg, s, r)
	if errors.Is(err, errNoDrift) {
		return nil, err
	}
	e.mu.Lock()
	d := &drift{status: "IN_SYNC", time: e.now(), expected: marshal(r.props)}
	e.mu.Unlock()
	switch {
	case errors.Is(err, errNotFound):
		d.status = "DELETED"
		return d, nil
	case err != nil:
		d.status, d.reason = "UNKNOWN", err.Error()
		return d, nil
	}
	actual := map[string]any{}
	for name := range r.props {
		if v, ok := live[name]; ok {
			actual[name] = v
		}
	}
	d.actual = marshal(actual)
	declared, readable := withoutWriteOnly(r.typ, r.props), withoutWriteOnly(r.typ, actual)
	for _, name := range sortedKeys(declared) {
		d.compare("/"+escapePointer(name), normalizeProperty(name, declared[name], r.tags),
			normalizeProperty(name, readable[name], r.tags))
	}
	if d.differences != nil {
		d.status = "MODIFIED"
	}
	return d, nil
}

// readLive reads the live values of a resource's properties.
func (e *Engine) readLive(ctx context.Context, cfg aws.Config, s *stack, r *resource) (map[string]any, error) {
	q := &request{
		ctx: ctx, engine: e, cfg: onlyDeclared(cfg, r.typ, readHandler), stack: s,
		logicalID: r.logicalID, typ: r.typ, id: r.id, props: r.props, stackTags: r.tags,
	}
	return q.read()
}

// normalizeProperty returns a property without differences of order and spelling
// that have no meaning: lists of ARNs, names and tags are sorted, documents in
// text form are parsed, and tags of the stack are left out.
func normalizeProperty(name string, v any, stackTags []protocol.Tag) any {
	if s, ok := v.(string); ok && strings.HasPrefix(strings.TrimSpace(s), "{") {
		v = parseJSON(s)
	}
	v = normal(v)
	if list, ok := v.([]any); ok {
		if name == "Tags" {
			list = slices.DeleteFunc(slices.Clone(list), func(t any) bool {
				m, _ := t.(map[string]any)
				key, _ := m["Key"].(string)
				return strings.HasPrefix(key, "aws:") ||
					slices.ContainsFunc(stackTags,
						func(st protocol.Tag) bool { return st.Key == key && st.Value == m["Value"] })
			})
		}
		sort.SliceStable(list, func(i, j int) bool { return sortKey(list[i]) < sortKey(list[j]) })
		v = list
	}
	return normalizeLists(v, false)
}

func sortKey(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, k := range []string{"Key", "PolicyName", "Id", "Endpoint"} {
			if s, ok := m[k].(string); ok {
				return s
			}
		}
	}
	return marshal(v)
}

// normalizeLists returns a policy document whose lists have one form: in a
// statement, a single element may be written without its list, and order has no
// meaning.
func normalizeLists(v any, inStatement bool) any {
	switch v := v.(type) {
	case map[string]any:
		_, statement := v["Effect"]
		for k := range v {
			v[k] = normalizeLists(v[k], inStatement || statement)
		}
	case []any:
		texts := true
		for i := range v {
			v[i] = normalizeLists(v[i], inStatement)
			_, text := v[i].(string)
			texts = texts && text
		}
		if inStatement && texts {
			if len(v) == 1 {
				return v[0]
			}
			sort.Slice(v, func(i, j int) bool { return v[i].(string) < v[j].(string) })
		}
	}
	return v
}

func (d *drift) compare(path string, want, have any) {
	if reflect.DeepEqual(want, have) {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if h, ok := have.(map[string]any); ok {
			keys := sortedKeys(w)
			for _, k := range sortedKeys(h) {
				if _, both := w[k]; !both {
					keys = append(keys, k)
				}
			}
			for _, k := range keys {
				d.compare(path+"/"+escapePointer(k), w[k], h[k])
			}
			return
		}
	case []any:
		if h, ok := have.([]any); ok {
			d.compareLists(path, w, h)
			return
		}
	}
	switch {
	case have == nil:
		d.differences = append(d.differences, difference{path, text(want), "null", "REMOVE"})
	case want == nil:
		d.differences = append(d.differences, difference{path, "null", text(have), "ADD"})
	default:
		d.differences = append(d.differences, difference{path, text(want), text(have), "NOT_EQUAL"})
	}
}

// compareLists pairs elements by their identifying key and adds a difference for
// each element without a counterpart.
func (d *drift) compareLists(path string, want, have []any) {
	sameElement := func(a, b any) bool { return sortKey(a) == sortKey(b) || isObject(a) && isObject(b) }
	if len(want) == len(have) && slices.EqualFunc(want, have, sameElement) {
		for i := range want {
			d.compare(path+"/"+strconv.Itoa(i), want[i], have[i])
		}
		return
	}
	in := func(list []any, v any) bool {
		return slices.ContainsFunc(list, func(o any) bool { return sortKey(o) == sortKey(v) })
	}
	for i, v := range want {
		if !in(have, v) {
			d.differences = append(d.differences, difference{path + "/" + strconv.Itoa(i), text(v), "null", "REMOVE"})
		}
	}
	for i, v := range have {
		if !in(want, v) {
			d.differences = append(d.differences, difference{path + "/" + strconv.Itoa(i), "null", text(v), "ADD"})
			continue
		}
		j := slices.IndexFunc(want, func(o any) bool { return sortKey(o) == sortKey(v) })
		d.compare(path+"/"+strconv.Itoa(j), want[j], v)
	}
}

func isObject(v any) bool { _, ok := v.(map[string]any); return ok }

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return marshal(v)
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}

// detectAll detects drift of each resource of a stack whose type supports it.
func (e *Engine) detectAll(ctx context.Context, cfg aws.Config, s *stack, ids []string) (drifted int, err error) {
	for _, id := range ids {
		e.mu.Lock()
		r := s.resources[id]
		if r != nil {
			r = r.clone()
		}
		e.mu.Unlock()
		if r == nil || r.id == "" || strings.HasPrefix(r.status, "DELETE_") {
			continue
		}
		d, readErr := e.detect(ctx, cfg, s, r)
		if errors.Is(readErr, errNoDrift) {
			continue
		}
		if d.status == "MODIFIED" || d.status == "DELETED" {
			drifted++
		}
		if d.status == "UNKNOWN" && err == nil {
			err = fmt.Errorf("%s: %s", id, d.reason)
		}
		e.mu.Lock()
		if now := s.resources[id]; now != nil && now.id == r.id {
			now.drift = d
		}
		e.mu.Unlock()
	}
	return drifted, err
}
