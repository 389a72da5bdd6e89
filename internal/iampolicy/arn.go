package iampolicy

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// arnFields is the number of fields of an ARN: arn:partition:service:region:account:resource.
const arnFields = 6

// ParseARN returns the fields of an ARN, or of a pattern of ARNs as in a statement's Resource: fields may be empty, and
// have wildcards and variables, such as "${AWS::Region}", whose colons separate nothing. It reports false for any other
// text, "*" included.
func ParseARN(text string) (arn.ARN, bool) {
	var fields [arnFields]string
	n, start, inVariable := 0, 0, false
	for i := 0; i < len(text) && n < arnFields-1; i++ {
		switch {
		case strings.HasPrefix(text[i:], "${"):
			inVariable = true
		case text[i] == '}':
			inVariable = false
		case text[i] == ':' && !inVariable:
			fields[n] = text[start:i]
			n, start = n+1, i+1
		}
	}
	if n < arnFields-1 || fields[0] != "arn" {
		return arn.ARN{}, false
	}
	return arn.ARN{
		Partition: fields[1], Service: fields[2], Region: fields[3], AccountID: fields[4], Resource: text[start:],
	}, true
}

// AccountInARN returns the account of an ARN; "" if the text is not an ARN.
func AccountInARN(text string) string {
	a, _ := ParseARN(text)
	return a.AccountID
}

// RegionInARN returns the Region of an ARN; "" if the text is not an ARN.
func RegionInARN(text string) string {
	a, _ := ParseARN(text)
	return a.Region
}

// OverlapARN reports whether some ARN matches both patterns, field by field: a wildcard does not match across a colon
// of the first five fields. Texts that are not ARNs overlap only as a whole.
func OverlapARN(a, b string) bool {
	p, isARN := ParseARN(a)
	q, areARNs := ParseARN(b)
	if !isARN || !areARNs {
		return isARN == areARNs && Overlap(a, b)
	}
	return Overlap(p.Partition, q.Partition) && Overlap(p.Service, q.Service) && Overlap(p.Region, q.Region) &&
		Overlap(p.AccountID, q.AccountID) && Overlap(p.Resource, q.Resource)
}

// VariablesAsWildcards returns a text with * for each of its variables, such as "${AWS::Region}" and "${VolumeId}".
func VariablesAsWildcards(text string) string {
	var b strings.Builder
	for {
		start := strings.Index(text, "${")
		end := strings.IndexByte(text[max(start, 0):], '}')
		if start < 0 || end < 0 {
			return b.String() + text
		}
		b.WriteString(text[:start] + "*")
		text = text[start+end+1:]
	}
}
