package lint

import (
	"strings"

	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// trust checks a statement of a role's trust policy: it names one principal, and its conditions limit something. That a
// service is limited to this account is not required: services that take a role by iam:PassRole accept roles of the
// caller's account only.
func (c *checker) trust(r schema.Role, t schema.Trust) {
	key := profilefile.TrustKey(r.Entity, t.Sid)
	at := c.loaded.Place(key, profilefile.RoleKey(r.Entity))
	what := r.Entity + "/" + t.Sid
	c.words(key, what, t.Why, 1)
	if strings.Contains(t.AWS, "*") {
		c.add(at, Trust, "%s: principal %s: want one role or account, such as ${ControlPlaneRole}", what, t.AWS)
	}
	for _, text := range []string{t.AWS, t.Service} {
		c.variables(at, what, text)
	}
	c.conditionValues(key, what, t.When)
	c.conditionKeys(key, what, Trust, "sts:AssumeRole", t.When)
	for _, when := range t.WhenGiven {
		c.conditionValues(key, what, when)
		c.conditionKeys(key, what, Trust, "sts:AssumeRole", when)
	}
}

// conditionKeys checks that conditions are false if their key is absent and that the keys are sent with an action.
func (c *checker) conditionKeys(statement, what string, rule Rule, action string, when schema.Conditions) {
	for _, f := range keyFindings(action, when) {
		at := c.loaded.Place(profilefile.PartKey(statement, "key", f.Value), statement)
		if f.Rule == Condition {
			f.Rule = rule
		}
		c.add(at, f.Rule, "%s: %s", what, f.Message)
	}
}

// topicStatement checks a statement of a topic's access policy. EventBridge sends no condition keys to SNS ("Using
// resource-based policies for Amazon EventBridge": conditions are not supported for topics), so a condition blocks it.
func (c *checker) topicStatement(t schema.Topic, s schema.TopicStatement) {
	key := profilefile.TopicStatementKey(t.Entity, s.Sid)
	at := c.loaded.Place(key, profilefile.TopicKey(t.Entity))
	what := t.Entity + "/" + s.Sid
	c.words(key, what, s.Why, 1)
	for _, text := range []string{s.AWS, s.Service} {
		c.variables(at, what, text)
	}
	c.conditionValues(key, what, s.When)
	if s.Service == "events.amazonaws.com" && len(s.When) > 0 {
		c.add(at, Topic, "%s: EventBridge sends no condition keys to a topic, so it cannot publish: remove the condition", what)
	}
	if s.AWS == "*" && len(s.When) == 0 {
		c.add(at, Topic, "%s: everybody, without a condition", what)
	}
	for _, action := range s.Actions {
		for _, f := range actionFindings(action) {
			c.add(c.loaded.Place(profilefile.PartKey(key, "action", action), key), f.Rule, "%s: %s", what, f.Message)
		}
	}
}
