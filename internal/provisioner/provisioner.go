// Package provisioner implements Create, Update and Delete of the custom resource
// by reconciling the permission stacks of an installation.
//
// # The order of the stacks
//
// There are two permission stacks: inventory (topic and rules) and access (roles
// and policies). CloudFormation creates, updates and deletes them at the same time.
// The trust policies of roles are the exception. A new role is created so that
// nobody can assume it, and an existing one keeps its trust policy, until both
// stacks are complete and CloudFormation still waits for the event; one more update
// of the access stack then sets the trust policies. Delete makes the roles assumable
// by nobody before it deletes anything. Whatever fails in between, an installation
// that did not succeed lets nobody in, and one that is being deleted no longer does.
// An Update that fails half-way returns FAILED; CloudFormation's rollback of the
// parent then sends the old properties, which restores both stacks.
//
// # Ownership
//
// A permission stack carries its parent's StackId and the custom resource's
// logical id as tags. A stack of the same name without these tags has another
// owner: Create and Update return an error before any write, and Delete does not
// modify it and succeeds, because this installation has nothing to delete there.
//
// # Confirmed events
//
// An event is carried out only while CloudFormation waits for its response: see
// confirmEvent.
package provisioner

import (
	"cmp"
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

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/iamdelay"
	"permstack/internal/awsapi/livestate"
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
	// StackID is the parent stack. Events of another stack are rejected, and events
	// of this one are carried out only while CloudFormation waits for them. If it
	// is empty, as in templates of releases without this check, events are not
	// confirmed.
	StackID   string
	Announcer Announcer // nil announces nothing
	// Roles reads the roles that remain after a failed deletion, which needs its IAM
	// alone; nil reads none.
	Roles *livestate.Reader

	// Replaced by tests; nil means policies.Synthesize and the real clock.
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
	created          []string        // permission stacks that this operation created, or may have
	leftovers        []string        // resources that CloudFormation could not delete and abandoned
	earlierLeftovers []string        // leftovers of earlier events, possibly unreported or deleted since
	operations       map[string]int  // stack operations that CloudFormation accepted, by action and stack
	repeated         map[string]bool // and those of them that were repeated after a denial
	trustHeld        bool            // the access stack was deployed without its final trust policies
	externalID       string          // of the requested access stack; "" if it has none

	// notAssumableSince is when CloudFormation first could not assume the stack role.
	notAssumableSince time.Time
}

// Handle carries out one event. It is a customresource.Handle.
func (p *Provisioner) Handle(ctx context.Context, log *slog.Logger, event cfn.Event) (customresource.Result, error) {
	parent, err := installation.ParseParent(event.StackID)
	if err != nil {
		return customresource.Result{}, err
	}
	o := &operation{
		Provisioner: p, event: event, parent: parent, log: log,
		operations: map[string]int{}, repeated: map[string]bool{},
	}
	ctx = iamdelay.WithBudget(ctx, iamdelay.New(iamdelay.Limit, o.sleep, o.observeDenial(ctx)))
	if err := o.confirmEvent(ctx); err != nil {
		return customresource.Result{}, err
	}
	switch event.RequestType {
	case cfn.RequestDelete: // does not decode the properties: those of a failed Create may be invalid
		return customresource.Result{}, o.deleteAll(ctx)
	default:
		return o.deploy(ctx)
	}
}

// Secrets returns the values of an event that must never be logged or returned:
// its external ids.
func Secrets(event cfn.Event) []string {
	var out []string
	for _, given := range []map[string]any{event.ResourceProperties, event.OldResourceProperties} {
		if s, ok := given["ExternalId"].(string); ok && externalID(given) != "" {
			out = append(out, s, strings.TrimSpace(s))
		}
	}
	return out
}

// deploy implements Create and Update: both reconcile the permission stacks with
// the properties, whatever status the stacks have.
func (o *operation) deploy(ctx context.Context) (customresource.Result, error) {
	set, stacks, err := o.plan()
	if err != nil {
		return customresource.Result{}, err
	}
	granted, err := permissionstack.GrantedHash(set)
	if err != nil {
		return customresource.Result{}, err
	}
	// Everything that can be rejected is rejected before the first write.
	for _, part := range installation.Parts {
		if err := o.checkExisting(ctx, o.parent.StackName(part), set); err != nil {
			return customresource.Result{}, err
		}
	}
	boundary, err := o.checkBoundary(ctx, set, stacks)
	if err != nil {
		return customresource.Result{}, err
	}
	if err := o.deployTransition(ctx, set); err != nil {
		return customresource.Result{}, o.withLeftovers(err)
	}
	deployed, err := o.reconcileAll(ctx, stacks)
	if err != nil {
		if o.event.RequestType == cfn.RequestCreate {
			err = o.cleanUp(ctx, err)
		}
		return customresource.Result{}, o.withLeftovers(err)
	}
	data := responseData(set, granted, deployed)
	data[installation.FingerprintsOutput] = permissionstack.Fingerprints(stacks)
	if len(o.leftovers)+len(o.earlierLeftovers) > 0 {
		data["LeftBehind"] = o.leftoversText()
	}
	data[boundaryOutput] = cmp.Or(boundary, "nothing")
	data["AnnouncedHash"] = o.announce(ctx, set, granted)
	return customresource.Result{Data: data}, nil
}

// plan returns the permission set and the stacks that the event's properties
// select.
func (o *operation) plan() (policies.Set, []permissionstack.Stack, error) {
	if err := o.parent.CheckName(); err != nil {
		return policies.Set{}, nil, err
	}
	properties, set, err := o.synthesize(o.event.ResourceProperties)
	if err != nil {
		return policies.Set{}, nil, tooLong(err, properties, o.parent)
	}
	if err := o.checkRestoreWindow(properties); err != nil {
		return policies.Set{}, nil, err
	}
	if end := properties.RestoreUntil; !end.IsZero() {
		o.log.Info(logRestoreWindow, "until", policies.FormatRestoreUntil(end), "open", o.now().Before(end))
	}
	if err := o.checkScope(properties); err != nil {
		return policies.Set{}, nil, err
	}
	if !set.Scope.IsZero() {
		o.log.Info(logScope, "scope", set.Scope.Summary(), "notNarrowed", len(set.NotNarrowed))
	}
	stacks, err := permissionstack.Stacks(set)
	if err != nil {
		return policies.Set{}, nil, permissionstack.WithFittingAccounts(
			err, properties.Selection(), properties.Environment(o.parent))
	}
	if o.StackRoleARN == "" {
		return policies.Set{}, nil, errors.New("the function's environment variable STACK_ROLE_ARN is empty: " +
			"set it to the ARN of the role that CloudFormation assumes for the permission stacks")
	}
	for _, s := range stacks {
		o.externalID = cmp.Or(o.externalID, s.Template.ExternalID())
		o.log.Info(logPlanned, "permissionStack", o.parent.StackName(s.Part),
			"templateBytes", s.Template.Size(), "templateHash", s.Template.Hash())
	}
	if weakness := policies.ExternalIDWeakness(o.externalID); weakness != "" {
		o.log.Warn(logWeakExternalID, "reason", weakness)
	}
	o.log.Info(logSynthesized, "profile", set.Profile, "catalogVersion", set.CatalogVersion, "roles", len(set.Roles),
		"topics", len(set.Topics), "rules", len(set.Rules), "actions", set.Actions(), "tags", len(properties.Tags))
	return set, stacks, nil
}

// checkExisting returns an error if an existing stack of this name cannot be
// updated to the set: it has another owner, or its roles have another path or
// profile.
func (o *operation) checkExisting(ctx context.Context, name string, set policies.Set) error {
	stack, err := o.describe(ctx, name)
	if err != nil || stack == nil {
		return err
	}
	if err := o.checkOwner(stack); err != nil {
		return err
	}
	// IAM cannot move a role to another path, and the stack role's permissions are
	// limited to the path: roles under the old one could not even be deleted.
	for key, arn := range stacks.Outputs(stack) {
		_, path, isRole := strings.Cut(arn, ":role/")
		if !isRole {
			continue
		}
		role := path[strings.LastIndex(path, "/")+1:]
		// The stack role's permissions are limited to the profile's role names, too.
		if key == "RoleArn" && len(set.Roles) > 0 && !strings.HasPrefix(role, set.Roles[0].Entity+"-") {
			return fmt.Errorf("property Profile: role %s of stack %s belongs to another profile than %s, "+
				"and the stack role cannot manage both: keep the profile, or launch another stack", role, name, set.Profile)
		}
		if path = "/" + path[:strings.LastIndex(path, "/")+1]; len(set.Roles) > 0 && path != set.Roles[0].Path {
			return fmt.Errorf("properties Path and ConnectionId: the roles of stack %s (%s) have path %s and IAM cannot "+
				"move them to %s: keep the path and the connection id, or delete this installation and launch it again", name, key, path, set.Roles[0].Path)
		}
	}
	return nil
}

// checkOwner returns a foreignError if the stack does not belong to this
// installation.
func (o *operation) checkOwner(stack *types.Stack) error {
	parent, resource := stacks.Tags(stack)[installation.ParentTag], stacks.Tags(stack)[installation.ResourceTag]
	if parent == o.parent.ID && resource == o.event.LogicalResourceID {
		return nil
	}
	owner := "another owner (it has no tag " + installation.ParentTag + ")"
	if parent != "" {
		owner = fmt.Sprintf("resource %s of stack %s", resource, parent)
	}
	return &foreignError{fmt.Sprintf("stack %s exists already and belongs to %s: it was not modified. "+
		"Delete that stack, or launch this one under another name", aws.ToString(stack.StackName), owner)}
}

// foreignError reports a stack that does not belong to this installation.
type foreignError struct{ text string }

func (e *foreignError) Error() string { return e.text }

// cleanUp deletes the stacks that a failed Create created. CloudFormation sends a
// Delete afterwards, but not if the customer disabled rollback.
func (o *operation) cleanUp(ctx context.Context, cause error) error {
	if ctx.Err() != nil { // no time left: the Delete that follows finds them
		return fmt.Errorf("%w; the stacks %s are not deleted yet", cause, strings.Join(o.created, ", "))
	}
	var tasks []func(context.Context) error
	for _, name := range slices.Backward(o.created) {
		tasks = append(tasks, func(ctx context.Context) error {
			var foreign *foreignError // created by another principal meanwhile
			if err := o.deleteStack(ctx, name); !errors.As(err, &foreign) {
				return err
			}
			return nil
		})
	}
	if err := firstErrors(o.sideBySide(ctx, false, tasks...)); err != nil {
		return fmt.Errorf("%w; and the stacks created so far could not be deleted: %w", cause, err)
	}
	return fmt.Errorf("%w. Nothing of this installation was left behind: correct the cause, delete stack %s (%s), "+
		"and launch again", cause, o.parent.Name, strings.ReplaceAll(commandDeleteParent, "{parent}", o.parent.Name))
}

// deleteAll deletes the permission stacks. If it cannot, it returns which access
// remains.
func (o *operation) deleteAll(ctx context.Context) error {
	err := o.checkProtection(ctx)
	if err == nil {
		err = o.deleteStacks(ctx)
	}
	if err == nil {
		return nil
	}
	if text := o.remainingAccess(ctx); text != "" {
		return fmt.Errorf("%w. %s", err, text)
	}
	return err
}

// deleteStacks deletes the permission stacks at the same time, the access stack after
// its roles can be assumed by nobody. The inventory stack, which lets nobody in, does
// not wait for that. It repeats until none exists: a Create that is still running may
// create one meanwhile.
func (o *operation) deleteStacks(ctx context.Context) error {
	removed := false
	for round := 1; ; round++ {
		found := false
		var tasks []func(context.Context) error
		for _, part := range slices.Backward(installation.Parts) {
			tasks = append(tasks, func(ctx context.Context) error {
				if part == installation.Access && round == 1 {
					o.stripAllRoles(ctx)
				}
				exists, err := o.deleteOwned(ctx, o.parent.StackName(part))
				found = found || exists
				return err
			})
		}
		// One that fails does not stop the other, which can still be deleted.
		if err := firstErrors(o.sideBySide(ctx, false, tasks...)); err != nil {
			return err
		}
		if !found {
			if removed {
				o.announceRemoval(ctx)
			}
			return nil
		}
		removed = true
		if round == maxSteps {
			return errors.New(
				"the permission stacks reappear after each deletion. Check in CloudTrail which principal creates them",
			)
		}
	}
}

// deleteOwned deletes a permission stack unless it has another owner, and reports
// whether there was one to delete.
func (o *operation) deleteOwned(ctx context.Context, name string) (bool, error) {
	stack, err := o.describe(ctx, name)
	if err != nil || stack == nil {
		return false, err
	}
	var foreign *foreignError
	if err = o.checkOwner(stack); errors.As(err, &foreign) {
		o.log.Warn(logForeign, "permissionStack", name, "reason", foreign.text)
		return false, nil
	}
	return true, o.deleteStack(ctx, name)
}

// observeDenial returns what is done before a denied call is repeated.
func (o *operation) observeDenial(ctx context.Context) func(error, time.Duration) {
	return func(err error, wait time.Duration) {
		o.log.Info(logDenied, "reason", awserr.Message(err), "seconds", wait.Seconds())
		customresource.SetActivity(ctx, "waiting for a permission of the function: "+awserr.Message(err))
	}
}

func (o *operation) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

func (o *operation) sleep(ctx context.Context, d time.Duration) error {
	if t, ok := ctx.Value(turnKey{}).(*turn); ok {
		return t.sleep(ctx, d)
	}
	if o.Sleep == nil {
		return pause.For(ctx, d)
	}
	return o.Sleep(ctx, d)
}
