package driftlambda

import "testing"

func TestIsStackEvent(t *testing.T) {
	for payload, want := range map[string]bool{
		`{"source":"aws.cloudformation","detail":{}}`: true,
		`{"source":"aws.events"}`:                     false,
		`{}`:                                          false,
		`[]`:                                          false,
		``:                                            false,
	} {
		t.Run(payload, func(t *testing.T) {
			if got := isStackEvent([]byte(payload)); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}
