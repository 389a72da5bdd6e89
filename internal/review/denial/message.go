package denial

import (
	"cmp"
	"errors"
	"html"
	"regexp"
	"strings"

	"permstack/internal/iampolicy/reference"
)

// PolicyType is the type of policy that refuses access, as AWS's messages name it.
type PolicyType string

// The types of policies in AWS's messages ("Troubleshoot access denied error messages", IAM User Guide).
const (
	Unnamed     PolicyType = "" // the message does not name one
	Identity    PolicyType = "identity-based policy"
	Boundary    PolicyType = "permissions boundary"
	SCP         PolicyType = "service control policy"
	RCP         PolicyType = "resource control policy"
	Session     PolicyType = "session policy"
	Resource    PolicyType = "resource-based policy"
	VPCEndpoint PolicyType = "VPC endpoint policy"
	Trust       PolicyType = "role trust policy"
)

// policyTypes are the names of policy types as messages have them, and their meaning. AWS writes "sessions
// policy" in some messages. A message about a VPC endpoint policy that fails "transitively through" another policy is
// about the other.
var policyTypes = []struct {
	text string
	kind PolicyType
}{
	{"transitively through a service control policy", SCP},
	{"transitively through a resource control policy", RCP},
	{"service control policy", SCP},
	{"resource control policy", RCP},
	{"permissions boundary", Boundary},
	{"session policy", Session},
	{"sessions policy", Session},
	{"vpc endpoint policy", VPCEndpoint},
	{"role trust policy", Trust},
	{"assume role policy", Trust},
	{"resource-based policy", Resource},
	{"identity-based policy", Identity},
}

// Message is what an error message says. Fields that it does not have are empty.
type Message struct {
	Principal string              `json:"principal,omitempty"` // an ARN
	Action    string              `json:"action,omitempty"`    // in AWS's spelling: "ec2:CreateSnapshot"
	Resource  string              `json:"resource,omitempty"`  // an ARN, or "*"
	By        PolicyType          `json:"by,omitempty"`
	Explicit  bool                `json:"explicit"`            // a Deny statement refuses it
	PolicyARN string              `json:"policyArn,omitempty"` // of the policy, if the message names it
	Context   map[string][]string `json:"context,omitempty"`   // condition keys; only decoded messages have them
	// Statements are the Sids of the statements that refuse it, if a decoded message names them.
	Statements []string `json:"statements,omitempty"`
	Encoded    string   `json:"-"`       // an encoded authorization message that was not decoded
	Expired    bool     `json:"expired"` // the credentials have expired; no policy refuses anything
	// Inferred is true if the action was derived from the name of the API operation.
	Inferred bool `json:"inferred"`
}

// stackCaller is the principal of messages of CloudFormation and Lambda that name none.
const stackCaller = "the caller of CloudFormation"

// ErrNotDenied is returned by Parse for a text that is not a refusal of AWS.
var ErrNotDenied = errors.New("the text is not an error message of AWS that refuses access")

var (
	encodedPattern = regexp.MustCompile(`(?i)encoded authorization failure message:\s*([\w+/=-]{16,})`)
	blobPattern    = regexp.MustCompile(`^[\w+/=-]{100,}$`)
	performPattern = regexp.MustCompile(`(?i)(\S+) is not authorized to perform:?\s*([a-z0-9-]+:[a-z0-9*]+)`)
	onPattern      = regexp.MustCompile(
		`(?i)^\s*(?:with[^.]*?\s)?on (?:this |the )?resources?:?\s*(?:"([^"]+)"|["']?([^\s"',]+))`)
	policyPattern = regexp.MustCompile(`arn:[\w-]+:(?:organizations|iam)::[\w-]*:policy/[\w+=,.@/-]+`)
	// cliPattern is the form of the AWS CLI and boto3, sdkPattern that of the AWS SDK for Go v2 and Terraform.
	cliPattern = regexp.MustCompile(`(?i)error occurred \((\w+)\) when calling the (\w+) operation`)
	sdkPattern = regexp.MustCompile(`(?i)operation error ([\w ]+): (\w+),`)
	// keyPattern are the older forms of services that use a KMS key on behalf of the caller.
	keyPattern = regexp.MustCompile(
		`(?i)(?:KMS ?key(?: ID)?|customer master key)[^.]*?(?:does not exist|not enabled|access|permission)`)
	// apiPattern is the form of CloudFormation, codePattern that of Lambda for the code of a function in S3.
	apiPattern  = regexp.MustCompile(`(?i)API: ([a-z0-9-]+:[a-z]+) Access Denied`)
	codePattern = regexp.MustCompile(`(?i)denied by S3,.* permission to (GetObject\w*) for (\S+?)\.? `)
	// backupPattern is the form of AWS Backup's jobs, which names the role and no action.
	backupPattern = regexp.MustCompile(
		`(?i)(?:IAM Role |Backup service \()(arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+)`)
	keyARN = regexp.MustCompile(`arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+`)
)

// Parse parses an error message: the text of an API error in any form of the AWS CLI, the SDKs, CloudFormation or
// Terraform, with line breaks and text around it; a CloudTrail event; or a decoded authorization message. An encoded
// authorization message is returned in Encoded. It returns ErrNotDenied for anything else.
func Parse(text string) (Message, error) {
	text = quotes.Replace(html.UnescapeString(text))
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if m, ok := parseJSON([]byte(trimmed)); ok {
			return m, nil
		}
	}
	if blobPattern.MatchString(trimmed) {
		return Message{Encoded: trimmed}, nil
	}
	m, err := parseText(strings.Join(strings.Fields(text), " "))
	return preferUnwrapped(m, err, text)
}

// quotes replaces the quotes that word processors write.
var quotes = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "\u00a0", " ")

func parseText(text string) (Message, error) {
	var m Message
	if e := encodedPattern.FindStringSubmatch(text); e != nil {
		m.Encoded = e[1]
	}
	lower := strings.ToLower(text)
	at := performPattern.FindStringSubmatchIndex(text)
	switch {
	case at != nil:
		m.Principal = strings.Trim(text[at[2]:at[3]], `"':,`)
		m.Action = canonicalAction(text[at[4]:at[5]])
		rest := text[at[1]:]
		if r := onPattern.FindStringSubmatch(rest); r != nil {
			if on := cmp.Or(r[1], strings.TrimRight(r[2], `.;)"'`)); strings.HasPrefix(on, "arn:") || on == "*" {
				m.Resource = on
			}
		}
		m.By, m.Explicit = policyType(rest)
		m.PolicyARN = policyPattern.FindString(reason(rest))
	case isExpired(lower):
		m.Expired = true
	case keyPattern.MatchString(text):
		m.Action, m.Resource, m.By, m.Inferred = "kms:Decrypt", keyARN.FindString(text), Unnamed, true
	case m.Encoded != "":
	case apiPattern.MatchString(text):
		m.Principal, m.Action = stackCaller, canonicalAction(apiPattern.FindStringSubmatch(text)[1])
	case codePattern.MatchString(text):
		code := codePattern.FindStringSubmatch(text)
		m.Principal, m.Action, m.Resource = stackCaller, canonicalAction("s3:"+code[1]), "arn:aws:s3:::"+code[2]
	case strings.Contains(lower, "error occurred while getobject"):
		m.Principal, m.Action = stackCaller, "s3:GetObject"
	case backupPattern.MatchString(text):
		m.Principal = backupPattern.FindStringSubmatch(text)[1]
	case isDenied(lower):
		m.Action, m.Inferred = operationAction(text), true
	default:
		return Message{}, ErrNotDenied
	}
	return m, nil
}

// deniedWords are in the codes and texts of refusals without a reason: of S3, EC2 and older services.
var deniedWords = []string{
	"access denied", "accessdenied", "unauthorizedoperation", "authorizationerror", "not authorized", "notauthorized",
	"forbidden", "insufficient privileges", "sufficient permissions",
}

func isDenied(lower string) bool {
	for _, w := range deniedWords {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

func isExpired(lower string) bool {
	return strings.Contains(lower, "expiredtoken") ||
		strings.Contains(lower, "not able to validate the provided access credentials") ||
		strings.Contains(lower, "security token included in the request is")
}

// reason returns the part of a message after the resource, which may contain "because" or "explicit deny".
func reason(rest string) string {
	lower := strings.ToLower(rest)
	for _, begin := range []string{"because no ", "with an explicit deny"} {
		if i := strings.Index(lower, begin); i >= 0 {
			return rest[i:]
		}
	}
	return ""
}

// policyType returns the type of policy that a message names.
func policyType(rest string) (PolicyType, bool) {
	why := strings.ToLower(reason(rest))
	explicit := strings.HasPrefix(why, "with")
	for _, t := range policyTypes {
		if strings.Contains(why, t.text) {
			return t.kind, explicit
		}
	}
	return Unnamed, explicit
}

// canonicalAction returns an action in AWS's spelling, or as it is if AWS does not have it: services write
// "SNS:Publish" and "sqs:receivemessage".
func canonicalAction(name string) string {
	if a, ok := reference.Find(name); ok {
		return a.Name
	}
	return name
}
