package faultinjection

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
)

// Scenario is a row of events.
type Scenario struct {
	Name string
	// Tells what happens, for the report.
	Description string

	startsInstalled bool                   // it begins with a launched installation
	hasDriftCheck   bool                   // and with a parent stack, an alert topic and a state
	conflictingRole func() (string, error) // a role that is in the way; nil: none
	events          func(*parent)
	deployedAtEnd   *choice // what is deployed in the end where nothing breaks; nil: nothing
	nextChoice      choice  // what the next event asks for
}

// Scenarios lists the lives of an installation.
var Scenarios = []Scenario{
	{
		Name: "create", Description: "a launch",
		events: func(p *parent) { p.launch(oldChoice) }, deployedAtEnd: &oldChoice, nextChoice: oldChoice,
	},
	{
		Name: "create that fails", Description: "a launch where a role of the same name is in the way",
		conflictingRole: func() (string, error) { return roleName(oldChoice, "IAMRole") },
		events:          func(p *parent) { p.launch(oldChoice) }, nextChoice: oldChoice,
	},
	{
		Name: "update", Description: "assets dropped and added, a role more", startsInstalled: true,
		events: func(p *parent) { p.update(newChoice) }, deployedAtEnd: &newChoice, nextChoice: newChoice,
	},
	{
		Name: "update that fails", Description: "the same where a role is in the way; it rolls back", startsInstalled: true,
		conflictingRole: func() (string, error) { return roleName(newChoice, "SupportRole") },
		events:          func(p *parent) { p.update(newChoice) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "update taken back", Description: "the same, then another resource of the parent fails: it rolls back", startsInstalled: true,
		events: func(p *parent) {
			if p.update(newChoice) {
				p.update(oldChoice)
			}
		}, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "update of nothing", Description: "the same choice again", startsInstalled: true,
		events: func(p *parent) { p.update(oldChoice) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "delete", Description: "a deletion", startsInstalled: true,
		events: func(p *parent) { p.remove() }, nextChoice: oldChoice,
	},
	{
		Name: "drift check", Description: "somebody changes the access by hand; the check finds it and tells it", startsInstalled: true, hasDriftCheck: true,
		events: func(p *parent) { p.runDriftChecks(false) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "drift revert", Description: "the same, and it is put right", startsInstalled: true, hasDriftCheck: true,
		events: func(p *parent) { p.runDriftChecks(true) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
}

// roleName names a role of a choice by the end of its entity.
func roleName(c choice, entity string) (string, error) {
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
	Completed  Outcome = "went through" // as without the fault
	RolledBack Outcome = "rolled back"  // CloudFormation brought back what was
	Retried    Outcome = "asked again"  // a person had to mend the cause and ask again
	LeftBehind Outcome = "left behind"  // a person had to delete by hand what CloudFormation could not
	Violated   Outcome = "broken"       // something that must hold did not
)

// Result is one case.
type Result struct {
	Scenario string
	Faults   []Fault // in the matrix one, or none
	Injected int     // of them that were met
	Outcome  Outcome
	Problems []string
	Calls    []Point // of the life, in order
}

// baseline is the life without a fault, lived once in a program.
func (l Scenario) baseline() (Result, error) {
	return baselines.get(l.Name, func() (Result, error) { return l.run() })
}

var baselines cache[Result]

// run lives through a life with faults, and through what must be possible
// afterwards. Of several faults the later ones need not be met: the first may keep
// the life from getting there.
func (l Scenario) run(faults ...Fault) (result Result, err error) {
	env, err := newEnvironment(faults...)
	if err != nil {
		return result, err
	}
	defer env.close()
	p := &parent{env: env, thirdParty: snapshot{}}
	outcome, taken, err := l.execute(p)
	if err != nil {
		return result, err
	}
	result = Result{
		Scenario: l.Name,
		Faults:   faults,
		Injected: env.injector.injectedFaults(),
		Calls:    sortCalls(env.injector.calls),
		Outcome:  outcome,
	}

	if taken != "" {
		if err := p.deleteConflictingRole(taken); err != nil {
			return result, err
		}
	}
	p.redeliverEvents()
	p.converge(l)
	result.Problems = p.problems
	switch {
	case env.injector.err != nil:
		return result, env.injector.err
	case len(faults) > 0 && env.injector.injectedFaults() == 0:
		return result, fmt.Errorf("life %q does not repeat: %s never happened", l.Name, faults[0].Point)
	}
	if len(p.problems) > 0 {
		result.Outcome = Violated
	}
	return result, nil
}

// execute lives through a life. It says what it came to and which role is still
// in the way.
func (l Scenario) execute(p *parent) (outcome Outcome, taken string, err error) {
	env := p.env
	if l.hasDriftCheck {
		if err := p.createParentStack(); err != nil {
			return "", "", err
		}
	}
	if l.startsInstalled && !p.launch(oldChoice) {
		return "", "", fmt.Errorf("life %q does not begin: %s", l.Name, strings.Join(p.problems, "; "))
	}
	if l.conflictingRole != nil {
		if taken, err = l.conflictingRole(); err == nil {
			err = p.createConflictingRole(taken)
		}
		if err != nil {
			return "", "", err
		}
	}
	if l.hasDriftCheck {
		p.tamper()
	}
	env.injector.arm(true)
	l.events(p)
	env.injector.repair()
	env.injector.arm(false)
	p.checkAtRest("at rest")
	p.cleanUpManually()
	return l.outcome(p), taken, nil
}

func (l Scenario) outcome(p *parent) Outcome {
	switch {
	case p.leftBehind:
		return LeftBehind
	case p.retried:
		return Retried
	case l.deployedAtEnd == nil && p.state == nil,
		l.deployedAtEnd != nil && p.state != nil && l.deployedAtEnd.name == p.state.name:
		return Completed
	}
	return RolledBack
}

// convergedStates remembers from which states of rest a life has converged.
var convergedStates sync.Map

// reconcileAll asks for what is wanted, and then for the deletion: both must succeed.
// From a state of rest in which another case of the life was, that is known.
func (p *parent) converge(l Scenario) {
	state, err := p.env.fingerprint(context.Background())
	if err != nil {
		p.problemf("%v", err)
		return
	}
	key := sha256.Sum256([]byte(l.Name + "\n" + state))
	if _, known := convergedStates.Load(key); known {
		return
	}
	before := len(p.problems)
	p.convergeOn(l.nextChoice)
	if len(p.problems) == before {
		convergedStates.Store(key, true)
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
		p.problemf("the next event, for %q, fails", c.name)
	}
	p.checkAtRest("after the next event")
	if p.state != nil {
		p.remove()
		p.checkAtRest("after the deletion")
	}
}
