package detect

import (
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// join puts together what both eyes saw of one resource: one difference is one
// finding. The live eye compares by meaning, so where it looked at a property
// and saw no difference, CloudFormation's is one of form and is dropped.
func (r *resource) join(live []found) []draft {
	var out []draft
	for _, f := range live {
		out = append(out, f.draft)
	}
	d := r.detection
	if d == nil {
		return out
	}
	switch {
	case d.err != nil:
		return append(out, r.undetected(d.err)...)
	case d.status == "UNKNOWN":
		return append(out, r.unknownDrift(d.reason))
	case d.status == "DELETED":
		return r.joinDeleted(out)
	case d.status != "MODIFIED":
		return out
	}
	byProperty := map[string][]difference{}
	for _, diff := range d.differences {
		byProperty[diff.property()] = append(byProperty[diff.property()], diff)
	}
	for _, property := range sorted(byProperty) {
		seen := false
		for i, f := range live {
			if f.property == property {
				seen = true
				out[i].SeenBy = append(out[i].SeenBy, seenCloudFormation)
			}
		}
		if seen || r.covers(property) {
			continue
		}
		if property == "Tags" && !slices.ContainsFunc(byProperty[property], func(d difference) bool { return d.kind != "ADD" }) {
			continue // tags that somebody else added
		}
		out = append(out, r.propertyFinding(property, byProperty[property]))
	}
	return out
}

// covers tells whether the live eye compared a property.
func (r *resource) covers(property string) bool {
	if !r.seen || !slices.Contains(covered[r.typ], property) || isUnknown(r.props[property]) {
		return false
	}
	blind := func(all readErrors) bool {
		return slices.ContainsFunc(all, func(g readError) bool { return slices.Contains(g.properties, property) })
	}
	switch live := r.live.(type) {
	case *liveRole:
		return !blind(live.gaps)
	case *livePolicy:
		return !blind(live.gaps)
	case *liveProfile:
		return !blind(live.gaps)
	case *liveTopicTags:
		return !blind(live.gaps)
	case *liveRule:
		return !blind(live.gaps)
	case map[string]liveTopic:
		for _, topic := range live {
			if blind(topic.gaps) {
				return false
			}
		}
		return true
	}
	return false
}

// joinDeleted adds CloudFormation's word that a resource is gone. An inline
// policy that stands as a resource of its own is told of as a policy removed.
func (r *resource) joinDeleted(out []draft) []draft {
	for i := range out {
		if out[i].Kind == finding.ResourceGone || r.typ == typeRolePolicy && out[i].Kind == finding.InlinePolicyRemoved {
			out[i].SeenBy = append(out[i].SeenBy, seenCloudFormation)
			return out
		}
	}
	f := r.finding(finding.ResourceGone, "", finding.Changed)
	if grants(r.typ) {
		f.Direction = finding.GrantsLess
	}
	f.Expected, f.Actual, f.SeenBy, f.Advice = r.typ+" "+r.physicalID, "it does not exist", []string{seenCloudFormation}, adviceMakeAgain
	return append(out, f)
}

func (r *resource) propertyFinding(property string, differences []difference) draft {
	f := r.finding(finding.PropertyChanged, property, finding.Changed)
	f.SeenBy, f.Advice = []string{seenCloudFormation}, adviceRevert
	for _, d := range differences {
		expected, actual := d.expected, d.actual
		if confidential(d.path) {
			expected, actual = "****", "****"
		}
		f.values = append(f.values, d.path, digest(d.expected, d.actual))
		if len(differences) == 1 {
			f.Expected, f.Actual = orNone(expected, "nothing"), orNone(actual, "nothing")
		}
		f.Details = append(f.Details, d.path+": "+orNone(expected, "nothing")+" → "+orNone(actual, "nothing"))
	}
	slices.Sort(f.Details)
	slices.Sort(f.values)
	if f.Expected == "" {
		f.Expected, f.Actual = "as in the template", count(len(differences), "difference")
	}
	return f
}

// confidential properties may hold what nobody should read in a mail: a
// function's environment, and whatever calls itself a secret.
func confidential(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasPrefix(path, "/Environment/") || strings.Contains(lower, "secret") || strings.Contains(lower, "password") || strings.Contains(lower, "token")
}

// undetected is a detection that did not answer.
func (r *resource) undetected(err error) []draft {
	if awserr.IsContextDone(err) || awserr.IsDriftUnsupported(err) || awserr.IsStackBusy(err) {
		return nil
	}
	if awserr.IsStackNotFound(err) { // the resource left the stack meanwhile
		return nil
	}
	f := r.finding(finding.NotReadable, operationOf(err), finding.Unreadable)
	f.SeenBy = []string{seenCloudFormation}
	f.readError("what CloudFormation's drift detection says", err)
	return []draft{f}
}

// unknownDrift is a resource of which CloudFormation's handler could not read
// all that it needs.
func (r *resource) unknownDrift(reason string) draft {
	permission := awserr.ActionInMessage(reason)
	subject := permission
	if subject == "" {
		subject = "cloudformation:DetectStackResourceDrift"
	}
	f := r.finding(finding.NotReadable, subject, finding.Unreadable)
	f.SeenBy = []string{seenCloudFormation}
	err := &smithy.GenericAPIError{Code: "UNKNOWN", Message: reason}
	f.readError("what CloudFormation's drift detection says", err)
	if permission != "" {
		f.Permission, f.values = permission, []string{permission}
		f.Advice = "Let the checker's role do " + permission + " on " + r.physicalID + "; CloudFormation reads as the checker."
	}
	return f
}
