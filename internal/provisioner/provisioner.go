// Package provisioning is the core of the provisioner: it carries out the
// custom resource's Create, Update and Delete through the permission stacks.
//
// # The order of the stacks
//
// There are two: inventory (topic and rules) and access (roles and policies).
// Create and Update deploy inventory first and access last; Delete takes access
// away first. So whatever fails on the way, nobody got into the account through
// an installation that did not succeed, and nobody stays in through one that is
// being removed. What cannot fail harmlessly, the granting, comes when nothing
// else is left to fail. An Update that fails half-way answers FAILED, and
// CloudFormation's rollback of the parent then asks for the old properties,
// which brings both stacks back.
//
// # Ownership
//
// A permission stack carries its parent's StackId and the custom resource's
// logical id as tags. A stack of the same name without them is somebody
// else's: Create and Update refuse it before anything is written, and Delete
// leaves it alone and succeeds, because nothing of ours is there.
//
// # Whose events
//
// An event is carried out only while CloudFormation waits for its answer: see
// confirmEvent.
package provisioner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/awsapi/pause"
	"permstack/internal/cfn/customresource"
	"permstack/internal/cfn/stacks"
	"permstack/internal/installation"
	"permstack/internal/permissionstack"
	"permstack/internal/policies"
)

// Provisioner carries out events. Client is required.
type Provisioner struct {
	Client       CloudFormation
	StackRoleARN string // the role that CloudFormation assumes for the permission stacks
	// StackID is the parent stack: events of another are refused, and those of this
	// one carried out only while CloudFormation waits for them. "" is a template
	// from before that was asked: events are taken as they come.
	StackID   string
	Announcer Announcer // nil announces nothing

	// Replaced by tests; nil stands for policies.Synthesize and the real clock.
	Synthesize func(policies.Selection, policies.Environment) (policies.Set, error)
	Sleep      pause.Func
	Now        func() time.Time
}

// operation is the handling of one event.
type operation struct {
	*Provisioner
	event            cfn.Event
	parent           installation.Parent
	log              *slog.Logger
	created          []string // permission stacks that this operation created, or may have
	leftovers        []string // resources that CloudFormation could not delete and forgot
	earlierLeftovers []string // the same of earlier events, which may not have been told, or be gone by now
}

// Handle carries out one event; it is a customresource.Handle.
func (p *Provisioner) Handle(ctx context.Context, log *slog.Logger, event cfn.Event) (customresource.Result, error) {
	parent, err := installation.ParseParent(event.StackID)
	if err != nil {
		return customresource.Result{}, err
	}
	o := &operation{Provisioner: p, event: event, parent: parent, log: log}
	if err := o.confirmEvent(ctx); err != nil {
		return customresource.Result{}, err
	}
	switch event.RequestType {
	case cfn.RequestDelete: // its properties are not read: those of a failed Create may be wrong
		return customresource.Result{}, o.deleteAll(ctx)
	default:
		return o.deploy(ctx)
	}
}

// Secrets lists what must never be told of an event: its external ids.
func Secrets(event cfn.Event) []string {
	var out []string
	for _, properties := range []map[string]any{event.ResourceProperties, event.OldResourceProperties} {
		if s, ok := properties["ExternalId"].(string); ok {
			out = append(out, s, strings.TrimSpace(s))
		}
	}
	return out
}

// deploy is Create and Update: both bring the permission stacks to what the
// properties ask for, from whatever state they are in.
func (o *operation) deploy(ctx context.Context) (customresource.Result, error) {
	set, stacks, err := o.plan()
	if err != nil {
		return customresource.Result{}, err
	}
	granted, err := permissionstack.GrantedHash(set)
	if err != nil {
		return customresource.Result{}, err
	}
	// Everything that can be refused is refused before the first write.
	for _, part := range installation.Parts {
		if err := o.checkExisting(ctx, o.parent.StackName(part), set); err != nil {
			return customresource.Result{}, err
		}
	}
	standing, err := o.reconcileAll(ctx, stacks)
	if err != nil {
		if o.event.RequestType == cfn.RequestCreate {
			err = o.cleanUp(ctx, err)
		}
		return customresource.Result{}, o.withLeftovers(err)
	}
	data := responseData(set, granted, standing)
	data[installation.FingerprintsOutput] = permissionstack.Fingerprints(stacks)
	if len(o.leftovers)+len(o.earlierLeftovers) > 0 {
		data["LeftBehind"] = o.leftoversText()
	}
	data["AnnouncedHash"] = o.announce(ctx, set, granted)
	return customresource.Result{Data: data}, nil
}

// plan turns the event's properties into the stacks that they ask for.
func (o *operation) plan() (policies.Set, []permissionstack.Stack, error) {
	properties, set, err := o.synthesize(o.event.ResourceProperties)
	if err != nil {
		return policies.Set{}, nil, err
	}
	stacks, err := permissionstack.Stacks(set)
	if err != nil {
		return policies.Set{}, nil, err
	}
	if o.StackRoleARN == "" {
		return policies.Set{}, nil, errors.New("the function's environment variable STACK_ROLE_ARN is empty: it names the role that CloudFormation assumes for the permission stacks")
	}
	for _, s := range stacks {
		o.log.Info("planned", "permissionStack", o.parent.StackName(s.Part), "templateBytes", s.Template.Size(), "templateHash", s.Template.Hash())
	}
	o.log.Info("synthesized", "profile", set.Profile, "catalogVersion", set.CatalogVersion, "roles", len(set.Roles),
		"topics", len(set.Topics), "rules", len(set.Rules), "actions", set.Actions(), "tags", len(properties.Tags))
	return set, stacks, nil
}

// checkExisting refuses what an existing stack of the name makes impossible.
func (o *operation) checkExisting(ctx context.Context, name string, set policies.Set) error {
	stack, err := o.describe(ctx, name)
	if err != nil || stack == nil {
		return err
	}
	if err := o.checkOwner(stack); err != nil {
		return err
	}
	// IAM cannot move a role to another path, and the stack role's rights end at
	// the path: what lies under the old one could not even be deleted.
	for key, arn := range stacks.Outputs(stack) {
		_, path, isRole := strings.Cut(arn, ":role/")
		if !isRole {
			continue
		}
		role := path[strings.LastIndex(path, "/")+1:]
		// The stack role's rights end at the profile's names, too.
		if key == "RoleArn" && len(set.Roles) > 0 && !strings.HasPrefix(role, set.Roles[0].Entity+"-") {
			return fmt.Errorf("property Profile: role %s of stack %s is of another profile than %s, whose rights do not reach it: keep the profile, or launch another stack", role, name, set.Profile)
		}
		if path = "/" + path[:strings.LastIndex(path, "/")+1]; len(set.Roles) > 0 && path != set.Roles[0].Path {
			return fmt.Errorf("property Path: the roles of stack %s (%s) lie under %s and IAM cannot move them to %s: keep the path, or delete this installation and launch it anew", name, key, path, set.Roles[0].Path)
		}
	}
	return nil
}

// checkOwner refuses a stack that belongs to somebody else.
func (o *operation) checkOwner(stack *types.Stack) error {
	parent, resource := stacks.Tags(stack)[installation.ParentTag], stacks.Tags(stack)[installation.ResourceTag]
	if parent == o.parent.ID && resource == o.event.LogicalResourceID {
		return nil
	}
	whose := "somebody else (it has no tag " + installation.ParentTag + ")"
	if parent != "" {
		whose = fmt.Sprintf("resource %s of stack %s", resource, parent)
	}
	return &foreignError{fmt.Sprintf("stack %s exists already and belongs to %s: it is left untouched; delete or rename that one, or launch this stack under another name", aws.ToString(stack.StackName), whose)}
}

type foreignError struct{ text string }

func (e *foreignError) Error() string { return e.text }

// cleanUp removes what a failed Create made. CloudFormation sends a Delete
// afterwards, but a customer may have turned that off.
func (o *operation) cleanUp(ctx context.Context, cause error) error {
	for _, name := range slices.Backward(o.created) {
		if ctx.Err() != nil { // no time: the Delete that follows finds it
			return fmt.Errorf("%w; the stacks %s are still to be deleted", cause, strings.Join(o.created, ", "))
		}
		var foreign *foreignError // made by somebody else meanwhile
		if err := o.deleteStack(ctx, name); err != nil && !errors.As(err, &foreign) {
			return fmt.Errorf("%w; and what was made so far could not be removed: %w", cause, err)
		}
	}
	return fmt.Errorf("%w. Nothing of this installation was left behind: correct the cause and launch again", cause)
}

// deleteAll takes everything away, access first. It looks again until it finds
// nothing: a Create that still runs may have begun a stack meanwhile.
func (o *operation) deleteAll(ctx context.Context) error {
	removed := false
	for round := 1; ; round++ {
		found := 0
		var problems []error
		for _, part := range slices.Backward(installation.Parts) {
			name := o.parent.StackName(part)
			stack, err := o.describe(ctx, name)
			if err == nil && stack == nil {
				continue
			}
			var foreign *foreignError
			if err == nil {
				if err = o.checkOwner(stack); errors.As(err, &foreign) {
					o.log.Warn("left alone", "permissionStack", name, "why", foreign.text)
					continue
				}
				err = o.deleteStack(ctx, name)
			}
			found++
			if err != nil { // go on: the other stack may still be removed
				problems = append(problems, err)
			}
		}
		if len(problems) > 0 {
			return joinErrors(problems)
		}
		if found == 0 {
			if removed {
				o.announceRemoval(ctx)
			}
			return nil
		}
		removed = true
		if round == maxSteps {
			return errors.New("the permission stacks appear again and again: does something else create them?")
		}
	}
}

func (o *operation) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

func (o *operation) sleep(ctx context.Context, d time.Duration) error {
	if o.Sleep == nil {
		return pause.For(ctx, d)
	}
	return o.Sleep(ctx, d)
}
