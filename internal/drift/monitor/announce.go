package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/cfn/stacks"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// Deployed is the access that the parent stack deployed.
type Deployed struct {
	Granted   string // see permissionstack.GrantedHash; "" if the stack has no such output
	Announced string
	// Changes reads what is granted now.
	Changes func(context.Context) ([]notify.AccessChange, error)
}

// announce announces a change of access that could not be announced when it was
// deployed. It returns the state with what is announced, and how many messages it
// sent.
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
	if err != nil { // the change must be announced even if it cannot be listed
		r.Log.Error(logGrantedUnreadable, "error", err)
	}
	origin := r.Origin
	origin.Profile = report.Profile
	access := notify.Access{
		GrantedHash: d.Granted, Changes: changes, Late: true, Scope: report.NarrowedEntries, NarrowedTo: report.NarrowedTo,
	}
	id, err := r.Sender.Send(ctx, notify.AccessMessage(origin, notify.Altered, access, r.Now()))
	if err != nil {
		return state, 0, err
	}
	r.Log.Info(logAnnounced, "messageId", id, "grantedHash", d.Granted)
	state.Announced = d.Granted
	return state, 1, nil
}

// announceRestoreEnd announces once that the time for which restores were allowed has
// passed. It returns the state with that time, and how many messages it sent.
func (r *Run) announceRestoreEnd(
	ctx context.Context, state notify.State, report finding.Report,
) (notify.State, int, error) {
	if len(report.InProgress) > 0 { // an update may be changing the window
		return state, 0, nil
	}
	end := report.RestoreUntil
	if end.IsZero() || r.Now().Before(end) {
		state.RestoreEnded = ""
		return state, 0, nil
	}
	text := end.UTC().Format(time.RFC3339)
	if state.RestoreEnded == text {
		return state, 0, nil
	}
	origin := r.Origin
	origin.Profile = report.Profile
	id, err := r.Sender.Send(ctx, notify.RestoreEndedMessage(origin, end, r.Now()))
	if err != nil {
		return state, 0, fmt.Errorf("announce the end of the restore window: %w", err)
	}
	r.Log.Info(logRestoreEnded, "messageId", id, "restoreUntil", text)
	state.RestoreEnded = text
	return state, 1, nil
}

// CloudFormation is the part of the SDK's client that ReadDeployed needs.
type CloudFormation interface {
	stacks.Describer
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (
		*cloudformation.GetTemplateOutput, error)
}

// ReadDeployed reads the outputs of the parent stack. While the stack is being
// changed the result is empty: the deployment announces the change itself.
func ReadDeployed(ctx context.Context, client CloudFormation, parent installation.Parent) (Deployed, error) {
	stack, err := stacks.Describe(ctx, client, parent.ID)
	if err != nil {
		return Deployed{}, err
	}
	if stack == nil {
		return Deployed{}, errors.New("describe stack " + parent.ID + ": it does not exist")
	}
	if !stacks.IsStable(stack.StackStatus) {
		return Deployed{}, nil
	}
	outputs := stacks.Outputs(stack)
	return Deployed{
		Granted:   installation.Output(outputs, installation.GrantedOutput),
		Announced: installation.Output(outputs, installation.AnnouncedOutput),
		Changes: func(ctx context.Context) ([]notify.AccessChange, error) {
			return readGranted(ctx, client, parent.StackName(installation.Access))
		},
	}, nil
}

// readGranted lists the actions of every policy in the template of a stack.
func readGranted(ctx context.Context, client CloudFormation, stack string) ([]notify.AccessChange, error) {
	got, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("read template of stack %s: %w", stack, awserr.Concise(err))
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(got.TemplateBody)), &template); err != nil {
		return nil, fmt.Errorf("parse template of stack %s: %w", stack, err)
	}
	var out []notify.AccessChange
	for logicalID, resource := range template.Resources {
		if resource.Type != "AWS::IAM::ManagedPolicy" && resource.Type != "AWS::IAM::Role" {
			continue
		}
		var p policyProperties
		if err := json.Unmarshal(resource.Properties, &p); err != nil {
			return out, fmt.Errorf("parse resource %s in the template of stack %s: %w", logicalID, stack, err)
		}
		add := func(of, name string, document iampolicy.Document) {
			out = append(out, notify.AccessChange{
				What: notify.PolicyPart, Of: of, Name: name, Added: document.Actions(),
			})
		}
		if resource.Type == "AWS::IAM::ManagedPolicy" {
			add("managed policies", p.ManagedPolicyName, p.PolicyDocument)
		}
		for _, inline := range p.Policies {
			add(p.RoleName, inline.PolicyName, inline.PolicyDocument)
		}
	}
	notify.SortChanges(out)
	return out, nil
}

// policyProperties are the properties of roles and managed policies that grant
// actions.
type policyProperties struct {
	ManagedPolicyName string
	PolicyDocument    iampolicy.Document
	RoleName          string
	Policies          []struct {
		PolicyName     string
		PolicyDocument iampolicy.Document
	}
}
