package question_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
)

// The outcomes of a question.
const (
	granted = "granted"
	nothing = "nothing grants it"
	unknown = "unknown"
)

// questions are what new users ask. The evaluator checks the answers: check names the actions that the question is
// about, as patterns, and the resource, if it names one. The answer must show exactly those that the policies can
// allow.
var questions = []struct {
	choice, text, want string
	check              string // "PATTERN…" or "PATTERN… on ARN"; empty: the answer is checked by want and has alone
	has                string // something that the answer must contain: an action, a Sid, a similar name, a profile
}{
	// An action.
	{"clumio", "ec2:DeleteSnapshot", granted, "ec2:DeleteSnapshot", "CleanUpVendorResources"},
	{"clumio", "EC2:deletesnapshot", granted, "ec2:DeleteSnapshot", ""},
	{"clumio", "  ec2:DeleteSnapshot\t", granted, "ec2:DeleteSnapshot", ""},
	{"clumio", `"ec2:DeleteSnapshot",`, granted, "ec2:DeleteSnapshot", ""},
	{"clumio", "'s3:GetObject'", granted, "s3:GetObject", ""},
	{"clumio", "`kms:Decrypt`", granted, "kms:Decrypt", ""},
	{"clumio", "DeleteSnapshot", granted, "ec2:DeleteSnapshot", "ec2:DeleteSnapshot"},
	{"clumio", "deletedbinstance", granted, "rds:DeleteDBInstance", "rds:DeleteDBInstance"},
	{"clumio", "iam:PassRole", granted, "iam:PassRole", "PassInstanceRole"},
	{"clumio", "iam:CreateUser", nothing, "iam:CreateUser", ""},
	{"clumio", "s3:PutBucketPolicy", nothing, "s3:PutBucketPolicy", ""},
	{"clumio:ec2:backup", "ec2:TerminateInstances", nothing, "ec2:TerminateInstances", "WorkOnRestoredInstances"},
	{"clumio", "sagemaker:CreateModel", nothing, "sagemaker:CreateModel", ""},
	{"clumio", "dynamodb:DeleteItem", granted, "dynamodb:DeleteItem", ""},
	{"cpm", "secretsmanager:GetSecretValue", granted, "secretsmanager:GetSecretValue", "ReadSecrets"},
	{"cpm", "ssm:PutParameter", granted, "ssm:PutParameter", "KeepSAPHanaParameters"},
	// A wildcard.
	{"clumio", "ec2:Delete*", granted, "ec2:Delete*", "ec2:DeleteVolume"},
	{"clumio", "*:Delete*", granted, "*:Delete*", "rds:DeleteDBCluster"},
	{"clumio", "s3:Get*", granted, "s3:Get*", ""},
	{"clumio", "iam:*User*", nothing, "iam:*User*", ""},
	{"clumio", "rds:modifydb?nstance", granted, "rds:ModifyDBInstance", ""},
	{"cpm", "s3:PutObject*", granted, "s3:PutObject*", ""},
	// What AWS does not have.
	{"clumio", "foo:bar", unknown, "", ""},
	{"clumio", "ec3:DeleteSnapshot", unknown, "", "ec2:DeleteSnapshot"},
	{"clumio", "ec2:DelteSnapshot", unknown, "", "ec2:DeleteSnapshot"},
	{"clumio", "s3:GetObjekt", unknown, "", "s3:GetObject"},
	{"clumio", "ec2:Frobnicate*", unknown, "", ""},
	{"clumio", "ec2:", unknown, "", ""},
	{"clumio", "   ", unknown, "", ""},
	{"clumio", `""`, unknown, "", ""},
	{"clumio", "nonsense", unknown, "", ""},
	{"clumio", "dynamodbb", unknown, "", "dynamodb"},
	{"clumio", "arn:aws:s3", unknown, "", ""},
	{"clumio", "arn:aws:ecc2:eu-west-1:123456789012:volume/vol-1", unknown, "",
		"arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"},
	{"clumio", "arn:oops:s3:::invoices", unknown, "", ""},
	{"clumio", "arn:aws:ec2:eu-west-1:123456789012:gadget/g-1", unknown, "", ""},
	{"clumio", "efs:CreateFileSystem", unknown, "", "elasticfilesystem:CreateFileSystem"},
	{"clumio", "arn:aws:EC2:eu-west-1:123456789012:Volume/vol-1", granted,
		"ec2:* on arn:aws:ec2:eu-west-1:123456789012:volume/vol-1", "ec2:CreateSnapshot"},
	{"clumio", "ARN:aws:rds:us-east-1:123456789012:DB:orders", granted,
		"rds:* on arn:aws:rds:us-east-1:123456789012:db:orders", "rds:DeleteDBInstance"},
	{"clumio", "arn:aws:DynamoDB:us-east-1:123456789012:Table/Orders", granted,
		"dynamodb:* on arn:aws:dynamodb:us-east-1:123456789012:table/Orders", "dynamodb:DeleteTable"},
	{"clumio", "https://invoices.s3.amazonaws.com/a", granted, "s3:* on arn:aws:s3:::invoices/a", "s3:GetObject"},
	{"clumio", "https://invoices.s3.eu-west-1.amazonaws.com/", granted, "", "s3:ListBucket"},
	{"clumio", "https://s3.eu-west-1.amazonaws.com/invoices/a?versionId=1", granted, "s3:* on arn:aws:s3:::invoices/a",
		"s3:GetObject"},
	// A service.
	{"clumio", "kms", granted, "kms:*", "kms:Decrypt"},
	{"clumio", "KMS", granted, "kms:*", "kms:CreateGrant"},
	{"clumio", "aurora", granted, "rds:*", "rds:DeleteDBCluster"},
	{"clumio", "redshift", nothing, "redshift:*", "cpm"},
	{"cpm", "redshift", granted, "", "SnapshotClusters"},
	{"clumio", "iam", granted, "iam:*", "iam:PassRole"},
	{"clumio", "lambda", nothing, "lambda:*", ""},
	{"clumio", "systems manager", granted, "ssm:*", "ssm:SendCommand"},
	{"clumio", "secretsmanager", nothing, "secretsmanager:*", "cpm"},
	{"clumio", "sap-hana", nothing, "", "cpm"},
	{"cpm", "efs", granted, "", "DescribeFileSystems"},
	// What actions do.
	{"clumio", "delete", granted, "", "rds:DeleteDBInstance"},
	{"clumio", "Deletion", granted, "", "ec2:DeleteSnapshot"},
	{"clumio", "encryption", granted, "kms:*", "kms:Decrypt"},
	{"clumio", "share", granted, "", "rds:ModifyDBSnapshotAttribute"},
	{"clumio", "delete snapshots", granted, "", "ec2:DeleteSnapshot"},
	{"clumio", "what can it delete?", granted, "", "s3:DeleteObject"},
	{"clumio", "buckets", granted, "s3:*", ""},
	{"clumio", "delete databases", granted, "", "rds:DeleteDBInstance"},
	{"clumio", "delete buckets", granted, "", "s3:DeleteObject"},
	{"clumio:ec2:backup", "delete databases", nothing, "", "rds:DeleteDBInstance"},
	{"clumio", "delete gateways", nothing, "", ""},
	{"clumio", "delete spaceships", unknown, "", ""},
	// A resource.
	{"clumio", "arn:aws:s3:::invoices", granted, "s3:* on arn:aws:s3:::invoices", "s3:ListBucket"},
	{"clumio", "arn:aws:s3:::invoices/a", granted, "s3:* on arn:aws:s3:::invoices/a", "s3:GetObject"},
	{"clumio", "s3://invoices/a", granted, "s3:* on arn:aws:s3:::invoices/a", "s3:DeleteObject"},
	{"clumio", "S3://invoices/2026/a.csv", granted, "s3:* on arn:aws:s3:::invoices/2026/a.csv", "s3:GetObject"},
	{"clumio", "s3://invoices", granted, "", "s3:ListBucket"},
	{"clumio", "arn:aws:ec2:eu-west-1::snapshot/snap-1", granted,
		"ec2:* ebs:* on arn:aws:ec2:eu-west-1::snapshot/snap-1", "ec2:DeleteSnapshot"},
	{"clumio", "arn:aws:ec2:eu-west-1:123456789012:snapshot/snap-1", granted,
		"ec2:* ebs:* on arn:aws:ec2:eu-west-1::snapshot/snap-1", "ebs:GetSnapshotBlock"},
	{"clumio", "snap-0123456789abcdef0", granted,
		"ec2:* ebs:* on arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0", "ec2:DeleteSnapshot"},
	{"clumio", "arn:aws:ec2:::volume/vol-1", granted,
		"ec2:* on arn:aws:ec2:eu-west-1:123456789012:volume/vol-1", "ec2:AttachVolume"},
	{"clumio", "arn:aws:rds:eu-west-1:123456789012:db:orders", granted,
		"rds:* on arn:aws:rds:eu-west-1:123456789012:db:orders", "rds:DeleteDBInstance"},
	{"clumio", "arn:aws:rds:us-east-1:123456789012:db:orders", granted,
		"rds:* on arn:aws:rds:us-east-1:123456789012:db:orders", "rds:DeleteDBInstance"},
	{"clumio", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", granted,
		"dynamodb:* on arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "dynamodb:DeleteTable"},
	{"clumio", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", granted,
		"kms:* on arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "kms:Decrypt"},
	{"clumio", "arn:aws:sqs:eu-west-1:123456789012:queue", nothing,
		"sqs:* on arn:aws:sqs:eu-west-1:123456789012:queue", ""},
	{"clumio:s3", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", nothing,
		"dynamodb:* on arn:aws:dynamodb:eu-west-1:123456789012:table/orders", ""},
	// A name.
	{"clumio", "ClumioIAMRole", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", "clumioiamrole-EU-central-1-c-1", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", "arn:aws:iam::123456789012:role/permstack/eu-west-1/main/ClumioIAMRole-eu-west-1-main", granted, "",
		"OnlyTheControlPlaneRole"},
	{"clumio", "arn:aws:sts::123456789012:assumed-role/ClumioIAMRole-eu-west-1-main/session", granted, "",
		"OnlyTheControlPlaneRole"},
	{"clumio", "ClumioEC2BackupPolicy", granted, "", "CreateTaggedSnapshots"},
	{"clumio", "CleanUpVendorResources", granted, "", "ec2:DeleteSnapshot"},
	{"clumio:ec2:backup", "restore", nothing, "", "LaunchRestoredInstance"},
	{"clumio", "rds", granted, "", "DeleteVendorDatabases"},
	{"clumio", "ClumioInventory", unknown, "", "ClumioInventoryPolicy"},
	{"clumio", "Clumio", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", "CPMRole", nothing, "", "cpm"},
	{"clumio", "trust policy", granted, "", "OnlyTheControlPlaneRole"},
	// What people paste.
	{"clumio", "ec2.DeleteSnapshot", granted, "ec2:DeleteSnapshot", ""},
	{"clumio", "ec2: DeleteSnapshot", granted, "ec2:DeleteSnapshot", ""},
	{"clumio", "EC2 DeleteSnapshot", granted, "ec2:DeleteSnapshot", ""},
	{"clumio", `["ec2:DeleteSnapshot"]`, granted, "ec2:DeleteSnapshot", ""},
	{"clumio", "ARN:AWS:S3:::invoices", granted, "s3:* on arn:aws:s3:::invoices", ""},
	{"clumio", "passrole", granted, "iam:PassRole", ""},
	{"clumio", "can it read s3", granted, "", "s3:GetObject"},
	{"clumio", "data leaves the account", granted, "", "rds:ModifyDBSnapshotAttribute"},
	{"clumio", "tag", granted, "", "ec2:CreateTags"},
	{"clumio", "create", granted, "", "ec2:CreateVolume"},
	{"clumio", "aws:ResourceTag/Vendor", granted, "", "CleanUpVendorResources"},
	{"clumio", "aws:resourcetag/vendor", granted, "", "CleanUpVendorResources"},
	{"clumio", "aws:ResourceTag", granted, "", "CleanUpVendorResources"},
	{"veeam", "KMS:viaservice", granted, "", "kms:Decrypt"},
	{"clumio", "kms:ViaService", nothing, "", "veeam"},
	{"clumio", "aws:SourceAcount", unknown, "", "aws:SourceAccount"},
	{"clumio", "external ID", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", "role/ClumioIAMRole-us-east-1-c1", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", "assumed-role/ClumioIAMRole-us-east-1-c1/session", granted, "", "OnlyTheControlPlaneRole"},
	{"clumio", ":DeleteSnapshot", unknown, "", "ec2:DeleteSnapshot"},
	{"clumio", "s3:ListObjectsV2", unknown, "", "s3:ListBucket"},
	{"clumio", "s3:headobject", unknown, "", "s3:GetObject"},
	{"clumio", "azure:Delete", unknown, "", ""},
	{"clumio", "Microsoft.Compute/snapshots/delete", unknown, "", ""},
	{"clumio", "gs://bucket/a", unknown, "", ""},
	// Usual names of services and assets.
	{"clumio", "AWS KMS", granted, "kms:*", "kms:Decrypt"},
	{"clumio", "Amazon S3", granted, "s3:*", "s3:GetObject"},
	{"clumio", "simple storage service", granted, "s3:*", "s3:GetObject"},
	{"clumio", "dynamo db", granted, "dynamodb:*", "dynamodb:DeleteTable"},
	{"clumio", "redshift serverless", nothing, "", "veeam"},
	{"clumio", "storage gateway", nothing, "", "aws-backup"},
	{"clumio", "sap hana", nothing, "", "cpm"},
	{"clumio", "mssql", unknown, "", "ec2-mssql"},
	{"aws-backup", "vmware", granted, "", "backup-gateway:Backup"},
	{"aws-backup", "efs", granted, "elasticfilesystem:*", "elasticfilesystem:Restore"},
	// What actions do.
	{"clumio", "does it decrypt", granted, "kms:*", "kms:Decrypt"},
	{"clumio", "can it launch instances?", granted, "ec2:RunInstances", "ec2:RunInstances"},
	{"clumio", "run instances", granted, "ec2:RunInstances", "ec2:RunInstances"},
	{"clumio", "does the vendor have admin access", granted, "", "iam:PassRole"},
	{"clumio", "what can leave the account", granted, "", "ebs:GetSnapshotBlock"},
	{"clumio", "what can be leaked", unknown, "", ""},
	{"clumio", "public", granted, "", "s3:PutObjectAcl"},
	{"clumio:ec2:backup", "escalate", nothing, "", "PassInstanceRole"},
	{"veeam", "share", granted, "", "ec2:ModifySnapshotAttribute"},
	// Resources with wildcards match "/" and ":" as in a policy.
	{"clumio", "arn:aws:s3:::invoices*", granted, "", "s3:DeleteObject"},
	{"clumio", "arn:aws:s3:::*", granted, "", "s3:DeleteObject"},
	{"clumio", "arn:aws:s3:::invoices/*", granted, "s3:* on arn:aws:s3:::invoices/*", "s3:GetObject"},
	{"clumio", "arn:aws:ec2:*:*:*", granted, "", "ec2:DeleteSnapshot"},
	{"clumio", "arn:aws:rds:*:*:*", granted, "", "rds:DeleteDBCluster"},
	{"clumio", "arn:aws:*:*:*:*", unknown, "", ""},
	{"clumio", "arn:aws:ec2:eu-west-1:12345:volume/vol-1", unknown, "", ""},
	{"clumio", "arn:aws:ec2:eu-moon-1:123456789012:volume/vol-1", unknown, "", ""},
	{"clumio", "arn:aws:kms:eu-west-1:123456789012:1234abcd-12ab-34cd-56ef-1234567890ab", unknown, "",
		"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
	{"clumio", "arn:aws:ec2:eu-west-1:123456789012:volumes/vol-1", unknown, "",
		"arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"},
	{"clumio", "1234ABCD-12ab-34cd-56ef-1234567890ab", granted,
		"kms:* on arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "kms:Decrypt"},
	{"clumio", "alias/invoices", nothing, "kms:* on arn:aws:kms:eu-west-1:123456789012:alias/invoices", ""},
	{"clumio", "igw-0123456789abcdef0", nothing,
		"ec2:* on arn:aws:ec2:eu-west-1:123456789012:internet-gateway/igw-0123456789abcdef0", "veeam"},
	{"veeam", "igw-0123456789abcdef0", granted,
		"ec2:* on arn:aws:ec2:eu-west-1:123456789012:internet-gateway/igw-0123456789abcdef0", "ec2:DeleteInternetGateway"},
	{"clumio", "iam:PassedToService", granted, "", "PassInstanceRole"},
}

// TestQuestions checks the answers to all questions.
func TestQuestions(t *testing.T) {
	for _, c := range questions {
		t.Run(c.choice+" "+c.text, func(t *testing.T) {
			s := source(t, c.choice)
			a := question.Find(c.text, s)
			got := granted
			switch {
			case !a.Known():
				got = unknown
			case len(a.Granted)+len(a.Rules) == 0:
				got = nothing
			}
			if got != c.want {
				t.Fatalf("%s (%s), want %s", got, a.Problem, c.want)
			}
			if text := contents(a); c.has != "" && !strings.Contains(text, " "+c.has+" ") {
				t.Errorf("the answer has no %s:%s", c.has, text)
			}
			if c.check != "" {
				patterns, resource, _ := strings.Cut(c.check, " on ")
				want := allowedActions(s.Set, strings.Fields(patterns), resource)
				if shown := shownActions(a, strings.Fields(patterns)); !slices.Equal(shown, want) {
					t.Errorf("shows %v\nthe policies allow %v", shown, want)
				}
			}
		})
	}
}

var sources = map[string]question.Source{}

// source returns what questions about a choice are answered from, for one account and Region.
func source(t *testing.T, chosen string) question.Source {
	t.Helper()
	if s, ok := sources[chosen]; ok {
		return s
	}
	build := func(sel policies.Selection) question.Source {
		env := choice.Example(sel, policies.Environment{
			Partition: "aws", Account: "123456789012", Region: "eu-west-1", ConnectionID: "main",
		})
		set, err := policies.Synthesize(sel, env)
		if err != nil {
			t.Fatal(err)
		}
		grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
		return question.Source{Set: set, Selection: sel, Grants: grants, All: grants}
	}
	sel, err := choice.Parse(chosen)
	if err != nil {
		t.Fatal(err)
	}
	s := build(sel)
	others := map[string]question.Source{}
	for _, name := range policies.ProfileNames() {
		profile, _ := policies.Profile(name)
		all := build(choice.Everything(profile))
		if name == sel.Profile {
			s.All = all.Grants
		} else {
			others[name] = all
		}
	}
	s.Others = func() map[string]question.Source { return others }
	sources[chosen] = s
	return s
}

// contents returns the words of an answer that rows of the table name, between blanks.
func contents(a question.Result) string {
	words := slices.Concat(a.Similar, a.OtherProfiles)
	for _, g := range slices.Concat(a.Granted, a.OtherChoices) {
		words = append(append(words, g.Sid), g.Actions...)
	}
	return " " + strings.Join(words, " ") + " "
}

// shownActions returns the AWS actions of some patterns that an answer shows as granted, sorted.
func shownActions(a question.Result, patterns []string) []string {
	shown := map[string]bool{}
	for _, g := range a.Granted {
		if g.Kind != explain.Policy {
			continue
		}
		for _, action := range g.Actions {
			for _, known := range reference.MatchingAny(strings.ToLower(action)) {
				if matches(patterns, known.Name) {
					shown[known.Name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(shown))
}

func matches(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return actions.Match(p, action) })
}

// allowedActions returns the AWS actions of some patterns that some role of a set can be allowed, on a resource if one
// is given, by the evaluator: each statement is tried with values that meet its conditions. An action on a resource
// must be able to act on its type.
func allowedActions(set policies.Set, patterns []string, resource string) []string {
	allowed := map[string]bool{}
	var types []reference.Type
	if resource != "" {
		types = reference.TypesOfPattern(resource)
	}
	for _, r := range set.Roles {
		var docs []iampolicy.Document
		for _, p := range slices.Concat(r.Managed, r.Inline) {
			docs = append(docs, p.Document)
		}
		for _, doc := range docs {
			for _, st := range doc.Statement {
				for _, p := range st.Action {
					for _, a := range reference.MatchingAny(strings.ToLower(p)) {
						if !matches(patterns, a.Name) || resource != "" && !a.ActsOnType(types) {
							continue
						}
						for _, on := range tried(st, resource) {
							request := eval.Request{Action: a.Name, Resource: on, Context: meeting(st.Condition)}
							if eval.Documents(docs, request) == eval.Allow {
								allowed[a.Name] = true
							}
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(allowed))
}

// tried returns the resources that a statement is tried with: one, or an example of each of its own.
func tried(st iampolicy.Statement, resource string) []string {
	if resource != "" {
		return []string{resource}
	}
	var out []string
	for _, r := range st.Resource {
		out = append(out, strings.ReplaceAll(strings.ReplaceAll(r, "${*}", "*"), "*", "x"))
	}
	return append(out, "*")
}

// meeting returns values that meet conditions.
func meeting(conditions iampolicy.Conditions) map[string][]string {
	context := map[string][]string{}
	for operator, keys := range conditions {
		for key, values := range keys {
			switch {
			case strings.HasPrefix(operator, "Null") && values[0] == "true":
			case strings.Contains(operator, "Not"):
				context[key] = []string{"another value"}
			default:
				context[key] = []string{strings.ReplaceAll(values[0], "*", "x")}
			}
		}
	}
	return context
}
