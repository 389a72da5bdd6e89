package faultinjection

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
)

// Scenario is a sequence of events.
type Scenario struct {
	Name        string
	Description string // for the report

	startsInstalled bool                   // an installation exists at the start
	hasDriftCheck   bool                   // and a parent stack, an alert topic and the drift check's state
	conflictingRole func() (string, error) // the name of a role that exists already; nil: none
	events          func(*parent)
	deployedAtEnd   *choice // if no fault is injected; nil: nothing
	nextChoice      choice  // what the next event requests
}

// Scenarios are the scenarios of an installation.
var Scenarios = []Scenario{
	{
		Name: "create", Description: "a launch",
		events: func(p *parent) { p.launch(oldChoice) }, deployedAtEnd: &oldChoice, nextChoice: oldChoice,
	},
	{
		Name: "create that fails", Description: "a launch while a role of the same name exists",
		conflictingRole: func() (string, error) { return roleName(oldChoice, "IAMRole") },
		events:          func(p *parent) { p.launch(oldChoice) }, nextChoice: oldChoice,
	},
	{
		Name: "update", Description: "assets are removed and added, a role is added", startsInstalled: true,
		events: func(p *parent) { p.update(newChoice) }, deployedAtEnd: &newChoice, nextChoice: newChoice,
	},
	{
		Name:        "update that fails",
		Description: "the same update while a role of the same name exists; it rolls back", startsInstalled: true,
		conflictingRole: func() (string, error) { return roleName(newChoice, "SupportRole") },
		events:          func(p *parent) { p.update(newChoice) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name:        "update rolled back",
		Description: "the same update, then another resource of the parent fails; it rolls back", startsInstalled: true,
		events: func(p *parent) {
			if p.update(newChoice) {
				p.update(oldChoice)
			}
		}, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "update without changes", Description: "an update to the same choice", startsInstalled: true,
		events: func(p *parent) { p.update(oldChoice) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "delete", Description: "a deletion", startsInstalled: true,
		events: func(p *parent) { p.remove() }, nextChoice: oldChoice,
	},
	{
		Name:            "drift check",
		Description:     "the access is changed manually; the check detects it and sends a notification",
		startsInstalled: true, hasDriftCheck: true,
		events: func(p *parent) { p.runDriftChecks(false) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
	{
		Name: "drift revert", Description: "the same, and the check reverts it", startsInstalled: true, hasDriftCheck: true,
		events: func(p *parent) { p.runDriftChecks(true) }, deployedAtEnd: &oldChoice, nextChoice: newChoice,
	},
}

// roleName returns the name of a choice's role whose entity ends with the given
// text.
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
	return "", fmt.Errorf("choice %q has no role %s", c.name, entity)
}

// Outcome is the result of a scenario.
type Outcome string

const (
	Completed  Outcome = "completed"   // as without the fault
	RolledBack Outcome = "rolled back" // CloudFormation restored the earlier state
	Retried    Outcome = "retried"     // a person had to remove the cause and repeat the event
	LeftBehind Outcome = "left behind" // a person had to delete resources that CloudFormation could not delete
	Violated   Outcome = "violated"    // an invariant was violated
)

// Result is the result of one case.
type Result struct {
	Scenario string
	Faults   []Fault // one in the matrix, none in a baseline
	Injected int     // how many of them were injected
	Outcome  Outcome
	Problems []string
	Calls    []Point // of the scenario, in order
}

// baseline runs the scenario without a fault; each process runs it once.
func (s Scenario) baseline() (Result, error) {
	return baselines.get(s.Name, func() (Result, error) { return s.run() })
}

var baselines cache[Result]

// run runs a scenario with faults, then what must be possible afterwards. Of
// several faults the later ones may not be injected, because the first one can
// change the calls that follow.
func (s Scenario) run(faults ...Fault) (result Result, err error) {
	env, err := newEnvironment(faults...)
	if err != nil {
		return result, err
	}
	defer env.close()
	p := &parent{env: env, thirdParty: snapshot{}}
	outcome, conflict, err := s.execute(p)
	if err != nil {
		return result, err
	}
	result = Result{
		Scenario: s.Name,
		Faults:   faults,
		Injected: env.injector.injectedFaults(),
		Calls:    sortCalls(env.injector.calls),
		Outcome:  outcome,
	}

	if conflict != "" {
		if err := p.deleteConflictingRole(conflict); err != nil {
			return result, err
		}
	}
	p.redeliverEvents()
	p.converge(s)
	result.Problems = p.problems
	switch {
	case env.injector.err != nil:
		return result, env.injector.err
	case len(faults) > 0 && env.injector.injectedFaults() == 0:
		return result, fmt.Errorf("scenario %q is not reproducible: %s never happened", s.Name, faults[0].Point)
	}
	if len(p.problems) > 0 {
		result.Outcome = Violated
	}
	return result, nil
}

// execute runs the scenario's events. It returns the outcome and the conflicting
// role that still exists.
func (s Scenario) execute(p *parent) (outcome Outcome, conflict string, err error) {
	env := p.env
	if s.hasDriftCheck {
		if err := p.createParentStack(); err != nil {
			return "", "", err
		}
	}
	if s.startsInstalled && !p.launch(oldChoice) {
		return "", "", fmt.Errorf("scenario %q cannot start: %s", s.Name, strings.Join(p.problems, "; "))
	}
	if s.conflictingRole != nil {
		if conflict, err = s.conflictingRole(); err == nil {
			err = p.createConflictingRole(conflict)
		}
		if err != nil {
			return "", "", err
		}
	}
	if s.hasDriftCheck {
		p.tamper()
	}
	env.injector.arm(true)
	s.events(p)
	env.injector.repair()
	env.injector.arm(false)
	p.checkAtRest("at rest")
	p.cleanUpManually()
	return s.outcome(p), conflict, nil
}

func (s Scenario) outcome(p *parent) Outcome {
	switch {
	case p.leftBehind:
		return LeftBehind
	case p.retried:
		return Retried
	case s.deployedAtEnd == nil && p.state == nil,
		s.deployedAtEnd != nil && p.state != nil && s.deployedAtEnd.name == p.state.name:
		return Completed
	}
	return RolledBack
}

// convergedStates has the states at rest from which a scenario has converged.
var convergedStates sync.Map

// converge requests the next choice and then the deletion; both must succeed. It
// skips states from which another case of the scenario has converged.
func (p *parent) converge(s Scenario) {
	state, err := p.env.fingerprint(context.Background())
	if err != nil {
		p.problemf("%v", err)
		return
	}
	key := sha256.Sum256([]byte(s.Name + "\n" + state))
	if _, known := convergedStates.Load(key); known {
		return
	}
	before := len(p.problems)
	p.convergeOn(s.nextChoice)
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
