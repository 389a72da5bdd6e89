package detect

import (
	"context"
	"errors"
	"slices"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/installation"
	"permstack/internal/notify/finding"
)

// Revert reverts the findings of a report, as far as that is safe to do without a
// person:
//
//   - inline policies and attachments that no template declares are removed from
//     roles of the installation's stacks, the parent's included, and from no
//     others: that only takes access away;
//   - the policy of a topic is written as the template has it, because change sets
//     do not compare AWS::SNS::TopicInlinePolicy ("Using drift-aware change sets",
//     CloudFormation User Guide);
//   - everything else of a permission stack is restored by a drift-aware change
//     set (DeploymentMode REVERT_DRIFT), which CloudFormation executes with the
//     stack's own role. Its template is the deployed one, or, if that is not what the
//     catalogue defines, the template that is synthesized from the parent's
//     choices: what somebody wrote into a permission stack is never restored. Its
//     external id is that of the deployed template, because the real one is known to
//     the custom resource alone.
//
// Not modified, and returned in Failed: what a template does not declare and is
// not removed as above (a boundary or session duration that was set by hand, tags
// of the stack); properties that cannot be changed in place; what could not be
// read; and the parent stack's own properties: it has no role of its own, so
// CloudFormation would need the caller's rights to change the very roles that
// limit the caller.
//
// The expected values are read again, so a policy that an update has declared in
// the meantime is not removed. Change sets follow the removal of policies. A
// change set that would replace or remove a resource is deleted, not executed.
//
// With Clients.Operator the caller is a person: the parent stack is reverted like the
// others, and what no change set reverts by the calls in operator.go.
//
// Revert returns an error if nothing was attempted, because the stacks cannot be
// found. What still differs afterwards is the result of another Check.
func Revert(ctx context.Context, clients Clients, report finding.Report, o Options) (finding.Reversals, error) {
	o = o.withDefaults()
	if o.Parent = report.ParentStackID; o.Parent == "" {
		return finding.Reversals{}, errors.New("revert drift: the report names no parent stack")
	}
	if clients.ChangeSets == nil || clients.RolePolicies == nil || clients.TopicPolicies == nil {
		return finding.Reversals{}, errors.New("revert drift: the clients can only read")
	}
	c := &check{reader: newReader(clients, o), o: o}
	stacks, parent, err := c.openStacks(ctx)
	if err != nil {
		return finding.Reversals{}, err
	}
	v := &reverter{
		check: c, model: newModel(parent, stacks), stacks: stacks, parentID: parent, outcomes: map[string]outcome{},
	}
	v.forged = map[string]bool{}
	for _, d := range v.model.compareTemplates(parent, stacks) {
		v.forged[d.Stack] = true
	}
	v.byCalls(ctx, report, true)
	if clients.Operator != nil {
		v.deleteReplaced(ctx, report)
	}
	for _, s := range stacks {
		v.byChangeSet(ctx, s, report)
	}
	v.byCalls(ctx, report, false)
	if clients.Operator != nil {
		v.byOperator(ctx, report)
	}
	return v.result(report), nil
}

// revert reverts a kind of findings by calls of the type's own service.
type revert struct {
	first bool // before the change sets
	do    func(ctx context.Context, v *reverter, r *resource, f finding.Finding) outcome
}

// reverter is one run of Revert.
type reverter struct {
	*check
	model    *model
	stacks   []*stack
	parentID installation.Parent
	forged   map[string]bool    // names of the stacks whose template is not the catalogue's
	outcomes map[string]outcome // by finding id
}

// outcome is what was done about a finding. err is the error of CallFailed.
type outcome struct {
	result finding.Outcome
	err    error
}

func failed(err error) outcome { return outcome{finding.CallFailed, err} }

// done reports whether the finding no longer exists.
func (o outcome) done() bool {
	return slices.Contains([]finding.Outcome{
		finding.PolicyDeleted, finding.PolicyDetached, finding.PolicyDeclared, finding.PolicyRemoved,
		finding.PolicyRestored, finding.Restored, finding.TopicRecreated, finding.TemplateRestored, finding.RoleDeleted,
		finding.SettingRestored, finding.StackUpdated,
	}, o.result)
}

func (v *reverter) parent() *stack { return v.stacks[0] }

// result lists the outcomes in the report's order.
func (v *reverter) result(report finding.Report) finding.Reversals {
	var out finding.Reversals
	for _, f := range report.Findings {
		o, attempted := v.outcomes[f.ID]
		if !attempted {
			o.result = finding.NotAttempted
		}
		r := finding.Reversal{Finding: f, Outcome: o.result}
		if o.err != nil {
			r.Message, r.Permission = awserr.Message(o.err), awserr.DeniedAction(o.err)
		}
		if o.done() {
			out.Done = append(out.Done, r)
		} else {
			out.Failed = append(out.Failed, r)
		}
	}
	return out
}

// find returns the resource that a finding is about; nil if no stack of the
// installation has it now.
func (v *reverter) find(f finding.Finding) *resource {
	for _, r := range v.model.resources {
		if r.stack.name == f.Stack && r.logicalID == f.LogicalID && r.physicalID == f.PhysicalID {
			return r
		}
	}
	return nil
}

// byCalls reverts the findings that calls of a type's own service revert.
func (v *reverter) byCalls(ctx context.Context, report finding.Report, first bool) {
	for _, f := range report.Findings {
		revert, ok := lookupType(f.Type).reverts[f.Kind]
		if !ok || revert.first != first {
			continue
		}
		if _, done := v.outcomes[f.ID]; done {
			continue
		}
		r := v.find(f)
		if r == nil || r.props == nil || r.typeName != f.Type {
			v.outcomes[f.ID] = outcome{result: finding.NotInStack}
			continue
		}
		v.outcomes[f.ID] = revert.do(ctx, v, r, f)
	}
}

// byChangeSet reverts the findings of one stack by a change set.
func (v *reverter) byChangeSet(ctx context.Context, s *stack, report finding.Report) {
	var open []finding.Finding
	for _, f := range report.Findings {
		_, byCalls := lookupType(f.Type).reverts[f.Kind]
		byCalls = byCalls || v.isOperatorRevert(f) && f.Kind != finding.TemplateChanged
		if _, done := v.outcomes[f.ID]; done || byCalls || f.Stack != s.name {
			continue
		}
		if obstacle := v.obstacle(f, s); obstacle != "" {
			v.outcomes[f.ID] = outcome{result: obstacle}
			continue
		}
		open = append(open, f)
	}
	if len(open) == 0 {
		return
	}
	changed, o := v.executeChangeSet(ctx, s)
	for _, f := range open {
		switch {
		case o.result != finding.Restored:
			v.outcomes[f.ID] = o
		case f.Kind == finding.TemplateChanged:
			v.outcomes[f.ID] = outcome{result: finding.TemplateRestored}
		case v.forged[s.name]: // the template of the catalogue declares everything that was compared
			v.outcomes[f.ID] = o
		case !slices.Contains(changed, f.LogicalID):
			v.outcomes[f.ID] = outcome{result: finding.NotInChangeSet}
		case f.Kind == finding.ResourceDeleted && lookupType(f.Type).afterRecreation != nil:
			v.outcomes[f.ID] = lookupType(f.Type).afterRecreation(ctx, v, f)
		default:
			v.outcomes[f.ID] = o
		}
	}
}

// obstacle returns why a change set cannot revert a finding; "" if it can.
func (v *reverter) obstacle(f finding.Finding, s *stack) finding.Outcome {
	r := v.find(f)
	switch {
	case f.Kind == finding.NotReadable:
		return finding.NothingKnown
	case f.Kind == finding.TemplateChanged && s == v.parent():
		return finding.ParentStack
	case f.Kind == finding.TemplateChanged:
		return ""
	case f.LogicalID == "" && f.Kind != finding.ResourceDeleted:
		return finding.ByHand
	case f.LogicalID == "":
		return finding.StackMissing
	case s == v.parent() && v.clients.Operator == nil:
		return finding.ParentStack
	case r == nil || r.props == nil:
		return finding.NotInStack
	case f.Reason == finding.RoleRecreated && v.clients.Operator == nil:
		return finding.RoleReplaced
	case f.Property == "" || f.Kind == finding.PropertyChanged || f.Kind == finding.RuleChanged:
		return ""
	}
	if _, declared := r.props[f.Property]; !declared {
		return finding.PropertyUndeclared
	}
	declared := func(t map[string]any) bool { return text(t["Key"]) == f.Subject }
	if f.Kind == finding.TagsChanged && !slices.ContainsFunc(objects(r.props["Tags"]), declared) {
		return finding.TagOfStack
	}
	return ""
}
