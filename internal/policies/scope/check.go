package scope

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// MaxValues is how many values of a kind are accepted. IAM's limits end earlier; this one limits the work that is done
// to find out.
const MaxValues = 2000

var (
	// Tag keys and values: Tagging AWS Resources user guide, "Tag naming limits and requirements", without characters
	// that separate values here or that have a meaning in IAM.
	tagPattern = lazy(`^[\p{L}\p{N} _.:/+@-]{1,128}=[\p{L}\p{N} _.:/+@=-]{0,256}$`)
	// S3 user guide, "General purpose bucket naming rules". A * of the customer is the last character: IAM's also matches
	// /, so that "a*b" would match the object x/b of another bucket that begins with a.
	bucketPattern = lazy(`^[a-z0-9][a-z0-9.-]{0,62}\*?$`)
	// DynamoDB developer guide, "Naming rules".
	tablePattern = lazy(`^[A-Za-z0-9_.-]{1,255}\*?$`)
	// RDS API reference, CreateDBInstance and CreateDBCluster: a letter first; case-insensitive, stored in lower case.
	databasePattern = lazy(`^[a-z][a-z0-9-]{0,62}\*?$`)
	// KMS developer guide, "Key identifiers": a UUID, or mrk- and 32 hex digits for a multi-Region key.
	keyPattern    = lazy(`^(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	regionPattern = lazy(`^[a-z]{2,}(-[a-z]+)+-[0-9]$`)
	vpcPattern    = lazy(`^vpc-[0-9a-f]{1,17}$`)
	tableARN      = lazy(`^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]{1,255}\*?$`)
	keyARN        = lazy(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
)

func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// Problems returns a sentence for each value that is not valid, and for lists that are too long.
func (s Scope) Problems() []string {
	var out []string
	for _, k := range Kinds {
		values := s.Get(k)
		if len(values) > MaxValues {
			out = append(out, fmt.Sprintf("there are %d %s; at most %d are accepted", len(values), k.Plural(), MaxValues))
			continue
		}
		for _, v := range values {
			if want := k.problem(v); want != "" {
				out = append(out, fmt.Sprintf("%s %q is not valid: %s", k.Noun(), v, want))
			}
		}
	}
	return out
}

// problem returns what a value of a kind should look like, or "" if it is valid.
func (k Kind) problem(value string) string {
	match := func(p func() *regexp.Regexp) bool { return p().MatchString(value) }
	switch k {
	case Tag:
		if key, _, _ := strings.Cut(value, "="); strings.HasPrefix(strings.ToLower(key), "aws:") {
			return "keys that begin with aws: are reserved by AWS"
		}
		if !match(tagPattern) {
			return "want KEY=VALUE, without wildcards and commas"
		}
	case Bucket:
		if !match(bucketPattern) {
			return "want the name of a bucket, which may end with *"
		}
	case Table:
		if !match(tablePattern) && !match(tableARN) {
			return "want the name or the ARN of a DynamoDB table, which may end with *"
		}
	case Database:
		if !match(databasePattern) {
			return "want the identifier of an RDS instance or cluster in lower case, which may end with *"
		}
	case Key:
		if !match(keyPattern) && !match(keyARN) {
			return "want the ID or the ARN of a KMS key; an alias is not part of a key's ARN"
		}
	case Region:
		if !match(regionPattern) {
			return "want a Region such as eu-central-1"
		}
	case VPC:
		if !match(vpcPattern) {
			return "want the ID of a VPC, such as vpc-0123456789abcdef0"
		}
	}
	return ""
}
