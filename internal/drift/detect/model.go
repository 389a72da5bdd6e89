package detect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
)

// model is everything that is wanted, of all stacks together: a policy may be
// declared beside its role, and two roles may share one.
type model struct {
	account   string
	resources []*resource // the weightiest first
	policies  map[string]*resource
	topics    map[string]*resource
	roles     map[string]*resource // by name

	wanted    map[*resource]wantedRole
	documents map[string]document // of the managed policies, by ARN
}

func newModel(p installation.Parent, stacks []*stack) *model {
	m := &model{account: p.Account, policies: map[string]*resource{}, topics: map[string]*resource{}, roles: map[string]*resource{}, wanted: map[*resource]wantedRole{}, documents: map[string]document{}}
	for _, s := range stacks {
		m.resources = append(m.resources, s.resources...)
	}
	slices.SortStableFunc(m.resources, func(a, b *resource) int {
		rank := func(r *resource) int { return cmp.Or(weight[r.typ], 100) }
		return rank(a) - rank(b)
	})
	for _, r := range m.resources {
		switch r.typ {
		case typeRole:
			m.roles[r.physicalID] = r
		case typeManagedPolicy:
			m.policies[r.physicalID] = r
		case typeTopic:
			m.topics[r.physicalID] = r
		}
	}
	for arn, r := range m.policies { // once: workers only read the model
		m.documents[arn] = readDocument(r.props["PolicyDocument"])
	}
	for _, r := range m.roles {
		if r.props != nil {
			m.wanted[r] = m.readWanted(r)
		}
	}
	return m
}

// wantedRole is a role as the templates have it.
type wantedRole struct {
	trust      document
	path       string
	maxSession int
	boundary   string
	tags       map[string]string
	inline     map[string]wantedInline
	managed    map[string]bool // ARNs
}

// wantedInline is an inline policy and the resource that declares it: the role,
// or an AWS::IAM::RolePolicy or AWS::IAM::Policy beside it.
type wantedInline struct {
	document
	owner *resource
}

const defaultSession = 3600 // IAM's own (API reference, CreateRole: MaxSessionDuration)

func (m *model) readWanted(r *resource) wantedRole {
	w := wantedRole{
		trust: readDocument(r.props["AssumeRolePolicyDocument"]), path: text(r.props["Path"]), maxSession: defaultSession,
		boundary: text(r.props["PermissionsBoundary"]), tags: m.wantedTags(r), inline: map[string]wantedInline{}, managed: map[string]bool{},
	}
	if w.path == "" {
		w.path = "/"
	}
	if n, err := strconv.Atoi(text(r.props["MaxSessionDuration"])); err == nil {
		w.maxSession = n
	}
	for _, p := range objects(r.props["Policies"]) {
		w.inline[text(p["PolicyName"])] = wantedInline{readDocument(p["PolicyDocument"]), r}
	}
	for _, arn := range texts(r.props["ManagedPolicyArns"]) {
		w.managed[arn] = true
	}
	for _, other := range m.resources {
		switch {
		case other.typ == typeRolePolicy && text(other.props["RoleName"]) == r.physicalID,
			other.typ == typePolicy && slices.Contains(texts(other.props["Roles"]), r.physicalID):
			w.inline[text(other.props["PolicyName"])] = wantedInline{readDocument(other.props["PolicyDocument"]), other}
		case other.typ == typeManagedPolicy && slices.Contains(texts(other.props["Roles"]), r.physicalID):
			w.managed[other.physicalID] = true
		}
	}
	return w
}

// effectivePolicies gives what the role is meant to have, all of it, with one policy
// left out and another put in: an inline one by its name, a managed one by its ARN.
func (m *model) effectivePolicies(w wantedRole, without string, with ...document) []iampolicy.Document {
	var out []iampolicy.Document
	add := func(d document) {
		if d.err == nil && !d.unknown && d.text != "" {
			out = append(out, d.Document)
		}
	}
	for _, name := range sorted(w.inline) {
		if name != without {
			add(w.inline[name].document)
		}
	}
	for _, arn := range sorted(w.managed) {
		if arn != without {
			add(m.documents[arn])
		}
	}
	for _, d := range with {
		add(d)
	}
	return out
}

// tagless are the types to which CloudFormation gives no tags ("tagging" in
// their registry schemas).
var tagless = map[string]bool{typeManagedPolicy: true, typeInstanceProfile: true, typeTopicInlinePolicy: true, typeTopicPolicy: true}

// wantedTags are the stack's tags and the resource's own over them.
func (m *model) wantedTags(r *resource) map[string]string {
	if tagless[r.typ] {
		return nil
	}
	out := maps.Clone(r.stack.tags)
	for _, t := range objects(r.props["Tags"]) {
		out[text(t["Key"])] = text(t["Value"])
	}
	return out
}

// readLive lets the live eye look at a resource.
func (c *check) readLive(ctx context.Context, m *model, r *resource) {
	var found readErrors
	switch r.typ {
	case typeRole:
		live := c.readRole(ctx, r.physicalID)
		want := m.wanted[r]
		foreign := slices.DeleteFunc(slices.Clone(live.attached), func(arn string) bool { return want.managed[arn] })
		if live.boundary != want.boundary && !live.gone && !live.gaps.unreadable("PermissionsBoundary", "") {
			foreign = append(foreign, live.boundary, want.boundary)
		}
		for _, arn := range foreign {
			if arn == "" || isUnknown(arn) {
				continue
			}
			if p := c.readPolicy(ctx, arn); p.document != "" {
				live.documents[arn] = p.document
			} else {
				found = append(found, p.gaps...) // only to know whether the time ended
				for _, g := range p.gaps {
					live.unread[arn] = g.err
				}
			}
		}
		r.live, found = live, append(found, live.gaps...)
	case typeManagedPolicy:
		live := c.readPolicy(ctx, r.physicalID)
		r.live, found = &live, live.gaps
	case typeInstanceProfile:
		live := c.readProfile(ctx, r.physicalID)
		r.live, found = live, live.gaps
	case typeTopic:
		live := &liveTopicTags{liveTopic: c.readTopic(ctx, r.physicalID)}
		if !live.gone {
			var err error
			if live.tags, err = c.readTopicTags(ctx, r.physicalID); err != nil && !awserr.IsNotFound(err) {
				live.gaps.add(err, "", "Tags")
			}
		}
		r.live, found = live, append(slices.Clone(live.gaps), live.liveTopic.gaps...)
	case typeTopicInlinePolicy, typeTopicPolicy:
		live := map[string]liveTopic{}
		for _, arn := range topicsOf(r) {
			live[arn] = c.readTopic(ctx, arn)
			found = append(found, live[arn].gaps...)
		}
		r.live = live
	case typeRule:
		live := c.readRule(ctx, r.physicalID)
		r.live, found = live, live.gaps
	}
	r.seen = !found.over()
}

// topicsOf lists the topics that a topic policy is for.
func topicsOf(r *resource) []string {
	if r.typ == typeTopicInlinePolicy {
		return []string{text(r.props["TopicArn"])}
	}
	return texts(r.props["Topics"])
}

// secrets lists what must never be told: the external ids of trust policies.
func (m *model) secrets() []string {
	var out []string
	for _, r := range m.resources {
		if r.typ != typeRole {
			continue
		}
		out = append(out, externalIDs(readDocument(r.props["AssumeRolePolicyDocument"]))...)
		if live, ok := r.live.(*liveRole); ok {
			out = append(out, externalIDs(readDocument(live.trust))...)
		}
	}
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < 2 || strings.Contains(s, unknown) })
}

// text, texts and objects read evaluated properties; numbers and booleans may
// stand as text.
func text(v any) string { return cfntemplate.Text(v) }

func texts(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, text(item))
	}
	return out
}

func objects(v any) []map[string]any {
	items, _ := v.([]any)
	var out []map[string]any
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
