package explain

import (
	"maps"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// Resource returns a description of a resource pattern of a policy.
func (w Describer) Resource(pattern string) string {
	if pattern == "*" {
		return "all resources"
	}
	arn, ok := iampolicy.ParseARN(pattern)
	if !ok {
		return pattern
	}
	account := arn.AccountID
	text := describeResource(arn.Service, pseudoNames.Replace(arn.Resource))
	if arn.Region == "*" {
		text += " in every Region"
	}
	switch {
	case account == "*":
		text += " in any account"
	case w.Accounts[account] != "":
		text += " in " + w.Accounts[account]
	case account != "" && account != "${AWS::AccountId}" && account != "aws":
		text += " in account " + account
	}
	return text
}

// pseudoNames replaces CloudFormation's pseudo parameters with readable names.
var pseudoNames = strings.NewReplacer("${AWS::Region}", "<Region>", "${AWS::AccountId}", "<account>",
	"${AWS::Partition}", "<partition>", "${AWS::StackName}", "<stack>", "${AWS::StackId}", "<stack ID>")

// serviceNames are the names of services by their prefix in ARNs.
var serviceNames = map[string]string{
	"ec2": "EC2", "s3": "S3", "rds": "RDS", "kms": "KMS", "iam": "IAM", "ssm": "Systems Manager",
	"dynamodb": "DynamoDB", "sns": "SNS", "events": "EventBridge", "cloudformation": "CloudFormation",
	"ebs": "EBS", "cloudwatch": "CloudWatch", "logs": "CloudWatch Logs", "secretsmanager": "Secrets Manager",
	"s3tables": "S3 Tables", "glue": "Glue", "sts": "STS", "elasticloadbalancing": "load balancers", "sqs": "SQS",
	"lambda": "Lambda", "ses": "SES", "cognito-idp": "Cognito", "rds-db": "RDS",
	"backup": "AWS Backup", "elasticfilesystem": "EFS", "fsx": "FSx", "redshift": "Redshift",
}

func serviceName(service string) string {
	if n := serviceNames[service]; n != "" {
		return n
	}
	return service
}

// describeResource returns a description of the last field of an ARN.
func describeResource(service, resource string) string {
	if service == "s3" {
		switch {
		case resource == "*":
			return "any S3 bucket"
		case resource == "*/*":
			return "any S3 object"
		case strings.HasSuffix(resource, "/*"):
			return "any object in S3 bucket " + strings.TrimSuffix(resource, "/*")
		}
		return "S3 bucket " + resource
	}
	switch service {
	case "sns":
		return "SNS topic " + resource
	case "account":
		return "the settings of this account"
	}
	at := strings.IndexAny(resource, "/:")
	if at < 0 {
		return strings.TrimSpace(serviceName(service) + " " + resource)
	}
	kind, id := resource[:at], resource[at+1:]
	kind = strings.ReplaceAll(kind, "-", " ")
	if service == "rds" {
		if long := rdsKinds[resource[:at]]; long != "" {
			kind = long
		}
	}
	what := strings.TrimSpace(serviceName(service) + " " + kind)
	switch name, below, _ := strings.Cut(id, "/"); {
	case service == "dynamodb" && below == "*" && name != "*":
		return "indexes, streams, exports and backups of " + what + " " + name
	case strings.Trim(id, "*/:") == "":
		return "any " + what
	case strings.Count(id, "/*") > 0 && strings.HasPrefix(id, "*/"):
		return "any " + what + " " + strings.Trim(id, "*/")
	}
	return what + " " + id
}

var rdsKinds = map[string]string{
	"db": "instance", "og": "option group", "pg": "parameter group", "cluster-pg": "cluster parameter group",
	"subgrp": "subnet group", "secgrp": "security group", "ri": "reservation", "es": "event subscription",
}

// Conditions returns a description of each condition of a statement; all must be met.
func (w Describer) Conditions(c iampolicy.Conditions) []string {
	var out []string
	for _, operator := range slices.Sorted(maps.Keys(c)) {
		for _, key := range slices.Sorted(maps.Keys(c[operator])) {
			out = append(out, w.condition(operator, key, c[operator][key]))
		}
	}
	return out
}

func (w Describer) condition(operator, key string, values iampolicy.Values) string {
	test := parseOperator(operator)
	list := w.values(values)
	lower := strings.ToLower(key)
	service, rest, _ := strings.Cut(lower, ":")
	_, tag, isTag := strings.Cut(key, "/")
	switch {
	case test.null:
		state := "is set"
		if len(values) == 1 && strings.EqualFold(values[0], "true") {
			state = "is not set"
		}
		return "the key " + key + " " + state
	case isTag && strings.HasSuffix(strings.TrimSuffix(lower, strings.ToLower(tag)), "resourcetag/"):
		return "the resource has " + test.tag(tag, list, values)
	case isTag && strings.HasPrefix(lower, "aws:requesttag/"):
		return "the request includes " + test.tag(tag, list, values)
	case isTag && strings.HasPrefix(lower, "aws:principaltag/"):
		return "the caller has " + test.tag(tag, list, values)
	case lower == "sts:externalid" && !test.negated:
		return "the caller sends the external ID" // its value is a secret
	case lower == "kms:grantisforawsresource" && isTrue(values):
		return "an AWS service uses the grant on the caller's behalf"
	case isTrue(values) && test.test == "bool":
		return key + " is true"
	}
	if subject := subjects[lower]; subject != "" {
		return subject + test.verb(len(values)) + list
	}
	if service == "kms" && strings.HasPrefix(rest, "encryptioncontext:") {
		return "the key's encryption context " + key[len("kms:EncryptionContext:"):] + test.verb(len(values)) + list
	}
	return key + test.verb(len(values)) + list
}

// subjects are descriptions of condition keys.
var subjects = map[string]string{
	"aws:sourceaccount":       "the account of the resource that makes the call",
	"aws:sourcearn":           "the resource that makes the call",
	"aws:resourceaccount":     "the resource's account",
	"s3:resourceaccount":      "the bucket's account",
	"aws:resourceorgid":       "the resource's organization",
	"aws:principalarn":        "the caller",
	"aws:principalaccount":    "the caller's account",
	"aws:tagkeys":             "the request's tag keys",
	"aws:requestedregion":     "the Region of the call",
	"ec2:vpc":                 "the VPC",
	"aws:calledvia":           "the service that forwards the call",
	"iam:passedtoservice":     "the service that the role is passed to",
	"iam:awsservicename":      "the service of the service-linked role",
	"kms:viaservice":          "the service that uses the key",
	"ec2:createaction":        "the call that creates the resource",
	"events:source":           "the source of the event",
	"kms:granteeprincipal":    "the principal of the KMS grant",
	"ssm:resourcetag":         "the resource's tag",
	"iam:policyarn":           "the policy that is attached",
	"iam:resourcetag":         "the resource's tag",
	"iam:permissionsboundary": "the permissions boundary",
}

func isTrue(values iampolicy.Values) bool {
	return len(values) == 1 && strings.EqualFold(values[0], "true")
}

// values returns the values of a condition, accounts by their descriptions.
func (w Describer) values(values iampolicy.Values) string {
	out := make([]string, len(values))
	for i, v := range values {
		switch {
		case w.Accounts[v] != "":
			v = w.Accounts[v]
		case v == "${AWS::AccountId}":
			v = "this account"
		case v == "${AWS::Region}":
			v = "this Region"
		}
		out[i] = v
	}
	return join(out, "or")
}

// join returns words as a list: "a, b or c".
func join(list []string, last string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	n := len(list) - 1
	return strings.Join(list[:n], ", ") + " " + last + " " + list[n]
}

// operator is a parsed condition operator.
type operator struct {
	test           string // equals, like, bool, arn, numeric…
	negated        bool
	ifExists, null bool
	set            string // forallvalues, foranyvalue
}

func parseOperator(name string) operator {
	var o operator
	base := strings.ToLower(name)
	if prefix, rest, ok := strings.Cut(base, ":"); ok {
		o.set, base = prefix, rest
	}
	base, o.ifExists = strings.CutSuffix(base, "ifexists")
	o.null = base == "null"
	if positive := strings.Replace(base, "not", "", 1); positive != base {
		base, o.negated = positive, true
	}
	o.test = base
	return o
}

// verb returns the words between the key and the values.
func (o operator) verb(n int) string {
	text := map[string]string{
		"stringlike": " matches ", "arnlike": " matches ", "arnequals": " matches ",
		"numericlessthan": " is less than ", "numericlessthanequals": " is at most ",
		"numericgreaterthan": " is more than ", "numericgreaterthanequals": " is at least ",
		"datelessthan": " is before ", "dategreaterthan": " is after ", "ipaddress": " is in ",
	}[o.test]
	if text == "" {
		text = " is "
	}
	if n > 1 && text == " is " && !o.negated {
		text = " is one of "
	}
	switch o.set {
	case "forallvalues":
		text = " are only "
	case "foranyvalue":
		text = " include "
	}
	if o.negated {
		text = negate(text)
	}
	if o.ifExists {
		text = ", if present," + text
	}
	return text
}

// negate returns the negation of a verb.
func negate(verb string) string {
	for positive, negative := range map[string]string{
		" is ": " is not ", " matches ": " does not match ", " are ": " are not ", " include ": " do not include ",
	} {
		if strings.HasPrefix(verb, positive) {
			return strings.Replace(verb, positive, negative, 1)
		}
	}
	return verb
}

// tag returns the tag that the condition requires.
func (o operator) tag(key, list string, values iampolicy.Values) string {
	switch {
	case len(values) == 1 && values[0] == "*" && !o.negated:
		return "the tag " + key
	case o.negated:
		return "no tag " + key + " = " + list
	case o.ifExists:
		return "the tag " + key + " = " + list + ", or no such tag"
	}
	return "the tag " + key + " = " + list
}
