package denial

import (
	"regexp"
	"strings"

	"permstack/internal/iampolicy/reference"
)

// squeezedPattern is a message without any white space: principal, action, resource, and the rest from the reason on.
var squeezedPattern = regexp.MustCompile(`(?i)(?:user:|^|["'])([^"']+?)isnotauthorizedtoperform:?([a-z0-9-]+:[a-z0-9*]+?)` +
	`(?:on(?:this|the)?resources?:?["']?(.+?)["']?)?((?:becauseno|becausethe|withanexplicitdeny).*|[.,;("'}].*|$)`)

// squeezedReasons are the words of a reason, which squeezing has joined.
var squeezedReasons = strings.NewReplacer(
	"becauseno", "because no ", "becausethe", "because the ", "withanexplicitdenyina", "with an explicit deny in a ",
	"servicecontrolpolicy", "service control policy", "resourcecontrolpolicy", "resource control policy",
	"permissionsboundary", "permissions boundary", "sessionpolicy", "session policy", "sessionspolicy", "sessions policy",
	"vpcendpointpolicy", "VPC endpoint policy", "VPCendpointpolicy", "VPC endpoint policy",
	"roletrustpolicy", "role trust policy", "resource-basedpolicy", "resource-based policy",
	"identity-basedpolicy", "identity-based policy", "allows", " allows ",
)

// unwrap returns a message that a terminal, a mail or a ticket broke into lines within words, as one line; "" if the
// text is not such a message. Blanks within names of resources are lost.
func unwrap(text string) string {
	m := squeezedPattern.FindStringSubmatch(strings.Join(strings.Fields(text), ""))
	if m == nil {
		return ""
	}
	if _, ok := reference.Find(m[2]); !ok {
		return ""
	}
	out := "User: " + m[1] + " is not authorized to perform: " + m[2]
	if m[3] != "" {
		out += " on resource: " + m[3]
	}
	return out + " " + squeezedReasons.Replace(m[4])
}

// preferUnwrapped returns the message of a text with line breaks: as it is with blanks for the breaks, or without them
// if that completes the action or the resource.
func preferUnwrapped(m Message, err error, text string) (Message, error) {
	if !strings.ContainsAny(strings.TrimSpace(text), "\r\n") {
		return m, err
	}
	joined := unwrap(text)
	if joined == "" {
		return m, err
	}
	other, otherErr := parseText(joined)
	completes := func(a, b string) bool { return len(b) > len(a) && strings.HasPrefix(b, a) }
	switch {
	case otherErr != nil:
	case err != nil || m.Action == "" || m.Inferred, completes(m.Action, other.Action),
		completes(m.Resource, other.Resource) && m.Action == other.Action && !isQuoted(text, m.Resource),
		m.By == Unnamed && other.By != Unnamed && m.Action == other.Action:
		other.Encoded = m.Encoded
		return other, nil
	}
	return m, err
}

// isQuoted reports whether a resource ends with a quote in the text, so that nothing is missing.
func isQuoted(text, resource string) bool {
	return strings.Contains(text, resource+`"`) || strings.Contains(text, resource+"'")
}
