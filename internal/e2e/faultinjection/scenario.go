package faultinjection

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
)

// Life is a row of events.
type Life struct {
	Name string
	// Tells what happens, for the report.
	About string

	launched bool                   // it begins with a launched installation
	watched  bool                   // and with a parent stack, an alert topic and a state
	occupied func() (string, error) // a role that is in the way; nil: none
	live     func(*parent)
	wants    *choice // what is deployed in the end where nothing breaks; nil: nothing
	target   choice  // what the next event asks for
}

// Lives lists the lives of an installation.
var Lives = []Life{
	{
		Name: "create", About: "a launch",
		live: func(p *parent) { p.launch(before) }, wants: &before, target: before,
	},
	{
		Name: "create that fails", About: "a launch where a role of the same name is in the way",
		occupied: func() (string, error) { return roleOf(before, "IAMRole") },
		live:     func(p *parent) { p.launch(before) }, target: before,
	},
	{
		Name: "update", About: "assets dropped and added, a role more", launched: true,
		live: func(p *parent) { p.update(after) }, wants: &after, target: after,
	},
	{
		Name: "update that fails", About: "the same where a role is in the way; it rolls back", launched: true,
		occupied: func() (string, error) { return roleOf(after, "SupportRole") },
		live:     func(p *parent) { p.update(after) }, wants: &before, target: after,
	},
	{
		Name: "update taken back", About: "the same, then another resource of the parent fails: it rolls back", launched: true,
		live: func(p *parent) {
			if p.update(after) {
				p.update(before)
			}
		}, wants: &before, target: after,
	},
	{
		Name: "update of nothing", About: "the same choice again", launched: true,
		live: func(p *parent) { p.update(before) }, wants: &before, target: after,
	},
	{
		Name: "delete", About: "a deletion", launched: true,
		live: func(p *parent) { p.remove() }, target: before,
	},
	{
		Name: "drift check", About: "somebody changes the access by hand; the check finds it and tells it", launched: true, watched: true,
		live: func(p *parent) { p.look(false) }, wants: &before, target: after,
	},
	{
		Name: "drift revert", About: "the same, and it is put right", launched: true, watched: true,
		live: func(p *parent) { p.look(true) }, wants: &before, target: after,
	},
}

// roleOf names a role of a choice by the end of its entity.
func roleOf(c choice, entity string) (string, error) {
	set, err := c.set()
	if err != nil {
		return "", err
	}
	for _, r := range set.Roles {
		if strings.HasSuffix(r.Entity, entity) {
			return r.Name, nil
		}
	}
	return "", fmt.Errorf("the choice %q has no role %s", c.name, entity)
}

// Outcome is what a life came to.
type Outcome string

const (
	Went   Outcome = "went through" // as without the fault
	Back   Outcome = "rolled back"  // CloudFormation brought back what was
	Mended Outcome = "asked again"  // a person had to mend the cause and ask again
	Left   Outcome = "left behind"  // a person had to delete by hand what CloudFormation could not
	Broken Outcome = "broken"       // something that must hold did not
)

// Result is one case.
type Result struct {
	Life     string
	Faults   []Fault // in the matrix one, or none
	Struck   int     // of them that were met
	Outcome  Outcome
	Problems []string
	Calls    []Point // of the life, in order
}

// whole is the life without a fault, lived once in a program.
func (l Life) whole() (Result, error) {
	return wholes.get(l.Name, func() (Result, error) { return l.lived() })
}

var wholes memo[Result]

// lived lives through a life with faults, and through what must be possible
// afterwards. Of several faults the later ones need not be met: the first may keep
// the life from getting there.
func (l Life) lived(faults ...Fault) (result Result, err error) {
	w, err := newWorld(faults...)
	if err != nil {
		return result, err
	}
	defer w.close()
	p := &parent{w: w, others: holdings{}}
	outcome, taken, err := l.through(p)
	if err != nil {
		return result, err
	}
	result = Result{Life: l.Name, Faults: faults, Struck: w.tape.struck(), Calls: ordered(w.tape.calls), Outcome: outcome}

	if taken != "" {
		if err := p.vacate(taken); err != nil {
			return result, err
		}
	}
	p.redeliverEvents()
	p.converge(l)
	result.Problems = p.problems
	switch {
	case w.tape.err != nil:
		return result, w.tape.err
	case len(faults) > 0 && w.tape.struck() == 0:
		return result, fmt.Errorf("life %q does not repeat: %s never happened", l.Name, faults[0].Point)
	}
	if len(p.problems) > 0 {
		result.Outcome = Broken
	}
	return result, nil
}

// through lives through a life. It says what it came to and which role is still
// in the way.
func (l Life) through(p *parent) (outcome Outcome, taken string, err error) {
	w := p.w
	if l.watched {
		if err := p.stand(); err != nil {
			return "", "", err
		}
	}
	if l.launched && !p.launch(before) {
		return "", "", fmt.Errorf("life %q does not begin: %s", l.Name, strings.Join(p.problems, "; "))
	}
	if l.occupied != nil {
		if taken, err = l.occupied(); err == nil {
			err = p.createConflictingRole(taken)
		}
		if err != nil {
			return "", "", err
		}
	}
	if l.watched {
		p.tamper()
	}
	w.tape.arm(true)
	l.live(p)
	w.tape.mend()
	w.tape.arm(false)
	p.rest("at rest")
	p.tidy()
	return l.outcome(p), taken, nil
}

func (l Life) outcome(p *parent) Outcome {
	switch {
	case p.left:
		return Left
	case p.mended:
		return Mended
	case l.wants == nil && p.state == nil, l.wants != nil && p.state != nil && l.wants.name == p.state.name:
		return Went
	}
	return Back
}

// converged remembers from which states of rest a life has converged.
var converged sync.Map

// converge asks for what is wanted, and then for the deletion: both must succeed.
// From a state of rest in which another case of the life was, that is known.
func (p *parent) converge(l Life) {
	state, err := p.w.digest(context.Background())
	if err != nil {
		p.broke("%v", err)
		return
	}
	key := sha256.Sum256([]byte(l.Name + "\n" + state))
	if _, known := converged.Load(key); known {
		return
	}
	before := len(p.problems)
	p.convergeOn(l.target)
	if len(p.problems) == before {
		converged.Store(key, true)
	}
}

func (p *parent) convergeOn(c choice) {
	ok := false
	if p.state == nil {
		ok = p.launch(c)
	} else {
		ok = p.update(c)
	}
	if !ok {
		p.broke("the next event, for %q, fails", c.name)
	}
	p.rest("after the next event")
	if p.state != nil {
		p.remove()
		p.rest("after the deletion")
	}
}
