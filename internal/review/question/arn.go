package question

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/iampolicy/reference"
)

// parseARN parses the ARN of a resource, or of a role of the profile.
func (s Source) parseARN(q *query) {
	fields := strings.SplitN(q.text, ":", 6)
	if len(fields) < 6 || fields[5] == "" {
		q.problem = "an ARN has six fields: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE"
		return
	}
	partition, service := strings.ToLower(fields[1]), strings.ToLower(fields[2])
	if partition != "*" && partition != "" && !slices.Contains(region.PartitionIDs(), partition) {
		q.problem = fmt.Sprintf("AWS has no partition %s; want one of %s", fields[1],
			strings.Join(region.PartitionIDs(), ", "))
		return
	}
	if service == "iam" || service == "sts" {
		kind, path, _ := strings.Cut(fields[5], "/")
		name := path
		if i := strings.LastIndex(path, "/"); i >= 0 && kind == "role" {
			name = path[i+1:]
		} else if kind == "assumed-role" {
			name, _, _ = strings.Cut(path, "/")
		}
		named := query{text: name}
		if kind == "policy" {
			named.text = path[strings.LastIndex(path, "/")+1:]
		}
		if about := s.names(named); len(about) > 0 {
			q.names, q.about = []string{named.text}, about
			return
		}
		if s.deployedName(&named) {
			q.names, q.about = named.names, named.about
			return
		}
	}
	if !reference.HasService(service) {
		q.problem = "AWS has no service " + fields[2]
		for _, n := range similarServices(service) {
			q.similar = append(q.similar, strings.Join([]string{fields[0], fields[1], n, fields[3], fields[4], fields[5]}, ":"))
		}
		return
	}
	resource := reference.ResourceSpelling(service, fields[5])
	q.setARN(strings.Join([]string{"arn", partition, service, strings.ToLower(fields[3]), fields[4], resource}, ":"))
}

// setARN makes the question one about resources.
func (q *query) setARN(arns ...string) {
	for _, arn := range arns {
		q.types = append(q.types, reference.TypesOfARN(arn)...)
	}
	q.arns = arns
	if len(q.types) == 0 {
		q.problem = "no resource type of AWS has an ARN of this form"
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
