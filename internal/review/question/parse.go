package question

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
	"permstack/internal/review/explain"
)

// query is a parsed question.
type query struct {
	text    string // without blanks and quotes
	about   []string
	problem string
	similar []string

	names   []string // of the profile, as in it
	wild    bool
	actions []reference.Action       // that the question names
	pattern string                   // of actions, which may match a pattern of a statement
	does    []string                 // effects of actions: "deletes"
	verbs   []string                 // the verbs that mean these effects, which names of actions may begin with
	words   []string                 // words of the names of actions
	prefix  []string                 // services, beside does and words
	key     string                   // a condition key, lower case
	every   func(explain.Grant) bool // whole statements that match
	arns    []string
	types   []reference.Type // of the ARN
}

// Normalize returns a question without what people paste around it: blanks, quotes, a comma or a full stop.
func Normalize(text string) string {
	text = strings.Trim(strings.TrimSpace(text), " \t\r\n\"'`´‘’“”«»,;.[]")
	if m := spelled.FindStringSubmatch(text); m != nil {
		if name := strings.ToLower(m[1]) + ":" + m[2]; len(reference.Matching(name)) > 0 {
			return name
		}
	}
	return text
}

// spelled is an action with another separator than ":" between the service and the name.
var spelled = regexp.MustCompile(`^([A-Za-z0-9-]+)(?: *: +|[./ ]+)([A-Za-z*?]+)$`)

// denial is AWS's message of a denied request (IAM User Guide, "Troubleshoot access denied error messages").
var denial = regexp.MustCompile(`(?i)not authorized to perform: *([a-z0-9-]+:[a-z0-9*]+)`)

// IsDenial reports whether a text is AWS's message of a denied request.
func IsDenial(text string) bool { return denial.MatchString(text) }

// Split returns the questions in the arguments of a command: each argument is one, except a list of actions, ARNs or
// names, which has commas or blanks, and a phrase such as "delete snapshots". A pasted error message of AWS asks about
// the action that it names.
func (s Source) Split(args []string) []string {
	var out []string
	for _, arg := range args {
		text := Normalize(arg)
		if m := denial.FindStringSubmatch(text); m != nil {
			out = append(out, m[1])
			continue
		}
		parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
		for i := range parts {
			parts[i] = Normalize(parts[i])
		}
		parts = slices.DeleteFunc(parts, func(p string) bool {
			p = strings.ToLower(strings.TrimRight(p, ":\""))
			return p == "" || p == "action" || p == "resource" // of a line of a policy
		})
		if len(parts) == 1 {
			text = parts[0]
		}
		if len(parts) > 1 && (strings.ContainsAny(text, ",;\n") || !s.isPhrase(parts)) {
			out = append(out, parts...)
		} else {
			out = append(out, text)
		}
	}
	return out
}

// isPhrase reports whether words are one question: if none is an action, an ARN or a name.
func (s Source) isPhrase(parts []string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(p, ":") }) &&
		slices.ContainsFunc(parts, func(p string) bool { return len(s.names(query{text: p})) == 0 })
}

// parse parses a question. Names of the profile come first; what is none is an action, a resource, a service or words.
func (s Source) parse(text string) query {
	text = Normalize(text)
	q := query{text: text, wild: actions.IsPattern(text)}
	lower := strings.ToLower(text)
	switch {
	case text == "":
		q.problem = "the question is empty"
		return q
	case strings.HasPrefix(lower, "s3://"):
		q.s3URI(text)
		return q
	case s3URL(text) != "":
		q.s3URI(s3URL(text))
		return q
	case strings.HasPrefix(lower, "arn:"):
		s.parseARN(&q)
		return q
	}
	q.about = s.names(q)
	if key := conditionKey(lower); key != "" {
		q.key, q.about = key, append(q.about, "condition key")
		return q
	}
	if resource := cmp.Or(resourceID(lower), keyARN(lower)); resource != "" && len(q.about) == 0 {
		q.setARN(resource)
		return q
	}
	if len(q.about) == 0 && s.parseIAMName(&q, text) {
		return q
	}
	if strings.Contains(text, ":") {
		if len(q.about) == 0 || q.wild {
			q.parseAction(s, lower)
		}
		return q
	}
	if (len(q.about) == 0 || isOnly(q.about, "asset")) && !isVerb(lower) {
		q.parseService(lower)
	}
	if len(q.about) == 0 {
		s.parseKind(&q, lower)
	}
	if len(q.about) == 0 && !s.deployedName(&q) && !isActionWord(lower) {
		q.parseBareAction(lower)
	}
	if len(q.about) == 0 {
		s.parseJoined(&q, lower)
	}
	if len(q.about) == 0 {
		q.parseWords(lower)
	}
	if len(q.about) == 0 {
		q.problem = "it is the name of nothing in the catalogue, and no action, service or resource of AWS"
		q.similar = s.similar(text)
	}
	return q
}

// conditionKey returns the condition key, in lower case, of a text such as aws:ResourceTag/Vendor, aws:ResourceTag or
// "external ID"; "" if AWS has none.
func conditionKey(lower string) string {
	if slices.Contains([]string{"external id", "external-id", "externalid"}, lower) {
		return "sts:externalid"
	}
	service, rest, ok := strings.Cut(lower, ":")
	if !ok {
		return ""
	}
	name, tag, hasTag := strings.Cut(rest, "/")
	if hasTag && tag != "" && strings.HasSuffix(name, "tag") && (service == "aws" || reference.HasService(service)) {
		return lower
	}
	if keys := reference.FindKeys(lower); len(keys) > 0 && len(matchingActions(lower)) == 0 {
		return strings.ToLower(keys[0])
	}
	return ""
}

// parseJoined parses the name of an asset or a service that is written with blanks, with or without "AWS" or "Amazon"
// before it: "dynamo db", "redshift serverless", "AWS KMS", "storage gateway".
func (s Source) parseJoined(q *query, lower string) {
	words := strings.Fields(strings.Trim(lower, "?!"))
	if len(words) > 1 && (words[0] == "aws" || words[0] == "amazon") {
		words = words[1:]
	}
	for _, name := range []string{strings.Join(words, " "), strings.Join(words, "-"), strings.Join(words, "")} {
		named := query{text: name}
		about := s.names(named)
		if slices.Contains(about, "asset") || slices.Contains(about, "option") {
			q.names, q.about = append(q.names, name), about
		}
		if len(words) > 1 || name != lower {
			q.parseService(name)
		}
		if len(q.about) > 0 {
			return
		}
	}
}

// parseKind parses the name of the profile or its vendor, and words for the kinds of statement.
func (s Source) parseKind(q *query, lower string) {
	switch {
	case lower == s.Set.Profile || strings.EqualFold(lower, s.profile().Vendor):
		q.every, q.about = func(explain.Grant) bool { return true }, append(q.about, "profile")
	case slices.Contains([]string{"trust", "trust policy", "who can assume", "who may assume",
		"who can assume it"}, lower):
		q.every = func(g explain.Grant) bool { return g.Kind == explain.Trust }
		q.about = append(q.about, "trust policy")
	case lower == "deny" || lower == "denied":
		q.every, q.about = func(g explain.Grant) bool { return g.Effect == "Deny" }, append(q.about, "denial")
	}
}

func isOnly(list []string, one string) bool { return len(list) == 1 && list[0] == one }

// names returns the kinds of name of the profile that the question matches.
func (s Source) names(q query) []string {
	var out []string
	q.wild = actions.IsPattern(q.text)
	profile := s.profile()
	add := func(kind string, found bool) {
		if found {
			out = append(out, kind)
		}
	}
	contains := func(match func(explain.Grant) bool) bool { return slices.ContainsFunc(s.All, match) }
	add("statement", contains(func(g explain.Grant) bool { return q.matchesName(g.Sid) }))
	add("policy", contains(func(g explain.Grant) bool { return q.matchesName(g.Policy, g.PolicyName) }))
	add("role", contains(func(g explain.Grant) bool { return g.Kind != explain.Topic && q.matchesName(g.Entity, g.Name) }))
	add("topic", contains(func(g explain.Grant) bool {
		return g.Kind == explain.Topic && q.matchesName(g.Entity, g.Name)
	}))
	add("event rule", slices.ContainsFunc(profile.Rules, func(r schema.Rule) bool { return q.matchesName(r.Entity) }) ||
		slices.ContainsFunc(s.Set.Rules, func(r policies.Rule) bool { return q.matchesName(r.Name) }))
	add("asset", slices.ContainsFunc(profile.Assets, func(i schema.AssetInfo) bool {
		return q.matchesName(string(i.Asset))
	}))
	add("operation", slices.ContainsFunc(profile.Operations, func(o schema.Operation) bool {
		return q.matchesName(string(o))
	}))
	add("option", slices.ContainsFunc(optionInfos(profile), func(o schema.OptionInfo) bool {
		return q.matchesName(string(o.Option))
	}))
	return out
}

// parseAction parses SERVICE:ACTION, either of which may have wildcards.
func (q *query) parseAction(s Source, lower string) {
	q.pattern, q.actions = lower, matchingActions(lower)
	if len(q.actions) > 0 {
		q.about = append(q.about, "action")
		return
	}
	service, name, _ := strings.Cut(lower, ":")
	switch {
	case name == "":
		q.problem = "the name of the action is missing after " + service + ":"
	case service == "aws":
		q.problem = "AWS has no condition key " + q.text
		if near := reference.NearestGlobalKey(q.text); near != "" {
			q.similar = []string{near}
		}
		return
	case service == "":
		q.problem = "the service is missing before :" + name
	case !actions.IsPattern(service) && !reference.HasService(service):
		q.problem = "AWS has no service " + service
		for _, prefix := range serviceAliases[service] {
			for _, a := range matchingActions(prefix + ":" + name) {
				q.similar = append(q.similar, a.Name)
			}
		}
		if len(q.similar) > 0 {
			q.similar = q.similar[:min(len(q.similar), 3)]
			return
		}
	case q.wild:
		q.problem = "no action of AWS matches it"
		return
	default:
		q.problem = "AWS has no such action"
		if action := reference.ActionOfOperation(lower); action != "" {
			q.problem, q.similar = "this is an operation of the API that needs another action", []string{action}
			return
		}
	}
	if near := reference.Nearest(lower); near != "" {
		q.similar = append(q.similar, near)
	}
	for _, n := range s.similar(q.text) {
		if !slices.Contains(q.similar, n) {
			q.similar = append(q.similar, n)
		}
	}
	q.similar = q.similar[:min(len(q.similar), 3)]
}

// parseBareAction parses an action without its service: DeleteSnapshot.
func (q *query) parseBareAction(lower string) {
	if len(strings.Trim(lower, "*?")) <= 2 || strings.ContainsAny(lower, " ") {
		return
	}
	if found := matchingActions("*:" + lower); len(found) > 0 && !isVerb(lower) {
		q.pattern, q.actions, q.about = "*:"+lower, found, append(q.about, "action")
	}
}

// parseService parses a service by its prefix or by the name that people use.
func (q *query) parseService(lower string) {
	prefixes := serviceAliases[strings.Join(strings.Fields(lower), " ")]
	if prefixes == nil && reference.HasService(lower) {
		prefixes = []string{lower}
	}
	for _, p := range prefixes {
		q.actions = append(q.actions, matchingActions(p+":*")...)
	}
	if len(prefixes) > 0 {
		q.about = append(q.about, "service")
	}
}

// deployedName finds a role, policy, topic or rule by the name <Entity>-<region>-<connection> that it has in an
// account, and reports whether it found one.
func (s Source) deployedName(q *query) bool {
	lower := strings.ToLower(q.text)
	best, kind := "", ""
	consider := func(entity, k string) {
		if entity != "" && len(entity) > len(best) && strings.HasPrefix(lower, strings.ToLower(entity)+"-") {
			best, kind = entity, k
		}
	}
	for _, g := range s.All {
		if g.Kind == explain.Topic {
			consider(g.Entity, "topic")
		} else {
			consider(g.Entity, "role")
			consider(g.Policy, "policy")
		}
	}
	for _, r := range s.profile().Rules {
		consider(r.Entity, "event rule")
	}
	if best == "" {
		return false
	}
	q.names, q.about = append(q.names, best), append(q.about, kind)
	return true
}
