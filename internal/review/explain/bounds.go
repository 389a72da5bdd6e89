package explain

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
)

// Bound is a condition of a grant, with what it bounds.
type Bound struct {
	Condition string      `json:"condition"` // its description, as in OnlyIf
	Key       string      `json:"key"`
	Effect    BoundEffect `json:"effect"`
	// Why is why the condition does not bound the role, or what it bounds instead; empty if it bounds.
	Why string `json:"why,omitempty"`
}

// BoundEffect is what a condition bounds.
type BoundEffect string

// The effects of a condition.
const (
	// Bounds: the role cannot meet the condition for every resource or request.
	Bounds BoundEffect = "bounds"
	// OwnAccount: the condition is true for every resource of this account; it keeps the role out of other accounts.
	OwnAccount BoundEffect = "own-account"
	// SelfMet: the role can meet the condition by itself, such as with a tag that it may set.
	SelfMet BoundEffect = "self-met"
	// Openings: the condition limits to whom the request opens the resource, and nothing else that it does.
	Openings BoundEffect = "openings"
	// AlwaysTrue: the condition is true for every request of the role.
	AlwaysTrue BoundEffect = "always-true"
)

// role is the grants of one role, beside which the conditions of each are assessed.
type role struct {
	grants    []Grant
	describer Describer
}

// assess sets the bounds and the risks of grants, each beside the other grants of the same role.
func assess(grants []Grant, describer Describer) {
	roles := map[string]*role{}
	for _, g := range grants {
		if roles[g.Entity] == nil {
			roles[g.Entity] = &role{describer: describer}
		}
		if g.Kind == Policy {
			roles[g.Entity].grants = append(roles[g.Entity].grants, g)
		}
	}
	for i := range grants {
		grants[i].role = roles[grants[i].Entity]
		grants[i].reassess()
	}
	for _, r := range roles { // the assessed grants
		r.grants = slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return g.role != r || g.Kind != Policy })
	}
}

// reassess sets the bounds and the risk for the grant's actions and resources.
func (g *Grant) reassess() {
	if g.role != nil {
		g.Bounds = g.role.bounds(*g)
	}
	g.Risk = risk(*g)
}

// bounds assesses the conditions of a grant.
func (r role) bounds(g Grant) []Bound {
	var out []Bound
	for _, name := range slices.Sorted(maps.Keys(g.Conditions)) {
		for _, key := range slices.Sorted(maps.Keys(g.Conditions[name])) {
			values := g.Conditions[name][key]
			b := Bound{Condition: r.describer.condition(name, key, values), Key: key, Effect: Bounds}
			c := condition{parseOperator(name), strings.ToLower(key), key, values}
			if g.Kind == Policy {
				b.Effect, b.Why = r.assess(g, c)
			} else if c.alwaysTrue() {
				b.Effect, b.Why = AlwaysTrue, "every value meets it"
			}
			out = append(out, b)
		}
	}
	return out
}

// condition is one condition of a statement.
type condition struct {
	operator operator
	lower    string // the key, lower case
	key      string
	values   iampolicy.Values
}

// alwaysTrue reports whether every value of the key meets the condition.
func (c condition) alwaysTrue() bool {
	pattern := c.operator.test == "stringlike" || c.operator.test == "arnlike" || c.operator.test == "arnequals"
	return pattern && !c.operator.negated && slices.ContainsFunc(c.values, func(v string) bool {
		return v != "" && strings.Trim(v, "*") == ""
	})
}

// requestKeys are keys whose value the caller writes into its request (IAM User Guide, "AWS global condition context
// keys": aws:UserAgent and aws:Referer "should not be used to prevent unauthorized parties").
var requestKeys = map[string]string{
	"aws:useragent":       "the caller writes its user agent itself",
	"aws:referer":         "the caller writes its referrer itself",
	"aws:securetransport": "the caller decides whether it uses TLS",
}

// assess returns the effect of a condition of a policy statement, and why it does not bound.
func (r role) assess(g Grant, c condition) (BoundEffect, string) {
	tag, onResource := resourceTag(c)
	switch {
	case onResource:
		return r.assessTag(g, c, tag)
	case strings.HasPrefix(c.lower, "aws:requesttag/"), c.lower == "aws:tagkeys":
		return SelfMet, "the role writes the tags into its request itself; it limits no existing resource"
	case requestKeys[c.lower] != "":
		return SelfMet, requestKeys[c.lower]
	case isAccountKey(c.lower):
		return c.assessAccount(r.describer.Account)
	case strings.HasPrefix(c.lower, "aws:principal") || c.lower == "aws:userid" || c.lower == "aws:username":
		return AlwaysTrue, "it is about the role itself, and the same in every request"
	case strings.HasPrefix(c.lower, "s3:x-amz-grant-") || c.lower == "s3:x-amz-acl":
		return Openings, "it limits the access list of the object, not what happens to the object"
	case c.operator.null && isFalse(c.values):
		return SelfMet, "the role can send the key with any value"
	case c.operator.null:
		return Bounds, ""
	case c.alwaysTrue():
		return SelfMet, "every value meets it"
	case c.operator.set == "forallvalues" && !alwaysSent(c.lower):
		return SelfMet, "it is also true if the request does not send the key"
	}
	return Bounds, ""
}

// alwaysSent reports whether AWS sends a key with several values in every request of the actions that have it, so that
// ForAllValues is not true for its absence: events:TargetArn, because PutTargets requires targets. events:source is
// absent if a rule's pattern names no source.
func alwaysSent(key string) bool { return key == "events:targetarn" }

func isFalse(values iampolicy.Values) bool {
	return len(values) == 1 && strings.EqualFold(values[0], "false")
}

func isAccountKey(key string) bool {
	return key == "aws:resourceaccount" || key == "s3:resourceaccount"
}

// assessAccount assesses a condition on the account of the resource; account is the customer's, if it is given.
func (c condition) assessAccount(account string) (BoundEffect, string) {
	own := slices.ContainsFunc(c.values, func(v string) bool {
		return v == "${AWS::AccountId}" || v == "${aws:PrincipalAccount}" || account != "" && v == account
	})
	if own != c.operator.negated {
		return OwnAccount, "every resource of this account meets it; it only keeps the role out of other accounts"
	}
	return Bounds, ""
}

// resourceTag returns the key of the tag that a condition requires of the resource, and whether it requires one:
// aws:ResourceTag/KEY, or the service's own key ("ec2:ResourceTag/KEY", "s3:ExistingObjectTag/KEY", "rds:db-tag/KEY").
func resourceTag(c condition) (string, bool) {
	name, tag, ok := strings.Cut(c.key, "/")
	_, name, _ = strings.Cut(strings.ToLower(name), ":")
	return tag, ok && (name == "resourcetag" || name == "existingobjecttag" || strings.HasSuffix(name, "-tag"))
}

// assessTag assesses a condition on a tag of the resource: it does not bound if the role can set the tag on existing
// resources of the statement, or remove it, if the condition forbids it.
func (r role) assessTag(g Grant, c condition, tag string) (BoundEffect, string) {
	var on []string // the resources on which the role can set the tag
	var by string
	for _, resource := range g.Resources {
		if setter, action := r.tagSetter(g, resource, tag, c); action != "" {
			on = append(on, r.describer.Resource(resource))
			if by == "" {
				verb := "set"
				if removesTags(action) {
					verb = "remove"
				}
				by = "the role can " + verb + " the tag " + tag + " itself: " + setter + " grants " + action
			}
		}
	}
	switch {
	case len(on) == 0:
		return Bounds, ""
	case len(on) < len(g.Resources):
		by += " on " + join(on, "and")
	}
	return SelfMet, by
}

// tagSetter returns the Sid and the action with which the role can meet a condition on a tag of a resource.
func (r role) tagSetter(g Grant, resource, tag string, c condition) (sid, action string) {
	for _, setter := range r.grants {
		if setter.Effect != "Allow" || !overlapsExisting(setter.Resources, resource) || !setter.allowsTag(tag, c.values) {
			continue
		}
		for _, action := range setter.Actions {
			if changesTags(action, c.operator.negated) && sameService(action, g, resource) &&
				actions.ActsOn(action, resource) && !r.denied(action, []string{resource}) {
				return setter.Sid, action
			}
		}
	}
	return "", ""
}

// overlapsExisting reports whether one of some resources of a policy may be one of a pattern and exist: "${*}" is the
// literal asterisk of a resource that has no ID yet (IAM User Guide, "IAM policy elements: Variables and tags").
func overlapsExisting(resources []string, pattern string) bool {
	return slices.ContainsFunc(resources, func(r string) bool {
		return !strings.Contains(r, "${*}") && overlapARN(r, pattern)
	})
}

// overlapARN reports whether some ARN matches both resources of a policy. Wildcards do not match across the colons of
// the first five parts.
func overlapARN(p, q string) bool {
	if p == "*" || q == "*" {
		return true
	}
	return iampolicy.OverlapARN(p, q)
}

// changesTags reports whether an action can put a tag on an existing resource; if forbidden is true, also whether it
// can remove one.
func changesTags(action string, forbidden bool) bool {
	return slices.ContainsFunc(actions.Matching(action), func(a actions.Action) bool {
		return a.Is(actions.Tagging) && strings.Contains(a.Name, "Tag") && (forbidden || !removesTags(a.Name))
	})
}

func removesTags(action string) bool {
	_, name, _ := strings.Cut(action, ":")
	return strings.HasPrefix(name, "Untag") || strings.HasPrefix(name, "Remove") || strings.HasPrefix(name, "Delete")
}

// sameService reports whether an action is of the service of a resource; for "*", of one of the grant's actions.
func sameService(action string, g Grant, resource string) bool {
	service, _, _ := strings.Cut(action, ":")
	if resource != "*" {
		arn, _ := iampolicy.ParseARN(resource)
		return arn.Service == service
	}
	return slices.ContainsFunc(g.Actions, func(a string) bool { return strings.HasPrefix(a, service+":") })
}

// allowsTag reports whether a grant of a tagging action lets the role set a tag to one of some values on a resource
// that exists.
func (g Grant) allowsTag(tag string, want iampolicy.Values) bool {
	for name, keys := range g.Conditions {
		o := parseOperator(name)
		for key, values := range keys {
			lower := strings.ToLower(key)
			_, requested, _ := strings.Cut(key, "/")
			switch {
			case lower == "ec2:createaction":
				return false // only while the resource is created
			case lower == "rds:tagsfromrequest" && isFalse(values):
				return false // only tags that RDS copies from another resource
			case strings.HasPrefix(lower, "aws:requesttag/") && strings.EqualFold(requested, tag):
				if o.negated == overlapsAny(values, want) {
					return false
				}
			case lower == "aws:tagkeys" && o.set == "forallvalues":
				if !slices.ContainsFunc(values, func(v string) bool { return actions.Match(v, tag) }) {
					return false
				}
			case strings.HasPrefix(lower, "aws:requesttag/"), lower == "aws:tagkeys", isAccountKey(lower):
			default:
				if t, ok := resourceTag(condition{o, lower, key, values}); ok && strings.EqualFold(t, tag) || !ok {
					return false // the tag must be there already, or a condition that is not about tags
				}
			}
		}
	}
	return true
}

// overlapsAny reports whether some text matches a pattern of both lists.
func overlapsAny(p, q []string) bool {
	return slices.ContainsFunc(p, func(a string) bool {
		return slices.ContainsFunc(q, func(b string) bool { return iampolicy.Overlap(a, b) })
	})
}

// denied reports whether another statement of the role denies an action on all of some resources, without conditions.
func (r role) denied(action string, resources []string) bool {
	return slices.ContainsFunc(r.grants, func(d Grant) bool {
		return d.Effect == "Deny" && len(d.Conditions) == 0 && len(d.NotActions) == 0 && len(d.NotResources) == 0 &&
			slices.ContainsFunc(d.Actions, func(p string) bool { return actions.Match(p, action) }) &&
			!slices.ContainsFunc(resources, func(res string) bool {
				return !slices.ContainsFunc(d.Resources, func(p string) bool { return actions.Match(p, res) })
			})
	})
}

// IsDenied reports whether another statement of the same role denies an action on all of some resources, without
// conditions: the grant then allows nothing of it.
func (g Grant) IsDenied(action string, resources []string) bool {
	return g.role != nil && g.Effect != "Deny" && g.role.denied(action, resources)
}
