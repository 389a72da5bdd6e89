package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Deployed is what the parent stack says of the access that it deployed.
type Deployed struct {
	Granted   string // see permissionstack.GrantedHash; empty where it is not told
	Announced string
	// Changes reads what is granted now.
	Changes func(context.Context) ([]notify.AccessChange, error)
}

// announce catches up on an announcement that failed when it was due.
func (r *Run) announce(ctx context.Context, state notify.State, report finding.Report) (notify.State, int, error) {
	if r.Deployed == nil {
		return state, 0, nil
	}
	d, err := r.Deployed(ctx)
	if err != nil {
		return state, 0, err
	}
	if d.Granted != "" && d.Granted == d.Announced {
		state.Announced = d.Granted
	}
	if d.Granted == "" || d.Granted == state.Announced {
		return state, 0, nil
	}
	changes, err := d.Changes(ctx)
	if err != nil { // that something changed must be told even where it cannot be told what
		r.Log.Error("what is granted cannot be read", "error", err)
	}
	place := r.Place
	place.Profile = report.Profile
	id, err := r.Sender.Send(ctx, notify.AccessMessage(place, notify.Altered, notify.Access{GrantedHash: d.Granted, Changes: changes, Late: true}, r.Now()))
	if err != nil {
		return state, 0, err
	}
	r.Log.Info("announced a change of access", "messageId", id, "grantedHash", d.Granted)
	state.Announced = d.Granted
	return state, 1, nil
}

// CloudFormation is the little of the SDK's client that reading what is
// deployed needs.
type CloudFormation interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// ReadDeployed reads the outputs of the parent stack. While the stack is being
// changed it says nothing: the change announces itself.
func ReadDeployed(ctx context.Context, client CloudFormation, parent installation.Parent) (Deployed, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &parent.ID})
	if err != nil {
		return Deployed{}, fmt.Errorf("describe stack %s: %w", parent.ID, err)
	}
	if len(out.Stacks) == 0 || !stacks.IsStable(out.Stacks[0].StackStatus) {
		return Deployed{}, nil
	}
	d := Deployed{Changes: func(ctx context.Context) ([]notify.AccessChange, error) {
		return readGranted(ctx, client, parent.StackName(installation.Access))
	}}
	for _, o := range out.Stacks[0].Outputs {
		switch aws.ToString(o.OutputKey) {
		case installation.GrantedOutput:
			d.Granted = aws.ToString(o.OutputValue)
		case installation.AnnouncedOutput:
			d.Announced = aws.ToString(o.OutputValue)
		}
	}
	return d, nil
}

// readGranted lists the actions of every policy in the deployed template.
func readGranted(ctx context.Context, client CloudFormation, id string) ([]notify.AccessChange, error) {
	var out []notify.AccessChange
	got, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &id})
	if err != nil {
		return out, fmt.Errorf("read template of stack %s: %w", id, err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(got.TemplateBody)), &template); err != nil {
		return out, fmt.Errorf("read template of stack %s: %w", id, err)
	}
	for logical, resource := range template.Resources {
		if resource.Type != "AWS::IAM::ManagedPolicy" && resource.Type != "AWS::IAM::Role" {
			continue
		}
		var p grants
		if err := json.Unmarshal(resource.Properties, &p); err != nil {
			return out, fmt.Errorf("read %s in the template of stack %s: %w", logical, id, err)
		}
		switch resource.Type {
		case "AWS::IAM::ManagedPolicy":
			out = append(out, notify.AccessChange{What: "policy", Of: "managed policies", Name: p.ManagedPolicyName, Added: p.PolicyDocument.Actions()})
		case "AWS::IAM::Role":
			for _, inline := range p.Policies {
				out = append(out, notify.AccessChange{What: "policy", Of: p.RoleName, Name: inline.PolicyName, Added: inline.PolicyDocument.Actions()})
			}
		}
	}
	notify.SortChanges(out)
	return out, nil
}

// grants are the properties of roles and managed policies that grant actions.
type grants struct {
	ManagedPolicyName string
	PolicyDocument    iampolicy.Document
	RoleName          string
	Policies          []struct {
		PolicyName     string
		PolicyDocument iampolicy.Document
	}
}
