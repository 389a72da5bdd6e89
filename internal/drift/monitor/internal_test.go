package monitor

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/fakeaws"
	"permstack/internal/notify"
	"permstack/internal/notify/finding"
)

// TestPrincipal checks that sessions of a role are one principal, and users of one path are not.
func TestPrincipal(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/check/session": "arn:aws:sts::123456789012:assumed-role/check",
		"arn:aws:iam::123456789012:user/team/one":              "arn:aws:iam::123456789012:user/team/one",
		"arn:aws:iam::123456789012:user/one":                   "arn:aws:iam::123456789012:user/one",
		"arn:aws:iam::123456789012:root":                       "arn:aws:iam::123456789012:root",
		"":                                                     "",
	} {
		t.Run(arn, func(t *testing.T) {
			if got := principal(arn); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestReceive checks that one run receives at most maxReceived events, and that a response that arrived at the first
// attempt is not lost.
func TestReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // SQS waits for messages
		client := sqs.NewFromConfig(fakeaws.New(fakeaws.Options{}).Config("123456789012", "eu-central-1"))
		queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("events")})
		if err != nil {
			t.Fatal(err)
		}
		inbox := Inbox{Client: client, QueueURL: *queue.QueueUrl}
		for i := range maxReceived + 5 {
			if err := inbox.send(t.Context(), []byte(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []int{maxReceived, 5} {
			got, lost, err := inbox.receive(t.Context())
			if err != nil || lost || len(got) != want {
				t.Errorf("got %d events, lost %v, error %v; want %d", len(got), lost, err, want)
			}
		}
	})
}

// TestWaitForHidden checks that a run waits for the events of a lost response only if the invocation then has the time
// for one more run.
func TestWaitForHidden(t *testing.T) {
	for _, tc := range []struct {
		name   string
		hidden time.Duration // from now; 0 if no response was lost
		left   time.Duration // until Lambda's deadline; 0 if there is none
		want   bool
		slept  time.Duration
	}{
		{"no lost response", 0, time.Hour, false, 0},
		{"no deadline", 50 * time.Second, 0, true, 50 * time.Second},
		{"enough time", 50 * time.Second, 50*time.Second + shortestRun, true, 50 * time.Second},
		{"too little time", 50 * time.Second, 50*time.Second + shortestRun - 1, false, 0},
		{"visible again", -time.Second, time.Hour, true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := time.Now() // contexts use the real clock
			ctx := t.Context()
			if tc.left > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, now.Add(tc.left))
				defer cancel()
			}
			slept := time.Duration(-1)
			r := &Run{Now: func() time.Time { return now }, Sleep: func(_ context.Context, d time.Duration) error {
				slept = d
				return nil
			}}
			if tc.hidden != 0 {
				r.hiddenUntil = now.Add(tc.hidden)
			}
			if got := r.waitForHidden(ctx); got != tc.want || got && slept != tc.slept || !got && slept >= 0 {
				t.Errorf("got %v after %s, want %v after %s", got, slept, tc.want, tc.slept)
			}
			if again := r.waitForHidden(ctx); tc.want && again {
				t.Error("it waited for the same response twice")
			}
		})
	}
}

// TestUseHub checks that only the choice of the Organization's topic sets it, and only where it may change.
func TestUseHub(t *testing.T) {
	hubAt := func(topicARN string) *notify.Sender { return &notify.Sender{TopicARN: topicARN} }
	for _, tc := range []struct {
		name    string
		hubAt   func(string) *notify.Sender
		choices []finding.Choice
		want    string
	}{
		{"new topic", hubAt, []finding.Choice{{Name: finding.HubChoice, Value: "new"}}, "new"},
		{"same topic", hubAt, []finding.Choice{{Name: finding.HubChoice, Value: "old"}}, "old"},
		{"another choice", hubAt, []finding.Choice{{Name: "Assets", Value: "ec2"}}, "old"},
		{"fixed", nil, []finding.Choice{{Name: finding.HubChoice, Value: "new"}}, "old"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &Run{Hub: &notify.Sender{TopicARN: "old"}, HubAt: tc.hubAt}
			r.useHub(tc.choices)
			if got := r.hubTopic(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestOtherWriter checks that a state is another principal's only if the history has the writers of both versions.
func TestOtherWriter(t *testing.T) {
	write := func(version int64, user string) types.ParameterHistory {
		return types.ParameterHistory{Version: version, LastModifiedUser: &user}
	}
	for _, tc := range []struct {
		name    string
		history []types.ParameterHistory
		want    string
	}{
		{"same", []types.ParameterHistory{write(1, "x"), write(2, "a"), write(3, "a")}, ""},
		{"another", []types.ParameterHistory{write(1, "x"), write(2, "a"), write(3, "b")}, "a"},
		{"own write is not listed yet", []types.ParameterHistory{write(1, "x"), write(2, "a")}, ""},
		{"read version is not listed any more", []types.ParameterHistory{write(3, "b")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &Store{Client: &racedSSM{history: [][]types.ParameterHistory{tc.history}}, Parameter: "state"}
			if got, err := s.otherWriter(t.Context(), 2, 3); err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
