package iam

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/validate"
)

var (
	namePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern = regexp.MustCompile(`^(/|/[\x21-\x7e]+/)$`)
	tagPattern  = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	descPattern = regexp.MustCompile(`^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{007E}\x{00A1}-\x{00FF}]*$`)
	arnPattern  = regexp.MustCompile(`^arn:[^:]+:iam::(\d{12}|aws):policy/.+$`)
)

// checkName checks a name against the rules of IAM: [\w+=,.@-]{1,max}.
func checkName(field, name string, max int) error {
	switch {
	case name == "":
		return constraint(field, name, "Member must have length greater than or equal to 1")
	case utf8.RuneCountInString(name) > max:
		return constraint(field, name, fmt.Sprintf("Member must have length less than or equal to %d", max))
	case !namePattern.MatchString(name):
		return protocol.Errorf("ValidationError",
			"The specified value for %s is invalid. It must contain only alphanumeric characters and/or the "+
				"following: +=,.@_-", field)
	}
	return nil
}

// parsePath returns the Path parameter: "/" or /…/, at most 512 characters.
func parsePath(call *protocol.Call) (string, error) {
	if !call.Has("Path") {
		return "/", nil
	}
	path := call.Str("Path")
	if len(path) > 512 {
		return "", constraint("path", path, "Member must have length less than or equal to 512")
	}
	if !pathPattern.MatchString(path) {
		return "", protocol.Errorf("ValidationError",
			"The specified value for path is invalid. It must begin and end with / and contain only "+
				"alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// parseDescription returns the Description parameter, at most 1,000 characters.
func parseDescription(call *protocol.Call) (string, error) {
	d := call.Str("Description")
	if utf8.RuneCountInString(d) > 1000 {
		return "", constraint("description", d, "Member must have length less than or equal to 1000")
	}
	if !descPattern.MatchString(d) {
		return "", constraint("description", d,
			`Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`)
	}
	return d, nil
}

// creation is what a role, a managed policy and an instance profile are created with.
type creation struct {
	name, path, description string // instance profiles have no description
	tags                    []protocol.Tag
}

// parseCreation reads the parameters of CreateRole, CreatePolicy and
// CreateInstanceProfile. The name is in the parameter nameParameter and has at most
// longest characters.
func parseCreation(call *protocol.Call, nameParameter string, longest int) (creation, error) {
	c := creation{name: call.Str(nameParameter)}
	err := checkName(strings.ToLower(nameParameter[:1])+nameParameter[1:], c.name, longest)
	if err != nil {
		return c, err
	}
	if c.path, err = parsePath(call); err != nil {
		return c, err
	}
	if c.description, err = parseDescription(call); err != nil {
		return c, err
	}
	c.tags, err = mergeTags(nil, call.Tags("Tags"))
	return c, err
}

// parseSessionDuration returns MaxSessionDuration, 3,600 to 43,200 seconds, or
// def if it was not sent.
func parseSessionDuration(call *protocol.Call, def int) (int, error) {
	n, err := call.Int("MaxSessionDuration", def)
	if err != nil {
		return 0, err
	}
	if n < 3600 {
		return 0, constraint("maxSessionDuration", fmt.Sprint(n),
			"Member must have value greater than or equal to 3600")
	}
	if n > 43200 {
		return 0, constraint("maxSessionDuration", fmt.Sprint(n),
			"Member must have value less than or equal to 43200")
	}
	return n, nil
}

// parseDocument returns a policy document and checks its grammar.
func parseDocument(call *protocol.Call, parameter string, kind validate.Kind) (string, error) {
	doc := call.Str(parameter)
	field := strings.ToLower(parameter[:1]) + parameter[1:]
	if doc == "" {
		return "", constraint(field, doc, "Member must have length greater than or equal to 1")
	}
	if utf8.RuneCountInString(doc) > maxDocument {
		return "", constraint(field, doc[:64]+"…",
			fmt.Sprintf("Member must have length less than or equal to %d", maxDocument))
	}
	if err := validate.Check(doc, kind); err != nil {
		return "", malformed(err)
	}
	return doc, nil
}

// parseTrustPolicy returns a trust policy. It checks the grammar, then the size,
// then that the roles of this account that it names exist. IAM checks principals
// of every account; here other accounts may not have any state yet.
func (a *account) parseTrustPolicy(call *protocol.Call, parameter string) (string, error) {
	doc, err := parseDocument(call, parameter, validate.Trust)
	if err != nil {
		return "", err
	}
	if iampolicy.CountedSize(doc) > maxTrustPolicySize {
		return "", limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicySize)
	}
	parsed, err := iampolicy.Parse([]byte(doc))
	if err != nil {
		return "", malformed(err)
	}
	for _, s := range parsed.Statement {
		if s.Principal == nil {
			continue
		}
		for _, id := range s.Principal.ByType["AWS"] {
			if !a.principalExists(call.Partition, id) {
				return "", protocol.Errorf("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":%q", id)
			}
		}
	}
	return doc, nil
}

// principalExists reports whether a principal exists; only principals of this
// account are checked.
func (a *account) principalExists(partition, id string) bool {
	name, ok := strings.CutPrefix(id, "arn:"+partition+":iam::"+a.id+":")
	if !ok || name == "root" {
		return true
	}
	r := a.roles[lower(name[strings.LastIndexByte(name, '/')+1:])]
	return r != nil && r.arn == id
}

// parseManagedPolicy returns the document of a managed policy and checks its
// grammar, then its size.
func parseManagedPolicy(call *protocol.Call) (string, error) {
	doc, err := parseDocument(call, "PolicyDocument", validate.Identity)
	if err != nil {
		return "", err
	}
	if iampolicy.CountedSize(doc) > maxManagedPolicySize {
		return "", limitExceeded("Cannot exceed quota for PolicySize: %d", maxManagedPolicySize)
	}
	return doc, nil
}

// checkPolicyARN checks the form of a policy ARN.
func checkPolicyARN(arn string) error {
	if arnPattern.MatchString(arn) {
		return nil
	}
	if len(arn) < 20 {
		return constraint("policyArn", arn, "Member must have length greater than or equal to 20")
	}
	return protocol.Errorf("InvalidInput", "ARN %s is not valid.", arn)
}
