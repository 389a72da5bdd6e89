package provisioner

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/customresource"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

// recordingAnnouncer records announcements.
type recordingAnnouncer struct {
	announcements []Announcement
	err           error
}

func (h *recordingAnnouncer) Announce(_ context.Context, a Announcement) error {
	h.announcements = append(h.announcements, a)
	return h.err
}

func announcing(t *testing.T, f *fake, e cfn.Event, a Announcer) (customresource.Result, error) {
	t.Helper()
	p := &Provisioner{
		Client:       waitingFor(e, f),
		StackRoleARN: stackRole,
		Synthesize:   synthesize,
		Sleep:        f.sleep,
		Announcer:    a,
	}
	return p.Handle(t.Context(), slog.New(slog.DiscardHandler), e)
}

// TestAnnouncements checks that a change is announced once it is deployed, and that
// a failed announcement does not fail the event but is visible in the response.
func TestAnnouncements(t *testing.T) {
	f, h := newFake(), &recordingAnnouncer{}
	send := func(e cfn.Event) map[string]any {
		t.Helper()
		got, err := announcing(t, f, e, h)
		if err != nil {
			t.Fatal(err)
		}
		return got.Data
	}
	update := func(old, now map[string]any) cfn.Event {
		e := event(cfn.RequestUpdate, now)
		e.OldResourceProperties = old
		return e
	}
	plain, support := testProperties(), testProperties("SupportRole", "true")

	data := send(event(cfn.RequestCreate, plain))
	if len(h.announcements) != 1 || h.announcements[0].Before != nil || h.announcements[0].After == nil ||
		h.announcements[0].GrantedHash != data["GrantedHash"] ||
		data["AnnouncedHash"] != data["GrantedHash"] {
		t.Fatalf("after the launch: %+v, %v", h.announcements, data)
	}
	data = send(update(plain, support))
	if len(h.announcements) != 2 || h.announcements[1].Before == nil ||
		len(h.announcements[1].Before.Roles) == len(h.announcements[1].After.Roles) ||
		data["AnnouncedHash"] != data["GrantedHash"] {
		t.Fatalf("after an update: %+v, %v", h.announcements, data)
	}
	data = send(update(support, testProperties("SupportRole", "true", "Tags", "team=storage")))
	if len(h.announcements) != 2 || data["AnnouncedHash"] != data["GrantedHash"] {
		t.Errorf("after an update of tags: got %d announcements, %v", len(h.announcements), data)
	}
	h.err = errors.New("not now")
	data = send(update(support, plain))
	if len(h.announcements) != 3 || data["AnnouncedHash"] != "" || data["GrantedHash"] == "" {
		t.Errorf("after a failed announcement: got %d announcements, %v", len(h.announcements), data)
	}
	h.err = nil
	data = send(update(testProperties("Assets", ""), plain))
	if len(h.announcements) != 3 || data["AnnouncedHash"] != "" {
		t.Errorf("earlier access unknown: got %d announcements, %v", len(h.announcements), data)
	}
	send(event(cfn.RequestDelete, plain))
	if len(h.announcements) != 4 || h.announcements[3].Event != cfn.RequestDelete || h.announcements[3].After != nil ||
		h.announcements[3].Before == nil {
		t.Errorf("after the deletion: %+v", h.announcements)
	}
	send(event(cfn.RequestDelete, plain)) // nothing is there any more
	if len(h.announcements) != 4 {
		t.Errorf("got %d announcements of the deletion, want 1", len(h.announcements)-3)
	}
}

// TestNothingToAnnounce checks that a failed launch, which granted nothing,
// announces nothing.
func TestNothingToAnnounce(t *testing.T) {
	f, h := newFake(), &recordingAnnouncer{}
	f.fails["CreateStack "+access] = "no"
	if _, err := announcing(t, f, event(cfn.RequestCreate, testProperties()), h); err == nil {
		t.Fatal("no error")
	}
	if _, err := announcing(t, f, event(cfn.RequestDelete, testProperties()), h); err != nil {
		t.Fatal(err)
	}
	if len(h.announcements) != 0 {
		t.Errorf("got announcements %+v, want none", h.announcements)
	}
}

// TestRemovalNotAnnounced checks that the announcement of a deletion that fails is
// logged and does not fail the event, and that no other deletion has this message.
func TestRemovalNotAnnounced(t *testing.T) {
	for name, failure := range map[string]error{"announced": nil, "fails": errors.New("not now")} {
		t.Run(name, func(t *testing.T) {
			f, h := launched(t), &recordingAnnouncer{err: failure}
			e := event(cfn.RequestDelete, testProperties())
			p := &Provisioner{
				Client: waitingFor(e, f), StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep, Announcer: h,
			}
			var log bytes.Buffer
			if _, err := p.Handle(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), e); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log.String(), logNotAnnouncedRemoval); got != (failure != nil) {
				t.Errorf("logged %q: %v, log:\n%s", logNotAnnouncedRemoval, got, log.String())
			}
		})
	}
}

// TestResponseOfOnePart checks the attributes of an installation that has one of the
// permission stacks only.
func TestResponseOfOnePart(t *testing.T) {
	f := launched(t)
	for part, name := range map[installation.Part]string{installation.Access: access, installation.Inventory: inventory} {
		t.Run(name, func(t *testing.T) {
			stack := &f.find(name).Stack
			data := responseData(policies.Set{}, "", map[installation.Part]*types.Stack{part: stack})
			if data[stackIDKey[part]] != *stack.StackId || data["PermissionStackIds"] != *stack.StackId {
				t.Errorf("got data %v, want the stack %s", data, *stack.StackId)
			}
		})
	}
}
