package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestDocument checks that docs/scale.md has the numbers that this command prints.
func TestDocument(t *testing.T) {
	data, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replace(data, numbers())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%s is stale: go run ./tools/scale -write", document)
	}
}

// TestSimulation checks the simulation against an estimate: never faster than with all launches in parallel, and within
// a third of rounds of the median.
func TestSimulation(t *testing.T) {
	p := place{accounts: 10_000, regions: 2}
	for _, at := range []int{1, 100, 1_001, 10_000} {
		t.Run(fmt.Sprint(at, " at a time"), func(t *testing.T) {
			took, _ := simulate(p, at, false, rand.New(rand.NewPCG(1, 2)))
			rounds := time.Duration(p.accounts/at*p.regions) * launchMedian
			if took < rounds || took > rounds*4/3+2*4*launchMedian {
				t.Errorf("%d at a time: %v, want about %v", at, took, rounds)
			}
		})
	}
	if n := stackSets(place{accounts: 10_000, regions: 17}); n != 2 {
		t.Errorf("%d stack sets", n)
	}
}
