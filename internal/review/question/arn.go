package question

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/actions"
	"permstack/internal/iampolicy/reference"
	"permstack/internal/iampolicy/spelling"
	"permstack/internal/review/explain"
)

// parseARN parses the ARN of a resource, or of a role of the profile.
func (s Source) parseARN(q *query) {
	typed, ok := iampolicy.ParseARN("arn" + q.text[len("arn"):]) // people type ARN: too
	if !ok || typed.Resource == "" {
		q.problem = "an ARN has six fields: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE"
		return
	}
	partition, service := strings.ToLower(typed.Partition), strings.ToLower(typed.Service)
	if partition != "*" && partition != "" && !slices.Contains(region.PartitionIDs(), partition) {
		q.problem = fmt.Sprintf("AWS has no partition %s; want one of %s", typed.Partition,
			strings.Join(region.PartitionIDs(), ", "))
		return
	}
	if q.problem = placeProblem(typed.Region, typed.AccountID); q.problem != "" {
		return
	}
	if (service == "iam" || service == "sts") && s.parseIAMName(q, typed.Resource) {
		return
	}
	switch {
	case service == "" || actions.IsPattern(service):
		q.problem = "the ARN names no service; name an action or a service to see the permissions on its resources"
		return
	case !reference.HasService(service):
		q.problem = "AWS has no service " + typed.Service
		for _, n := range similarServices(service) {
			similar := typed
			similar.Service = n
			q.similar = append(q.similar, similar.String())
		}
		return
	}
	q.setARN(arn.ARN{
		Partition: partition, Service: service, Region: strings.ToLower(typed.Region), AccountID: typed.AccountID,
		Resource: reference.ResourceSpelling(service, typed.Resource),
	}.String())
}

// placeProblem returns what is wrong with the Region and the account of an ARN; "" if both can exist or are left out.
func placeProblem(name, account string) string {
	name = strings.ToLower(name)
	switch {
	case name != "" && !strings.ContainsAny(name, "*?$") && !region.IsKnown(name):
		problem := "AWS has no Region " + name
		if near := spelling.Nearest(name, region.Names()); near != "" {
			problem += " (did you mean " + near + "?)"
		}
		return problem
	case account != "" && account != "aws" && !strings.ContainsAny(account, "*?$") &&
		(len(account) != 12 || strings.Trim(account, "0123456789") != ""):
		return "an account ID has 12 digits, and the ARN has " + account
	}
	return ""
}

// parseIAMName parses the name of a role or policy as IAM and CloudTrail write it, role/PATH/NAME or
// assumed-role/NAME/SESSION, and reports whether it is one of the profile.
func (s Source) parseIAMName(q *query, text string) bool {
	kind, path, _ := strings.Cut(text, "/")
	named := query{text: path[strings.LastIndex(path, "/")+1:]}
	switch strings.ToLower(kind) {
	case "assumed-role":
		named.text, _, _ = strings.Cut(path, "/")
	case "role", "policy":
	default:
		return false
	}
	if about := s.names(named); named.text != "" && len(about) > 0 {
		q.names, q.about = []string{named.text}, about
		return true
	}
	if s.deployedName(&named) {
		q.names, q.about = named.names, named.about
		return true
	}
	return false
}

// keyID are the IDs of KMS keys (KMS Developer Guide, "Key identifiers").
var keyID = regexp.MustCompile(`^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// keyARN returns the ARN of a KMS key by its ID or alias; "" for another text.
func keyARN(lower string) string {
	switch {
	case keyID.MatchString(lower):
		return "arn:aws:kms:::key/" + lower
	case strings.HasPrefix(lower, "alias/") && len(lower) > len("alias/"):
		return "arn:aws:kms:::" + lower
	}
	return ""
}

// setARN makes the question one about resources.
func (q *query) setARN(arns ...string) {
	for _, arn := range arns {
		q.types = append(q.types, reference.TypesOfPattern(arn)...)
	}
	q.arns = arns
	if len(q.types) == 0 {
		q.problem = "no resource type of AWS has an ARN of this form"
		q.similar = reference.NearestARNs(arns[0])
		if kinds := reference.KindsOfARN(pattern(arns[0]).Service); len(q.similar) == 0 && len(kinds) > 0 {
			q.problem += ": those of the service begin with " + explain.AtMost(kinds, 12)
		}
		return
	}
	q.about = append(q.about, "resource")
}

// s3URLs match the URLs of buckets and objects, by the host or by the path (S3 User Guide, "Virtual hosting of
// buckets").
var s3URLs = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^https?://(?:s3|s3[.-][a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^/?]+)(/[^?]*)?`),
	regexp.MustCompile(`(?i)^https?://([^/]+)\.(?:s3|s3[.-][a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(/[^?]*)?`),
}

// s3URL returns s3://BUCKET or s3://BUCKET/KEY for the URL of a bucket or an object, and "" for another text.
func s3URL(text string) string {
	for _, u := range s3URLs {
		if m := u.FindStringSubmatch(text); m != nil {
			return "s3://" + m[1] + strings.TrimSuffix(m[2], "/")
		}
	}
	return ""
}

// s3URI parses s3://BUCKET, which means the bucket and its objects, and s3://BUCKET/KEY.
func (q *query) s3URI(text string) {
	bucket, key, _ := strings.Cut(text[len("s3://"):], "/")
	switch {
	case bucket == "":
		q.problem = "the name of the bucket is missing after s3://"
	case key == "":
		q.setARN("arn:aws:s3:::"+bucket, "arn:aws:s3:::"+bucket+"/*")
	default:
		q.setARN("arn:aws:s3:::" + bucket + "/" + key)
	}
}
