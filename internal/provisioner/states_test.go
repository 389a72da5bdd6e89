package provisioner

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/customresource"
)

// TestStates sets the access stack to every status that CloudFormation has, and
// handles an update and a deletion.
func TestStates(t *testing.T) {
	const (
		update   = "UpdateStack " + access
		create   = "CreateStack " + access
		remove   = "DeleteStack " + access
		goOn     = "ContinueUpdateRollback " + access
		removeIn = "DeleteStack " + inventory
	)
	anew := []string{remove, create, update}
	gone := []string{remove, removeIn}
	// While the roles are stripped, or an operation on the access stack ends, the inventory stack is deleted.
	stripped := []string{update, removeIn, remove}
	later := []string{removeIn, remove}
	strippedLater := []string{removeIn, update, remove}
	table := map[types.StackStatus]struct {
		ends     types.StackStatus // what the state becomes by itself
		onUpdate []string          // nil: refused
		onDelete []string
	}{
		types.StackStatusCreateComplete:         {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusUpdateComplete:         {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusUpdateRollbackComplete: {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusUpdateFailed:           {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusImportComplete:         {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusImportRollbackComplete: {onUpdate: []string{update}, onDelete: stripped},
		types.StackStatusImportRollbackFailed:   {onUpdate: nil, onDelete: gone},
		types.StackStatusCreateFailed:           {onUpdate: anew, onDelete: gone},
		types.StackStatusRollbackComplete:       {onUpdate: anew, onDelete: gone},
		types.StackStatusRollbackFailed:         {onUpdate: anew, onDelete: gone},
		types.StackStatusDeleteFailed:           {onUpdate: anew, onDelete: gone},
		types.StackStatusReviewInProgress:       {onUpdate: anew, onDelete: gone},
		types.StackStatusUpdateRollbackFailed:   {onUpdate: []string{goOn, update}, onDelete: gone},

		types.StackStatusCreateInProgress: {
			ends:     types.StackStatusCreateComplete,
			onUpdate: []string{update},
			onDelete: gone,
		},
		types.StackStatusRollbackInProgress: {
			ends:     types.StackStatusRollbackComplete,
			onUpdate: anew,
			onDelete: later,
		},
		types.StackStatusDeleteInProgress: {
			ends:     types.StackStatusDeleteComplete,
			onUpdate: []string{create, update},
			onDelete: []string{removeIn},
		},
		types.StackStatusUpdateInProgress: {
			ends:     types.StackStatusUpdateComplete,
			onUpdate: []string{update},
			onDelete: strippedLater,
		},
		types.StackStatusUpdateCompleteCleanupInProgress: {
			ends:     types.StackStatusUpdateComplete,
			onUpdate: []string{update},
			onDelete: strippedLater,
		},
		types.StackStatusUpdateRollbackInProgress: {
			ends:     types.StackStatusUpdateRollbackFailed,
			onUpdate: []string{goOn, update},
			onDelete: later,
		},
		types.StackStatusUpdateRollbackCompleteCleanupInProgress: {
			ends:     types.StackStatusUpdateRollbackComplete,
			onUpdate: []string{update},
			onDelete: strippedLater,
		},
		types.StackStatusImportInProgress: {
			ends:     types.StackStatusImportComplete,
			onUpdate: []string{update},
			onDelete: strippedLater,
		},
		types.StackStatusImportRollbackInProgress: {
			ends:     types.StackStatusImportRollbackComplete,
			onUpdate: []string{update},
			onDelete: strippedLater,
		},
	}
	for _, status := range types.StackStatusCreateComplete.Values() {
		if _, known := table[status]; !known && status != types.StackStatusDeleteComplete {
			t.Errorf("the table lacks %s", status)
		}
	}
	for status, tc := range table {
		found := func(t *testing.T) *fake {
			f := launched(t)
			s := f.find(access)
			s.set(status)()
			if tc.ends != "" {
				s.steps = []func(){func() {}, s.set(tc.ends)}
			}
			return f
		}
		t.Run(string(status)+"/Update", func(t *testing.T) {
			f := found(t)
			_, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "ec2")))
			if tc.onUpdate == nil {
				says(t, err, access+" has status "+string(status))
			} else if err != nil {
				t.Fatal(err)
			}
			wrote(t, f, tc.onUpdate...)
		})
		t.Run(string(status)+"/Delete", func(t *testing.T) {
			f := found(t)
			if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
				t.Fatal(err)
			}
			wrote(t, f, tc.onDelete...)
			exists(t, f)
		})
	}
}

func TestUpdateFindsNothing(t *testing.T) { // deleted manually
	f := launched(t)
	f.find(access).set(types.StackStatusDeleteComplete)()
	if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties())); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "CreateStack "+access, "UpdateStack "+access)
}

func TestRollbackThatStaysBroken(t *testing.T) {
	f := launched(t)
	f.find(access).set(types.StackStatusUpdateRollbackFailed)()
	f.fails["ContinueUpdateRollback "+access] = "The role does not exist"
	_, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "s3")))
	says(t, err, access, "cannot complete an earlier rollback", "The role does not exist", "manually")
}

func TestRoleNotAssumableYet(t *testing.T) {
	f := newFake()
	f.unassumed = 5
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties())); err != nil {
		t.Fatal(err)
	}
	f = newFake()
	f.unassumed = 1000
	e, clock := event(cfn.RequestCreate, testProperties()), time.Unix(0, 0)
	p := &Provisioner{
		Client: waitingFor(e, f), StackRoleARN: stackRole, Synthesize: synthesize,
		Now: func() time.Time { return clock },
		Sleep: func(ctx context.Context, d time.Duration) error {
			clock = clock.Add(d)
			return f.sleep(ctx, d)
		},
	}
	_, err := p.Handle(t.Context(), discard, e)
	says(t, err, "is invalid or cannot be assumed", "for 1m0s", "does not trust cloudformation.amazonaws.com")
	exists(t, f)
}

// TestDeleteWhileCreateRuns runs a complete Delete at each tick of a Create.
// Whatever the moment, no stack remains and the Create does not report success.
func TestDeleteWhileCreateRuns(t *testing.T) {
	moments := 0
	for tick := 1; tick <= 6; tick++ {
		f := newFake()
		deleted := false
		var arm func(n int)
		arm = func(n int) {
			f.onTick = func() {
				if n > 1 {
					arm(n - 1)
					return
				}
				deleted = true
				if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
					t.Errorf("tick %d: Delete: %v", tick, err)
				}
			}
		}
		arm(tick)
		_, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
		if !deleted { // the Create has fewer ticks
			continue
		}
		moments++
		says(t, err, "deleted")
		exists(t, f)
	}
	if moments < 4 { // two ticks a stack
		t.Errorf("got only %d ticks in a Create", moments)
	}
}

// TestNoTime cancels the context in the middle of a wait.
func TestNoTime(t *testing.T) {
	for _, request := range []cfn.RequestType{cfn.RequestUpdate, cfn.RequestDelete} {
		t.Run(string(request), func(t *testing.T) {
			f := launched(t)
			f.forever = true
			ctx, cancel := context.WithCancel(t.Context())
			f.onTick = cancel
			_, err := handleWith(ctx, f, event(request, testProperties("Assets", "ec2")))
			says(t, err, access, "_IN_PROGRESS", "canceled")
		})
	}
	f := newFake()
	f.forever = true
	ctx, cancel := context.WithCancel(t.Context())
	f.onTick = cancel
	_, err := handleWith(ctx, f, event(cfn.RequestCreate, testProperties()))
	says(t, err, "not deleted yet")
	f.forever = false
	if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
		t.Fatal(err)
	}
	exists(t, f)
}

// TestPathCannotChange checks that an update cannot change the IAM path: the stack role has no rights over the former
// one.
func TestPathCannotChange(t *testing.T) {
	f := launched(t)
	for _, changed := range [][]string{{"Path", "/other/"}, {"ConnectionId", "new"}} {
		t.Run(fmt.Sprint(changed), func(t *testing.T) {
			_, err := handle(t, f, event(cfn.RequestUpdate, testProperties(changed...)))
			says(t, err, "properties Path and ConnectionId", "/permstack/us-east-1/main/", changed[1], "launch it again")
			wrote(t, f)
		})
	}
}

func TestRefusedBeforeAnyWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		event cfn.Event
		words string
	}{
		"properties": {
			event(cfn.RequestCreate, testProperties("Asset", "ec2", "SupportRole", "maybe")), "unknown property \"Asset\"",
		},
		"selection": {event(cfn.RequestCreate, testProperties("Assets", " , ")), "no asset"},
		"stack id":  {cfn.Event{RequestType: cfn.RequestCreate, StackID: "x"}, "not the ARN of a stack"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			_, err := handle(t, f, tc.event)
			says(t, err, tc.words)
			if len(f.writes) > 0 {
				t.Errorf("wrote %v", f.writes)
			}
		})
	}
	f := newFake()
	create := event(cfn.RequestCreate, testProperties())
	p := &Provisioner{Client: waitingFor(create, f), Synthesize: synthesize, Sleep: f.sleep}
	_, err := p.Handle(t.Context(), slog.New(slog.DiscardHandler), create)
	says(t, err, "STACK_ROLE_ARN")
}

// TestLargestAnswer checks that the largest response fits CloudFormation's 4,096
// bytes.
func TestLargestAnswer(t *testing.T) {
	f := newFake()
	e := event(cfn.RequestCreate, testProperties("Path", "/"+strings.Repeat("p", 510)+"/", "SupportRole", "true"))
	e.StackID = strings.Replace(parentID, "stack/parent/", "stack/"+strings.Repeat("n", 128)+"/", 1)
	e.LogicalResourceID = strings.Repeat("L", 255)
	got, err := handle(t, f, e)
	if err != nil {
		t.Fatal(err)
	}
	response := cfn.NewResponse(&e)
	response.Data, response.PhysicalResourceID, response.Status = got.Data, PhysicalID(e), cfn.StatusSuccess
	body, err := json.Marshal(response)
	if err != nil || len(body) > 4096-200 { // the names of this fake are shorter than they may be
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

var _ customresource.Handle = (&Provisioner{}).Handle
