package usage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// Report is which granted actions the roles of an installation did not use.
type Report struct {
	Stack  string    `json:"stack"`
	Choice string    `json:"choice"`
	Days   int       `json:"days"`
	Since  time.Time `json:"since"` // what was last used before is unused
	// StackDays is the age of the stack in days, if it is less than Days: then there was less time to use anything.
	StackDays *int     `json:"stackDays,omitempty"`
	Used      int      `json:"used"`
	Unused    int      `json:"unused"`
	NoData    int      `json:"noData"`
	Roles     []Role   `json:"roles"`
	Choices   []Choice `json:"choices"`
	Actions   []Action `json:"actions"`
	// Smaller is the choice without the unused parts; nil if there is none.
	Smaller *Smaller `json:"smaller,omitempty"`
}

// Role is a role of the report.
type Role struct {
	Role    string `json:"role"` // the vendor's name
	ARN     string `json:"arn"`
	Missing bool   `json:"missing,omitempty"`
	Error   string `json:"error,omitempty"` // why its data could not be read
}

// Choice is an asset, an operation or an option of the choice, with the actions that the roles would not have without
// it.
type Choice struct {
	Choice string `json:"choice"`
	Kind   string `json:"kind"` // asset, operation or option
	Used   int    `json:"used"`
	Unused int    `json:"unused"`
	NoData int    `json:"noData"`
	// IsUnused is true if some of these actions were not used and none is known to have been used.
	IsUnused bool `json:"isUnused"`
}

// Smaller is a choice without unused parts.
type Smaller struct {
	Choice  string   `json:"choice"`
	LeftOut []string `json:"leftOut"`
	Unused  int      `json:"unused"` // actions not used that the roles would no longer have
	NoData  int      `json:"noData"`
}

// Input is what Evaluate evaluates.
type Input struct {
	Stack       string
	Profile     schema.Profile
	Selection   policies.Selection
	Environment policies.Environment
	Set         policies.Set        // of the selection
	ARNs        map[string]string   // of the roles, by the vendor's name
	Data        map[string]RoleData // by the vendor's name
	Days        int                 // from 1 to TrackingDays
	Created     time.Time           // of the stack; zero if it is not known
	Now         time.Time
}

// Evaluate evaluates the data of the roles of a choice.
func Evaluate(in Input) (Report, error) {
	if in.Days < 1 || in.Days > TrackingDays {
		return Report{}, fmt.Errorf("evaluate use in %d days: want 1 to %d, the days that IAM keeps the data",
			in.Days, TrackingDays)
	}
	r := Report{
		Stack: in.Stack, Choice: choice.String(in.Selection), Days: in.Days,
		Since: in.Now.AddDate(0, 0, -in.Days).UTC(), Roles: []Role{}, Choices: []Choice{}, Actions: []Action{},
	}
	if age := int(in.Now.Sub(in.Created).Hours() / 24); !in.Created.IsZero() && age < in.Days {
		r.StackDays = &age
	}
	for _, role := range in.Set.Roles {
		data := in.Data[role.Entity]
		one := Role{Role: role.Entity, ARN: in.ARNs[role.Entity], Missing: data.Missing}
		if data.Err != nil {
			one.Error = data.Err.Error()
		}
		r.Roles = append(r.Roles, one)
	}
	for _, g := range granted(in.Set) {
		a := g.assess(in.Data[g.role], r.Since)
		a.GrantedFor = useNames(in.Profile, in.Selection, g.uses)
		r.Actions = append(r.Actions, a)
	}
	list := parts(in.Profile, in.Selection, in.Environment)
	for i := range r.Actions {
		a := &r.Actions[i]
		for _, p := range list {
			if !p.granted[a.key()] {
				a.DroppedBy = append(a.DroppedBy, p.name)
			}
		}
	}
	r.Used, r.Unused, r.NoData = r.count(nil)
	r.Choices = r.choices(list)
	r.Smaller = r.smaller(in)
	return r, nil
}

// count returns the numbers of actions by status; of those that are not in granted, unless it is nil.
func (r Report) count(granted map[[2]string]bool) (used, unused, noData int) {
	for _, a := range r.Actions {
		if granted != nil && granted[a.key()] {
			continue
		}
		switch a.Status {
		case Used:
			used++
		case Unused:
			unused++
		case NoData:
			noData++
		}
	}
	return used, unused, noData
}

// choices returns the parts that grant something of their own: the unused ones first, those with the most unused
// actions first.
func (r Report) choices(list []part) []Choice {
	out := []Choice{}
	for _, p := range list {
		c := Choice{Choice: p.name, Kind: p.kind}
		c.Used, c.Unused, c.NoData = r.count(p.granted)
		c.IsUnused = c.Unused > 0 && c.Used == 0
		if c.Used+c.Unused+c.NoData > 0 {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Choice) int {
		if a.IsUnused != b.IsUnused {
			return map[bool]int{true: -1, false: 1}[a.IsUnused]
		}
		return cmp.Compare(b.Unused, a.Unused)
	})
	return out
}

// smaller leaves out the unused parts one after the other, as long as no used action is lost: two parts may share an
// action that neither drops alone.
func (r Report) smaller(in Input) *Smaller {
	sel := explicit(in.Profile, in.Selection)
	var out *Smaller
	for _, c := range r.Choices {
		if !c.IsUnused {
			continue
		}
		rest, ok := part{kind: c.Kind, name: c.Choice}.leaveOut(sel)
		if !ok {
			continue
		}
		left, ok := grantedBy(rest, in.Environment)
		if !ok {
			continue
		}
		used, unused, noData := r.count(left)
		if used > 0 {
			continue
		}
		leftOut := []string{c.Choice}
		if out != nil {
			leftOut = append(slices.Clone(out.LeftOut), c.Choice)
		}
		sel = rest
		out = &Smaller{Choice: choice.String(sel), LeftOut: leftOut, Unused: unused, NoData: noData}
	}
	return out
}

// IsComplete reports whether the data of every role was read.
func (r Report) IsComplete() bool {
	return !slices.ContainsFunc(r.Roles, func(role Role) bool { return role.Missing || role.Error != "" })
}
