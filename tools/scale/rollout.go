package main

import (
	"bytes"
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A launch takes some minutes: about forty resources, two permission stacks one
// after the other, roles that IAM has to spread. The spread is a guess on the safe
// side, with a tail: permstack has not been launched on AWS yet.
const (
	launchMedian = 4 * time.Minute
	launchSpread = 0.35 // of the logarithm
	failing      = 0.01 // of the accounts, for reasons of their own
)

// rollOut simulates a stack set's operation over all accounts, Region by Region
// or all Regions at once.
func rollOut(b *bytes.Buffer, p place) {
	rows := [][]string{{"at a time", "Regions", "accounts worked on in a Region", "how long", "failures"}}
	for _, c := range []struct {
		name             string
		concurrent       float64
		tolerance        float64
		bound            int
		parallel, strict bool
	}{
		{"our defaults: 25 %, 10 % may fail", 0.25, 0.10, operationsPerRegion, false, true},
		{"the same", 0.25, 0.10, operationsPerRegion, true, true},
		{"careful: 5 %, 1 % may fail", 0.05, 0.01, operationsPerRegion, false, true},
		{"our defaults, should StackSets do no more than 100 at a time", 0.25, 0.10, 100, false, true},
	} {
		at := int(c.concurrent * float64(p.accounts))
		if c.strict { // StackSets' usual mode: never more at a time than may fail, and one
			at = min(at, int(c.tolerance*float64(p.accounts))+1)
		}
		at = min(at, c.bound)
		random := rand.New(rand.NewPCG(17, 10_000)) // #nosec G404 -- a simulation, the same every time
		took, failed := simulate(p, at, c.parallel, random)
		order := "one after the other"
		if c.parallel {
			order = "all at once"
		}
		rows = append(rows, []string{c.name, order, grouped(at), hours(took), grouped(failed)})
	}
	table(b, "A roll-out, simulated", rows...)
}

func hours(d time.Duration) string {
	if d > 48*time.Hour {
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
	if d > 90*time.Minute {
		return fmt.Sprintf("%.1f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f minutes", d.Minutes())
}

// simulate returns how long the operation takes and how many launches fail.
func simulate(p place, at int, parallel bool, r *rand.Rand) (time.Duration, int) {
	total, longest, failed := time.Duration(0), time.Duration(0), 0
	for range p.regions {
		var ends queue
		now := time.Duration(0)
		for range p.accounts {
			if len(ends) == at {
				now = heap.Pop(&ends).(time.Duration)
			}
			takes := time.Duration(float64(launchMedian) * math.Exp(launchSpread*r.NormFloat64()))
			if r.Float64() < failing {
				failed++
			}
			heap.Push(&ends, now+takes)
		}
		last := slices.Max(ends)
		total, longest = total+last, max(longest, last)
	}
	if parallel {
		return longest, failed
	}
	return total, failed
}

// queue is a heap of moments.
type queue []time.Duration

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(v any)        { *q = append(*q, v.(time.Duration)) }
func (q *queue) Pop() any {
	old := *q
	v := old[len(old)-1]
	*q = old[:len(old)-1]
	return v
}

// badDay is the day on which everyone drifts at once, say because somebody
// attached a policy everywhere: each stack's next check reports it once.
func badDay(b *bytes.Buffer, p place) {
	const checkSeconds = 20
	rows := [][]string{
		{
			"how the checks are spread",
			"messages",
			"to the hub, a second at most",
			"an e-mail subscription of the hub",
			"time to send at 300 a second",
		},
	}
	for _, c := range []struct {
		name string
		peak float64
	}{
		{"rate(1 day): as the roll-out was, over 14 hours", float64(p.stacks()) / (14 * 3600)},
		{"rate(1 hour), as the roll-out was", float64(p.stacks()) / 3600},
		{"cron: all in the same minute, each check takes about 20 s", float64(p.stacks()) / (60 + checkSeconds)},
	} {
		mail := "holds"
		if c.peak > emailsPerSecond {
			mail = "**is turned off by SNS** (10 a second)"
		}
		if c.peak > 0 && c.peak <= emailsPerSecond {
			mail = fmt.Sprintf("holds; nobody reads %s mails", grouped(p.stacks()))
		}
		rows = append(rows, []string{
			c.name,
			grouped(p.stacks()),
			fmt.Sprintf("%.0f", math.Ceil(c.peak)),
			mail,
			hours(time.Duration(float64(p.stacks())/publishesPerSecond) * time.Second),
		})
	}
	table(b, "A bad day: everyone drifts at once", rows...)
}
