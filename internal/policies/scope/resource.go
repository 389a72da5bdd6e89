package scope

import (
	"slices"
	"strings"

	"permstack/internal/iampolicy"
)

// heads are the beginnings of the resource part of ARNs, by kind and service, after which the name of a resource of the
// kind follows.
var heads = map[Kind]struct {
	service string
	heads   []string
}{
	Bucket:   {"s3", []string{""}},
	Table:    {"dynamodb", []string{"table/"}},
	Database: {"rds", []string{"db:", "cluster:"}},
	Key:      {"kms", []string{"key/"}},
	VPC:      {"ec2", []string{"vpc/"}},
}

// named are the kinds whose resources have the customer's name in their ARN.
var named = []Kind{Bucket, Table, Database, Key, VPC}

// Pattern is the pattern of an ARN that matches every resource of a kind: its name is a *.
type Pattern struct {
	Kind   Kind
	Frame  string // what precedes the name
	Suffix string // what follows it: "", "/*", "/stream/*"
}

// ParsePattern parses a resource of a profile or of a policy. It reports false for resources that are not of a kind,
// have a name already, or are the vendor's.
func ParsePattern(resource string) (Pattern, bool) {
	frame, kind, rest, ok := cut(resource)
	if !ok || !strings.HasPrefix(rest, "*") {
		return Pattern{}, false
	}
	return Pattern{Kind: kind, Frame: frame, Suffix: rest[1:]}, true
}

// Name returns the kind and the name of the resource of an ARN, and the ARN with another name. It reports false for
// other ARNs.
func Name(arn string) (kind Kind, name string, with func(name string) string, ok bool) {
	frame, kind, rest, ok := cut(arn)
	if !ok {
		return "", "", nil, false
	}
	name, suffix := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		name, suffix = rest[:i], rest[i:]
	}
	return kind, name, func(other string) string { return frame + other + suffix }, true
}

// cut splits an ARN after the head of its kind.
func cut(arn string) (frame string, kind Kind, rest string, ok bool) {
	a, isARN := iampolicy.ParseARN(arn)
	if !isARN || isVendorsAccount(a.AccountID) {
		return "", "", "", false
	}
	for _, k := range named {
		h := heads[k]
		if a.Service != h.service || k == Bucket && a.Region+a.AccountID != "" {
			continue
		}
		for _, head := range h.heads {
			if strings.HasPrefix(a.Resource, head) {
				at := len(arn) - len(a.Resource) + len(head)
				return arn[:at], k, arn[at:], true
			}
		}
	}
	return "", "", "", false
}

// isVendorsAccount reports whether the account of a profile's ARN is one of the vendor's.
func isVendorsAccount(account string) bool {
	return strings.HasPrefix(account, "${DataPlane") || strings.HasPrefix(account, "${ControlPlane")
}

// Region and Account return those parts of the pattern's ARN.
func (p Pattern) Region() string { return iampolicy.RegionInARN(p.Frame) }

// Account returns the account of the pattern's ARN, "" for a bucket.
func (p Pattern) Account() string { return iampolicy.AccountInARN(p.Frame) }

// With returns the pattern's ARN for the name of a resource.
func (p Pattern) With(name string) string { return p.Frame + name + p.Suffix }

// protected are the resource types that backups protect, by service: the beginnings of the resource part of their ARNs.
// A customer tags these, and the condition key aws:ResourceTag is sent with them. Buckets are not among them: S3
// compares the tags of a bucket only if attribute-based access control is enabled for it (S3 user guide, "Using tags
// for attribute-based access control").
var protected = map[string][]string{
	"dynamodb":          {"table/"},
	"ec2":               {"instance/", "volume/"},
	"eks":               {"cluster/"},
	"elasticfilesystem": {"file-system/"},
	"fsx":               {"file-system/", "volume/"},
	"rds":               {"db:", "cluster:"},
	"redshift":          {"cluster:"},
	"timestream":        {"database/"},
}

// IsProtected reports whether a resource is of a type that the customer tags to choose what is backed up: an instance,
// a volume, a table, a database. Of sub-resources only the indexes of a table have its tags (DynamoDB developer guide,
// "Using attribute-based access control with DynamoDB").
func IsProtected(resource string) bool {
	a, ok := iampolicy.ParseARN(resource)
	if !ok || isVendorsAccount(a.AccountID) {
		return false
	}
	return slices.ContainsFunc(protected[a.Service], func(head string) bool {
		rest, ok := strings.CutPrefix(a.Resource, head)
		_, below, isBelow := strings.Cut(rest, "/")
		return ok && (!isBelow || a.Service == "fsx" || a.Service == "dynamodb" && strings.HasPrefix(below, "index/"))
	})
}

// Services returns the services whose actions a kind may narrow; none: those of every service.
func (k Kind) Services() []string {
	switch k {
	case Region:
		return nil
	case Tag:
		out := []string{"s3"}
		for s := range protected {
			out = append(out, s)
		}
		slices.Sort(out)
		return out
	}
	return []string{heads[k].service}
}
