package profilefile

import "strconv"

// The keys of Loaded.Places.

// ProfileKey is the key of the profile itself: the beginning of its first file.
const ProfileKey = "profile"

// ChoiceKey is the key of an asset, an operation or an option.
func ChoiceKey(kind, name string) string { return kind + " " + name }

// RoleKey is the key of a role.
func RoleKey(entity string) string { return "role " + entity }

// TrustKey is the key of a statement of a role's trust policy.
func TrustKey(role, sid string) string { return "trust " + role + "/" + sid }

// PolicyKey is the key of a policy.
func PolicyKey(entity string) string { return "policy " + entity }

// StatementKey is the key of a statement that exists from a release of the catalogue on.
func StatementKey(role, policy, sid, from string) string {
	return "statement " + role + "/" + policy + "/" + sid + "@" + from
}

// PartKey is the key of a part of a statement, of kind action, resource or key.
func PartKey(statement, kind, value string) string { return statement + " " + kind + " " + value }

// TopicKey is the key of a topic.
func TopicKey(entity string) string { return "topic " + entity }

// TopicStatementKey is the key of a statement of a topic's access policy.
func TopicStatementKey(topic, sid string) string { return "topic " + topic + "/" + sid }

// RuleKey is the key of an event rule.
func RuleKey(entity string) string { return "rule " + entity }

// VariableKey is the key of a variable of the profile.
func VariableKey(name string) string { return "variable " + name }

// FlowKey is the key of a flow.
func FlowKey(name string) string { return "flow " + name }

// CallKey is the key of a call of a flow, by its index.
func CallKey(flow string, index int) string { return "call " + flow + " " + strconv.Itoa(index) }

// Place returns the position of the first of the keys that has one; without one, the beginning of the profile.
func (l Loaded) Place(keys ...string) Position {
	for _, k := range append(keys, ProfileKey) {
		if p, ok := l.Places[k]; ok {
			return p
		}
	}
	return Position{}
}
