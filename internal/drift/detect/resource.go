package detect

import (
	"slices"
	"strings"
	"time"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/notify/finding"
)

// resource is one resource of a stack: what its template expects and what was
// read.
type resource struct {
	stack                 *stack
	logicalID, physicalID string
	typ                   *resourceType
	typeName              string         // also of types that are not registered
	props                 map[string]any // expected; nil if the template cannot be evaluated

	live      liveState  // nil if it was not read
	liveDone  bool       // the time was sufficient to read all of it
	detection *detection // nil if CloudFormation was not asked

	updated time.Time // last change of the resource by CloudFormation; zero if it is not known

	// undetectable: the deployed stack does not have this resource, so CloudFormation
	// cannot detect its drift.
	undetectable bool
	// outOfScope: the check is limited to other resources.
	outOfScope bool
	// notDeployed: the parent does not have this resource, whose name CloudFormation
	// would choose.
	notDeployed bool
}

// hasLiveComparison reports whether the resource is to be compared live.
func (r *resource) hasLiveComparison() bool {
	return !r.outOfScope && !r.stack.inProgress && r.props != nil && r.typ.read != nil && !r.notDeployed
}

// checkable reports whether any source detects drift of the resource's type.
func (r *resource) checkable() bool {
	return !r.outOfScope && (r.hasDetection() || r.stack.inProgress || r.typ.read != nil && !r.notDeployed)
}

// hasDetection reports whether CloudFormation is to detect drift of the resource.
func (r *resource) hasDetection() bool {
	return !r.outOfScope && r.typ.readHandler != nil && !r.stack.inProgress && !r.stack.unstable && !r.undetectable
}

// checked reports whether every source that checks the resource has done so.
func (r *resource) checked() bool {
	if r.stack.inProgress {
		return false
	}
	return (!r.hasLiveComparison() || r.liveDone) && (!r.hasDetection() || r.detection != nil &&
		!awserr.IsContextDone(r.detection.err) && !awserr.IsStackBusy(r.detection.err))
}

// isDeleted reports whether the resource does not exist; nil is not deleted.
func (r *resource) isDeleted() bool {
	if r == nil {
		return false
	}
	if r.live != nil {
		return r.live.deleted()
	}
	return r.detection != nil && r.detection.status == "DELETED"
}

// deletedWithOwner reports whether the resource was deleted with the resources
// that it belongs to, so that it needs no finding.
func (r *resource) deletedWithOwner(m *model) bool {
	if r.typ.owner == nil {
		return false
	}
	typ, ids := r.typ.owner(r)
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool { return !m.isDeleted(typ, id) })
}

func (r *resource) draft(source finding.Source, kind finding.Kind, direction finding.Direction) draft {
	return draft{resource: r, Finding: finding.Finding{
		Stack: r.stack.name, LogicalID: r.logicalID, PhysicalID: r.physicalID, Type: r.typeName,
		Kind: kind, Direction: direction, SeenBy: []finding.Source{source},
	}}
}

// liveDraft begins a finding of the live comparison.
func (r *resource) liveDraft(
	kind finding.Kind, property, subject string, direction finding.Direction, expected, actual finding.Value,
) draft {
	d := r.draft(finding.Live, kind, direction)
	d.Property, d.Subject, d.Expected, d.Actual = property, subject, expected, actual
	return d
}

// deletedDraft reports that the resource does not exist.
func (r *resource) deletedDraft() draft {
	return r.liveDraft(finding.ResourceDeleted, "", "", finding.GrantsLess, finding.Value{}, finding.None)
}

// readErrorDrafts reports each call that failed. What the end of the time left
// out is not a finding: the resource is not reached.
func (r *resource) readErrorDrafts(all readErrors) []draft {
	var out []draft
	for _, e := range all {
		if awserr.IsContextDone(e.err) {
			continue
		}
		d := r.draft(finding.Live, finding.NotReadable, finding.Unreadable)
		if e.policy != "" {
			d.readError(finding.TargetPolicy, e.policy, e.err)
		} else {
			d.readError(finding.TargetProperty, e.properties[0], e.err)
		}
		out = append(out, d)
	}
	return out
}

// unknown replaces what cannot be evaluated: the value of a NoEcho parameter, an
// attribute that only CloudFormation has. No string of AWS contains a NUL.
const unknown = "\x00unknown"

// isUnknown reports whether a value contains something that cannot be evaluated.
func isUnknown(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, unknown)
	case []any:
		return slices.ContainsFunc(v, isUnknown)
	case map[string]any:
		for k, e := range v {
			if strings.Contains(k, unknown) || isUnknown(e) {
				return true
			}
		}
	}
	return false
}

// resolver resolves Ref and Fn::GetAtt of a deployed stack's resources. Ref is
// the physical id; attributes are known if they follow from it.
type resolver struct {
	stack  *stack
	listed map[string]listed
}

func (v *resolver) Ref(id string) (any, error) {
	if l, ok := v.listed[id]; ok {
		return l.physicalID, nil
	}
	return unknown, nil
}

func (v *resolver) GetAtt(id, name string) (any, error) {
	l, ok := v.listed[id]
	if !ok {
		return unknown, nil
	}
	if attribute := lookupType(l.typ).attributes[name]; attribute != nil {
		if value, known := attribute(v, id, l.physicalID); known {
			return value, nil
		}
	}
	return unknown, nil
}

// arn returns an ARN in the stack's partition and account.
func (v *resolver) arn(service, region, rest string) string {
	stack, _ := iampolicy.ParseARN(v.stack.id)
	stack.Service, stack.Region, stack.Resource = service, region, rest
	return stack.String()
}

func (v *resolver) region() string { return iampolicy.RegionInARN(v.stack.id) }

// iamARN is the Arn attribute of an IAM resource whose physical id is its name.
func iamARN(kind string) attribute {
	return func(v *resolver, logicalID, id string) (string, bool) {
		path, ok := v.path(logicalID)
		return v.arn("iam", "", kind+path+id), ok
	}
}

// path returns the Path that a resource declares; "/" if it declares none.
func (v *resolver) path(id string) (string, bool) {
	props, err := v.stack.bound.Properties(id, unresolved{})
	if err != nil {
		return "", false
	}
	path := text(props["Path"])
	if path == "" {
		path = "/"
	}
	return path, !isUnknown(path)
}

// unresolved evaluates a resource without its references, so that two roles that
// refer to each other do not recurse.
type unresolved struct{}

func (unresolved) Ref(string) (any, error)            { return unknown, nil }
func (unresolved) GetAtt(string, string) (any, error) { return unknown, nil }
