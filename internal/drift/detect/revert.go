package detect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// Reverted is what Revert did with each finding of a report, in the report's order.
type Reverted struct {
	Done   []Reversal `json:"done,omitempty"`
	Failed []Reversal `json:"failed,omitempty"` // what could not be done, and why
}

// Reversal is what became of one finding.
type Reversal struct {
	Finding finding.Finding `json:"finding"`
	What    string          `json:"what"` // what was done, or why it could not be
	// Permission is the one that was missing, where that is why.
	Permission string `json:"missingPermission,omitempty"`
}

// Revert puts right what a report found, as far as that is safe to do without a
// person:
//
//   - inline policies and attachments that no template declares are taken off
//     roles of our stacks, the parent's included, and off no others: that only
//     takes access away;
//   - the policy of a topic is written back as the template has it, for change
//     sets do not compare AWS::SNS::TopicInlinePolicy ("Using drift-aware change
//     sets", CloudFormation User Guide);
//   - everything else of a permission stack is put back by a drift-aware change
//     set (DeploymentMode REVERT_DRIFT) with the template that is deployed.
//     CloudFormation carries it out as the stack's own role.
//
// Left to people, and told in Failed: what a template does not declare and
// nothing above removes (a boundary or a session length that was set by hand,
// tags that come of the stack); properties that cannot be changed in place; what
// could not be read; and the parent stack's own properties: it has no role of its
// own, so CloudFormation would need the caller's rights to change the very roles
// that bound the caller.
//
// What is wanted is read anew, so a policy that an update has declared meanwhile
// is not taken away. Rogue policies go first, the change set follows. A change
// set that would replace or remove a resource is deleted, not executed.
//
// The error is not nil where nothing was attempted: the stacks cannot be found.
// One more Check tells what still stands.
func Revert(ctx context.Context, clients Clients, report finding.Report, options ...Options) (Reverted, error) {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	o = o.withDefaults()
	if o.Parent = report.ParentStackID; o.Parent == "" {
		return Reverted{}, errors.New("revert drift: the report names no parent stack")
	}
	if clients.ChangeSets == nil || clients.RolePolicies == nil || clients.TopicPolicies == nil {
		return Reverted{}, errors.New("revert drift: the clients can only read")
	}
	c := &check{reader: newReader(clients, o), o: o}
	stacks, parent, err := c.stacks(ctx)
	if err != nil {
		return Reverted{}, err
	}
	v := &reverting{check: c, model: newModel(parent, stacks), stacks: stacks, outcomes: map[string]outcome{}}
	for _, f := range report.Findings { // access first
		if f.Kind == finding.InlinePolicyAdded || f.Kind == finding.AttachmentAdded {
			v.outcomes[f.ID] = v.takeOff(ctx, f)
		}
	}
	for i, s := range stacks {
		v.byChangeSet(ctx, s, i == 0, report)
	}
	for _, f := range report.Findings {
		if _, done := v.outcomes[f.ID]; !done && f.Kind == finding.TopicPolicyChanged {
			v.outcomes[f.ID] = v.topicPolicy(ctx, f)
		}
	}
	return v.sum(report), nil
}

// reverting is one run.
type reverting struct {
	*check
	model    *model
	stacks   []*stack
	outcomes map[string]outcome // by finding id
}

// outcome is what became of a finding; err is why it did not.
type outcome struct {
	what string
	err  error
}

func (v *reverting) sum(report finding.Report) Reverted {
	var out Reverted
	for _, f := range report.Findings {
		o, tried := v.outcomes[f.ID]
		switch {
		case !tried:
			out.Failed = append(out.Failed, Reversal{Finding: f, What: "not attempted: its stack is not one of ours any more, or is not at rest"})
		case o.err != nil:
			out.Failed = append(out.Failed, Reversal{Finding: f, What: awserr.Message(o.err), Permission: awserr.DeniedAction(o.err)})
		default:
			out.Done = append(out.Done, Reversal{Finding: f, What: o.what})
		}
	}
	return out
}

// resource finds what a finding is about among what our stacks hold now.
func (v *reverting) resource(f finding.Finding) *resource {
	for _, r := range v.model.resources {
		if r.stack.name == f.Stack && r.logicalID == f.LogicalID && r.physicalID == f.PhysicalID {
			return r
		}
	}
	return nil
}

// takeOff removes a policy that no template declares from a role of ours.
func (v *reverting) takeOff(ctx context.Context, f finding.Finding) outcome {
	r := v.resource(f)
	if r == nil || r.typ != typeRole || r.props == nil || f.Subject == "" {
		return outcome{err: errors.New("the role is not one of our stacks' any more")}
	}
	want := v.model.wanted[r]
	_, inline := want.inline[f.Subject]
	if f.Kind == finding.InlinePolicyAdded && inline || f.Kind == finding.AttachmentAdded && want.managed[f.Subject] {
		return outcome{what: "nothing to do: the template declares the policy now"}
	}
	if isUnknown(r.props["Policies"]) || isUnknown(r.props["ManagedPolicyArns"]) {
		return outcome{err: errors.New("which policies the template declares is known to CloudFormation alone")}
	}
	var err error
	if f.Kind == finding.InlinePolicyAdded {
		_, err = call(ctx, v.iam, v.clients.RolePolicies.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: &r.physicalID, PolicyName: &f.Subject})
	} else {
		_, err = call(ctx, v.iam, v.clients.RolePolicies.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: &r.physicalID, PolicyArn: &f.Subject})
	}
	switch {
	case awserr.IsNotFound(err):
		return outcome{what: "nothing to do: the policy was gone"}
	case err != nil:
		return outcome{err: fmt.Errorf("remove policy %s from role %s: %w", f.Subject, r.physicalID, err)}
	case f.Kind == finding.InlinePolicyAdded:
		return outcome{what: fmt.Sprintf("inline policy %s was deleted from role %s", f.Subject, r.physicalID)}
	}
	return outcome{what: fmt.Sprintf("policy %s was detached from role %s", f.Subject, r.physicalID)}
}

// topicPolicy writes a topic's policy as the template has it.
func (v *reverting) topicPolicy(ctx context.Context, f finding.Finding) outcome {
	r := v.resource(f)
	if r == nil {
		return outcome{err: errors.New("the topic is not one of our stacks' any more")}
	}
	if r.stack == v.stacks[0] {
		return outcome{err: errParent}
	}
	if r.typ == typeTopic {
		return outcome{err: errors.New("the template declares no policy for this topic: put SNS's own back by hand")}
	}
	if err := v.writeTopicPolicy(ctx, r); err != nil {
		return outcome{err: err}
	}
	return outcome{what: "the topic's policy was written as the template has it"}
}

func (v *reverting) writeTopicPolicy(ctx context.Context, r *resource) error {
	want := readDocument(r.props["PolicyDocument"])
	if want.unknown || want.text == "" {
		return errors.New("the policy that the template has is known to CloudFormation alone")
	}
	attribute := "Policy"
	for _, arn := range topicsOf(r) {
		_, err := call(ctx, v.sns, v.clients.TopicPolicies.SetTopicAttributes, &sns.SetTopicAttributesInput{TopicArn: &arn, AttributeName: &attribute, AttributeValue: &want.text})
		if err != nil {
			return fmt.Errorf("write policy of topic %s: %w", arn, err)
		}
	}
	return nil
}

var errParent = errors.New("the parent stack's own properties are left to people: its roles bound this checker itself")

// byChangeSet handles the findings of one stack that a change set can put back.
func (v *reverting) byChangeSet(ctx context.Context, s *stack, isParent bool, report finding.Report) {
	var open []finding.Finding
	for _, f := range report.Findings {
		if _, done := v.outcomes[f.ID]; done || f.Stack != s.name || f.Kind == finding.TopicPolicyChanged {
			continue
		}
		if err := v.reason(f, s, isParent); err != nil {
			v.outcomes[f.ID] = outcome{err: err}
			continue
		}
		open = append(open, f)
	}
	if len(open) == 0 {
		return
	}
	changed, err := v.putBack(ctx, s)
	for _, f := range open {
		switch {
		case err != nil:
			v.outcomes[f.ID] = outcome{err: err}
		case !slices.Contains(changed, f.LogicalID):
			v.outcomes[f.ID] = outcome{err: errors.New("CloudFormation's change set had nothing to put back here")}
		default:
			v.outcomes[f.ID] = outcome{what: "put back by CloudFormation, with a drift-aware change set"}
		}
	}
	if err == nil {
		v.topicsMadeAgain(ctx, open)
	}
}

// topicsMadeAgain gives topics that were made again their policies, which went
// with them.
func (v *reverting) topicsMadeAgain(ctx context.Context, findings []finding.Finding) {
	for _, f := range findings {
		if f.Kind != finding.ResourceGone || f.Type != typeTopic || v.outcomes[f.ID].err != nil {
			continue
		}
		for _, r := range v.model.resources {
			if r.typ != typeTopicInlinePolicy || !slices.Contains(topicsOf(r), f.PhysicalID) {
				continue
			}
			if err := v.writeTopicPolicy(ctx, r); err != nil {
				v.outcomes[f.ID] = outcome{err: fmt.Errorf("the topic was made again without its policy: %w", err)}
			} else {
				v.outcomes[f.ID] = outcome{what: "made again by CloudFormation, and its policy written; nobody is subscribed to it any more"}
			}
		}
	}
}

// property is the template's property that a kind of finding is about.
var property = map[finding.Kind]string{
	finding.InlinePolicyRemoved: "Policies", finding.InlinePolicyChanged: "Policies", finding.AttachmentRemoved: "ManagedPolicyArns",
	finding.PolicyChanged: "PolicyDocument", finding.TrustChanged: "AssumeRolePolicyDocument", finding.BoundaryChanged: "PermissionsBoundary",
	finding.SessionChanged: "MaxSessionDuration", finding.ProfileChanged: "Roles", finding.TagsChanged: "Tags",
}

// reason says why a change set cannot put a finding right; nil where it can.
func (v *reverting) reason(f finding.Finding, s *stack, isParent bool) error {
	r := v.resource(f)
	switch {
	case f.Kind == finding.NotReadable:
		return errors.New("nothing to put back is known: it could not be read")
	case f.LogicalID == "":
		return errors.New("a stack that is gone is made again by an update of the parent stack")
	case isParent:
		return errParent
	case r == nil || r.props == nil:
		return errors.New("the resource is not one of our stacks' any more")
	case f.Kind == finding.PropertyChanged && f.Subject == "Path":
		return errors.New("IAM cannot move a role: delete this one, then revert")
	}
	name := property[f.Kind]
	if r.typ == typeRolePolicy {
		name = "PolicyDocument"
	}
	if name == "" {
		return nil
	}
	if _, declared := r.props[name]; !declared {
		return fmt.Errorf("the template does not declare %s, so CloudFormation leaves it as it is: put it back by hand", name)
	}
	if f.Kind == finding.TagsChanged && !slices.ContainsFunc(objects(r.props["Tags"]), func(t map[string]any) bool { return text(t["Key"]) == f.Subject }) {
		return errors.New("the tag comes of the stack, and CloudFormation leaves it as it is: put it back by hand")
	}
	return nil
}
