package question

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/iampolicy/spelling"
	"permstack/internal/policies"
)

// serviceAliases are the prefixes of services by the names that people use.
var serviceAliases = map[string][]string{
	"aurora": {"rds"}, "mysql": {"rds"}, "postgres": {"rds"}, "postgresql": {"rds"}, "mariadb": {"rds"},
	"documentdb": {"rds"}, "neptune": {"rds"}, "docdb": {"rds"}, "dynamo": {"dynamodb"}, "ddb": {"dynamodb"},
	"ebs": {"ebs", "ec2"}, "vpc": {"ec2"}, "efs": {"elasticfilesystem"}, "elb": {"elasticloadbalancing"},
	"alb": {"elasticloadbalancing"}, "nlb": {"elasticloadbalancing"}, "eventbridge": {"events"},
	"cloudwatch events": {"events"}, "cloudwatch logs": {"logs"}, "systems manager": {"ssm"},
	"parameter store": {"ssm"}, "secrets manager": {"secretsmanager"}, "secrets": {"secretsmanager"},
	"aws backup": {"backup"}, "cost explorer": {"ce"}, "cognito": {"cognito-idp", "cognito-identity"},
	"s3 tables": {"s3tables"}, "iceberg": {"glue", "s3tables"}, "directory service": {"ds"}, "email": {"ses"},
	"recycle bin": {"rbin"}, "encryption": {"kms"}, "encryption keys": {"kms"}, "keys": {"kms"}, "key": {"kms"},
	"encrypt": {"kms"}, "decrypt": {"kms"}, "decryption": {"kms"}, "buckets": {"s3"}, "bucket": {"s3"},
	"database": {"rds"}, "databases": {"rds"}, "db": {"rds"}, "dbs": {"rds"}, "server": {"ec2"}, "servers": {"ec2"},
	"vm": {"ec2"}, "vms": {"ec2"}, "machines": {"ec2"}, "machine": {"ec2"}, "disk": {"ec2", "ebs"},
	"simple storage service": {"s3"}, "elastic compute cloud": {"ec2"}, "elastic block store": {"ebs", "ec2"},
	"elastic file system": {"elasticfilesystem"}, "key management service": {"kms"}, "document db": {"rds"},
	"relational database service": {"rds"}, "simple notification service": {"sns"}, "simple queue service": {"sqs"},
	"identity and access management": {"iam"}, "security token service": {"sts"}, "identity center": {"sso"},
	"vmware": {"backup-gateway"}, "lustre": {"fsx"}, "openzfs": {"fsx"}, "ontap": {"fsx"}, "route 53": {"route53"},
	"cloudwatch metrics": {"cloudwatch"}, "step functions": {"states"}, "load balancers": {"elasticloadbalancing"},
	"disks": {"ec2", "ebs"}, "queue": {"sqs"}, "queues": {"sqs"}, "topics": {"sns"},
}

// verbs are the effects of actions, as explain.Does returns them, by the words that people use.
var verbs = map[string][]string{
	"delete":   {"deletes"},
	"change":   {"writes", "changes tags", "changes permissions"},
	"write":    {"writes"},
	"read":     {"reads", "reads content"},
	"list":     {"lists"},
	"tag":      {"changes tags"},
	"share":    {"sends data out of the account"},
	"leave":    {"sends data out of the account", "reads content"},
	"run":      {"runs commands"},
	"escalate": {"changes permissions", "passes a role to a service", "assumes a role", "runs commands"},
}

// synonyms are other words for the verbs.
var synonyms = map[string]string{
	"deletes": "delete", "deletion": "delete", "deleted": "delete", "deleting": "delete", "remove": "delete",
	"destroy": "delete", "destruction": "delete", "erase": "delete", "purge": "delete", "wipe": "delete",
	"modify": "change", "update": "change", "changes": "change", "writes": "write", "overwrite": "write", "reads": "read",
	"lists": "list", "tags": "tag", "tagging": "tag", "exfiltrate": "leave", "exfiltration": "leave",
	"leaves": "leave", "leak": "leave", "sharing": "share", "shares": "share", "execute": "run", "commands": "run",
	"command": "run", "escalation": "escalate", "permissions": "escalate", "admin": "escalate",
	"administrator": "escalate", "privileges": "escalate", "public": "share", "expose": "share", "launch": "run",
	"launches": "run",
}

// fillers are words that mean nothing in a question, beside the names of the profiles.
var fillers = []string{
	"a", "an", "the", "my", "our", "any", "all", "can", "could", "may", "it", "they", "vendor", "what", "who", "which",
	"does", "do", "data", "account", "aws", "is", "are", "be", "to", "in", "on", "of", "for", "from", "and", "or", "out",
	"role", "have", "has", "access", "amazon", "with", "this", "that", "there", "anything", "something",
}

func isVerb(word string) bool { return verbs[cmp.Or(synonyms[word], word)] != nil }

// parseWords parses a verb, words of the names of actions, or both: "delete", "snapshots", "delete snapshots".
func (q *query) parseWords(lower string) {
	var does, words, prefix, used []string
	for _, w := range strings.Fields(strings.Trim(lower, "?!")) {
		switch {
		case slices.Contains(fillers, w) || slices.Contains(policies.ProfileNames(), w):
		case isVerb(w):
			used = append(used, cmp.Or(synonyms[w], w))
			does = append(does, verbs[used[len(used)-1]]...)
		case serviceAliases[w] != nil:
			prefix = append(prefix, serviceAliases[w]...)
		case reference.HasService(w):
			prefix = append(prefix, w)
		case isActionWord(w):
			words = append(words, singular(w))
		default:
			return
		}
	}
	if does == nil && words == nil {
		for _, p := range prefix { // "does it decrypt"
			q.actions = append(q.actions, matchingActions(p+":*")...)
		}
		if prefix != nil {
			q.about = append(q.about, "service")
		}
		return
	}
	q.verbs = used
	q.does, q.words, q.prefix, q.about = does, words, prefix, append(q.about, "words of actions")
	if does != nil && words == nil {
		q.about[len(q.about)-1] = "effect"
	}
}

// singular returns a word without the ending of a plural.
func singular(word string) string {
	switch {
	case strings.HasSuffix(word, "ies") && len(word) > 4:
		return strings.TrimSuffix(word, "ies") + "y"
	case strings.HasSuffix(word, "ss"):
		return word
	}
	return strings.TrimSuffix(word, "s")
}

// isActionWord reports whether the name of an action of the profiles' services has a word.
func isActionWord(word string) bool {
	return len(word) > 2 && slices.ContainsFunc(actions.All(), func(a actions.Action) bool {
		return hasWords(a.Name, []string{singular(word)})
	})
}

// firstWord returns the first word of the name of an action, lower case: "run" of ec2:RunInstances.
func firstWord(action string) string {
	_, name, _ := strings.Cut(action, ":")
	if words := camelWords(name); len(words) > 0 {
		return words[0]
	}
	return ""
}

// hasWords reports whether the name of an action has all of some words, which are lower case and singular.
func hasWords(action string, words []string) bool {
	if len(words) == 0 {
		return true
	}
	_, name, _ := strings.Cut(action, ":")
	of := camelWords(name)
	return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(of, w) })
}

// camelWords returns the words of a name in lower case and singular: "describe", "db", "snapshot".
func camelWords(name string) []string {
	var out []string
	start := 0
	runes := []rune(name)
	for i := 1; i <= len(runes); i++ {
		// A word ends before a capital letter, except within capital letters: "DBSnapshot" is "DB", "Snapshot".
		if i == len(runes) || unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) ||
			i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			out = append(out, singular(strings.ToLower(string(runes[start:i]))))
			start = i
		}
	}
	return out
}

// resourceIDs are the resource types of EC2 by the prefixes of their IDs (EC2 User Guide, "Resource IDs").
var resourceIDs = map[string]string{
	"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image", "eni": "network-interface",
	"sg": "security-group", "subnet": "subnet", "vpc": "vpc", "eipalloc": "elastic-ip", "rtb": "route-table",
	"acl": "network-acl", "cgw": "customer-gateway", "cr": "capacity-reservation", "dopt": "dhcp-options",
	"eigw": "egress-only-internet-gateway", "fl": "vpc-flow-log", "h": "dedicated-host", "igw": "internet-gateway",
	"key": "key-pair", "lt": "launch-template", "nat": "natgateway", "pcx": "vpc-peering-connection", "pl": "prefix-list",
	"sgr": "security-group-rule", "tgw": "transit-gateway", "vgw": "vpn-gateway", "vpce": "vpc-endpoint",
	"vpn": "vpn-connection",
}

// resourceID returns the ARN of the resource of an ID, such as snap-0123456789abcdef0; "" if it is none.
func resourceID(lower string) string {
	prefix, id, ok := strings.Cut(lower, "-")
	kind := resourceIDs[prefix]
	if !ok || kind == "" || len(id) < 8 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return "arn:aws:ec2:::" + kind + "/" + lower
}

// similar returns up to three known names that differ from a word by a few letters. For "service:Name" it includes all
// AWS actions of the service.
func (s Source) similar(word string) []string {
	known := append(KnownNames(s.profile(), s.All), reference.Services()...)
	for alias := range serviceAliases {
		known = append(known, alias)
	}
	if service, _, ok := strings.Cut(word, ":"); ok && reference.HasService(service) {
		for _, a := range reference.Matching(service + ":*") {
			known = append(known, a.Name)
		}
	}
	type near struct {
		name     string
		distance int
	}
	var list []near
	lower := strings.ToLower(word)
	for _, k := range known {
		d := spelling.Distance(lower, strings.ToLower(k))
		if _, bare, ok := strings.Cut(k, ":"); ok && !strings.Contains(word, ":") {
			d = min(d, spelling.Distance(lower, strings.ToLower(bare)))
		}
		if len(word) > 2 && (len(word) > 3 && strings.HasPrefix(strings.ToLower(k), lower) ||
			slices.Contains(strings.Split(k, "-"), lower)) {
			d = 0
		}
		if k == word {
			continue // of a policy that has an action which AWS does not have
		}
		if d <= max(1, len(word)/4) {
			list = append(list, near{k, d})
		}
	}
	slices.SortStableFunc(list, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var out []string
	for _, n := range list {
		if !slices.Contains(out, n.name) && len(out) < 3 {
			out = append(out, n.name)
		}
	}
	return out
}

// similarServices returns the services whose prefix differs by one letter.
func similarServices(word string) []string {
	var out []string
	for _, s := range reference.Services() {
		if spelling.Distance(word, s) <= 1 && len(out) < 3 {
			out = append(out, s)
		}
	}
	return out
}
