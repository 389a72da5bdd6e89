package faultinjection

import (
	"testing"
	"time"
)

// TestIAMDelay checks that an installation is created, updated and deleted although
// IAM propagates the permissions of the function's role and of the stack role late.
func TestIAMDelay(t *testing.T) {
	for _, delay := range []time.Duration{time.Second, 14 * time.Second, 50 * time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			env, err := newEnvironment()
			if err != nil {
				t.Fatal(err)
			}
			defer env.close()
			env.cloud.SetIAMDelay(delay)
			p := &parent{env: env, thirdParty: snapshot{}}
			launched := p.launch(oldChoice)
			if late := delay > denialPause; launched == late {
				t.Errorf("launched: got %v, want %v: %q %s", launched, !late, p.problems, p.reported)
			}
			if !launched { // by the repetition of the launch, every permission has arrived
				p.checkAtRest("after the failed launch")
				launched = p.launch(oldChoice)
			}
			if !launched || !p.update(newChoice) {
				t.Fatalf("got problems %q", p.problems)
			}
			p.remove()
			p.checkAtRest("after the deletion")
			if len(p.problems) > 0 {
				t.Errorf("got problems %q", p.problems)
			}
		})
	}
}

// denialPause is how long the provisioner waits before it repeats a stack
// operation that the stack role was denied.
const denialPause = 15 * time.Second
