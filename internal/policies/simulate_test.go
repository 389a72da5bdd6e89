package policies_test

import (
	"fmt"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies/choice"
)

// TestRequestsByOutsideEvaluator evaluates the same requests with @cloud-copilot/iam-simulate. PERMSTACK_IAM_SIMULATE
// is the folder in which npm installed it.
func TestRequestsByOutsideEvaluator(t *testing.T) {
	evaluate := policytest.OutsideEvaluator(t)
	requests := allRequests()
	var list []policytest.Simulation
	for _, r := range requests {
		list = append(list, newSimulation(requestDocuments(t, r), r.action, r.resource, r.context))
	}
	for i, result := range evaluate(list) {
		if r := requests[i]; !policytest.Agrees(result, r.allowed, r.resource) {
			t.Errorf("%s: %s on %s with %v: %s, want allowed %v", r.why, r.action, r.resource, r.context, result, r.allowed)
		}
	}
}

// TestAccessByOutsideEvaluator evaluates requests of access.txt that AWS supports, of all choices, with
// @cloud-copilot/iam-simulate: every 40th, and of these one in ten and the first of each line.
func TestAccessByOutsideEvaluator(t *testing.T) {
	evaluate := policytest.OutsideEvaluator(t)
	sample := policytest.NewStratified(10)
	var list []policytest.Simulation
	var asked []derivedRequest
	number := 0
	for _, profile := range []string{"clumio", "cpm"} {
		for _, b := range evaluated[profile](t) {
			docs := documentsByRole(b.set)
			for _, r := range b.requests {
				if !r.real || docs[r.role] == nil {
					continue
				}
				if number++; number%40 != 0 ||
					!sample.Includes(fmt.Sprint(r.line, r.allowed), choice.String(b.sel)+" "+r.String()) {
					continue
				}
				asked = append(asked, r)
				list = append(list, newSimulation(docs[r.role], r.action, r.resource, r.context))
			}
		}
	}
	undecided := 0
	for i, result := range evaluate(list) {
		if policytest.Undecided(result) {
			undecided++
			continue
		}
		if r := asked[i]; !policytest.Agrees(result, r.allowed, r.resource) {
			t.Errorf("access.txt:%d: %s: %s, want allowed %v", r.line, r, result, r.allowed)
		}
	}
	t.Logf("%s of every 40th: %d of %d requests; of %d it does not know the resource's type",
		sample, len(asked), number, undecided)
	if undecided > len(asked)/30 {
		t.Errorf("of %d in %d requests it does not know the resource's type", undecided, len(asked))
	}
}

func newSimulation(
	docs []iampolicy.Document, action, resource string, context map[string]string,
) policytest.Simulation {
	lists := map[string][]string{}
	for k, v := range context {
		lists[k] = []string{v}
	}
	return policytest.NewSimulation(account, docs, action, resource, lists)
}

// TestSends names the S3 actions that carry a canned ACL: the Service Authorization Reference, "Actions defined by
// Amazon S3", lists s3:x-amz-acl with them alone.
func TestSends(t *testing.T) {
	acl := map[string]string{"s3:x-amz-acl": "public-read", "s3:ResourceAccount": account}
	for action, want := range map[string]bool{
		"s3:PutObject": true, "s3:PutObjectAcl": true, "s3:PutObjectVersionAcl": true, "s3:ReplicateObject": false,
		"s3:CreateBucket": true, "s3:PutBucketAcl": true,
		"s3:GetObject": false, "s3:AbortMultipartUpload": false, "s3:DeleteObject": false, "s3:PutObjectTagging": false,
		"s3:NoSuchAction": false,
	} {
		t.Run(action, func(t *testing.T) {
			if got := sends(action, acl); got != want {
				t.Errorf("sends(%q, %v) = %v, want %v", action, acl, got, want)
			}
		})
	}
}
