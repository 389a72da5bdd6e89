package lint

import (
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/servicekeys"
	"permstack/internal/policies/profilefile"
	"permstack/internal/policies/schema"
)

// trust checks a statement of a role's trust policy: it names one principal, and its conditions limit something. That a
// service is limited to this account is not required: services that are passed a role accept roles of the caller's
// account only.
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
	c.serviceKeys(key, what, Trust, t.Service, []string{"sts:AssumeRole"}, t.When)
	for _, when := range t.WhenGiven {
		c.conditionValues(key, what, when)
		c.conditionKeys(key, what, Trust, "sts:AssumeRole", when)
		c.serviceKeys(key, what, Trust, t.Service, []string{"sts:AssumeRole"}, when)
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

// serviceKeys checks that a service that is the principal of a statement sends the keys of its conditions.
func (c *checker) serviceKeys(
	statement, what string, rule Rule, service string, actions []string, when schema.Conditions,
) {
	if service == "" || len(when) == 0 {
		return
	}
	st := iampolicy.Statement{
		Effect: "Allow", Action: actions, Condition: iampolicy.Conditions{},
		Principal: &iampolicy.Principal{ByType: map[string]iampolicy.Values{
			"Service": {strings.ReplaceAll(service, "${EC2Service}", "ec2.amazonaws.com")},
		}},
	}
	place := statement
	for operator, keys := range when {
		st.Condition[operator] = map[string]iampolicy.Values{}
		for key, values := range keys {
			st.Condition[operator][key] = values
			place = profilefile.PartKey(statement, "key", key)
		}
	}
	for _, problem := range servicekeys.CheckStatement(st) {
		c.add(c.loaded.Place(place, statement), rule, "%s: %s", what, problem)
	}
}

// topicStatement checks a statement of a topic's access policy.
func (c *checker) topicStatement(t schema.Topic, s schema.TopicStatement) {
	key := profilefile.TopicStatementKey(t.Entity, s.Sid)
	at := c.loaded.Place(key, profilefile.TopicKey(t.Entity))
	what := t.Entity + "/" + s.Sid
	c.words(key, what, s.Why, 1)
	for _, text := range []string{s.AWS, s.Service} {
		c.variables(at, what, text)
	}
	c.conditionValues(key, what, s.When)
	c.serviceKeys(key, what, Topic, s.Service, s.Actions, s.When)
	if s.AWS == "*" && len(s.When) == 0 {
		c.add(at, Topic, "%s: everybody, without a condition", what)
	}
	for _, action := range s.Actions {
		for _, f := range actionFindings(action) {
			c.add(c.loaded.Place(profilefile.PartKey(key, "action", action), key), f.Rule, "%s: %s", what, f.Message)
		}
	}
}
