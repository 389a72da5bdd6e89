package denial

import (
	"fmt"
	"slices"
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/narrowings"
	"permstack/internal/policies/schema"
	"permstack/internal/policies/scope"
)

// Diagnose returns why the request of a message was refused. The message must have an action; see Outside for the
// messages of other principals than a backup service's roles.
func Diagnose(in Input) (Diagnosis, error) {
	e := newEvaluator(in)
	d := Diagnosis{
		Message: in.Message, Profile: in.Profile.Name, Choice: choice.String(in.Selection), Role: in.Role.Entity,
		Promise: NoFlow,
	}
	if in.Assumed {
		d.Notes = append(d.Notes, "The choice is not known: it is taken to be everything that the profile can grant. "+
			"Add --assets and --operations, or --stack.")
	}
	if in.Message.Inferred {
		d.Notes = append(d.Notes, "The message does not name the action; "+in.Message.Action+
			" was derived from the operation.")
	}
	if len(in.Message.Statements) > 0 {
		d.Notes = append(d.Notes, "The message names the statement that refused it: "+
			strings.Join(in.Message.Statements, ", ")+".")
	}
	if in.Live != nil {
		d.Notes = append(d.Notes, in.Live.Errors...)
	}
	requests := e.promised()
	d.Flows = flowNames(requests)
	if len(d.Flows) > 0 {
		d.Promise = Affected
	}
	if broken := fails(requests); len(broken) > 0 {
		e.defect(&d, broken)
		return d, nil
	}
	allow := e.statements(in.Set, "Allow")
	if e.otherPolicy(&d, allow) {
		return d, nil
	}
	return d, e.identity(&d, allow, e.coversFlow(requests))
}

// defect is for a promised flow that the policies of the choice refuse.
func (e evaluator) defect(d *Diagnosis, broken []string) {
	d.Reason, d.Promise, d.Flows = Defect, Broken, broken
	d.Text = fmt.Sprintf("The choice promises %q, and the policies that permstack writes for it refuse this call: "+
		"a defect of permstack.", strings.Join(broken, `", "`))
	d.Remedies = []string{report(d)}
}

// identity is for a refusal by the role's own policies, or by a policy that the message does not name.
func (e evaluator) identity(d *Diagnosis, allow outcome, covered bool) error {
	deny := e.statements(e.Set, "Deny")
	named := e.Message.By == Identity
	switch {
	case len(deny.applies) > 0 && (e.Message.Explicit || !named):
		e.denied(d, deny.applies)
	case e.Message.Explicit && named:
		d.Reason, d.Text = Drifted, "A policy of the role denies it that permstack did not write: somebody attached it."
		d.Remedies = []string{e.driftCommand()}
	case len(allow.applies) > 0 || covered && len(allow.undecided) > 0 && e.isLiveDifferent():
		e.granted(d, append(allow.applies, allow.undecided...))
	case len(allow.condition) > 0:
		e.conditions(d, allow.condition, allow.expired)
	case len(allow.undecided) > 0:
		e.conditions(d, allow.undecided, false)
	case len(allow.resource) > 0:
		e.resources(d, allow.resource)
	default:
		return e.notGranted(d)
	}
	return nil
}

// denied is for a Deny statement of the vendor's policies that permstack writes.
func (e evaluator) denied(d *Diagnosis, statements []Statement) {
	d.Statements = statements
	if statements[0].Policy == policies.GuardPolicy {
		d.Reason = Protected
		d.Text = "The policy " + policies.GuardPolicy + " denies it: no role of the backup service may change the " +
			"installation itself, whatever other policies allow."
		d.Remedies = []string{"Do not let the backup service change this resource. If it was meant to work on a resource " +
			"of your own, give that another name or path than the installation's."}
		d.Promise, d.Flows = NoFlow, nil
		return
	}
	if statements[0].Policy == policies.ScopePolicy && !e.Selection.Scope.IsZero() {
		d.Reason, d.Promise, d.Flows = OutOfScope, NoFlow, nil
		d.Text = "The access is narrowed to the Regions " + strings.Join(e.Selection.Scope.Regions, ", ") + "."
		d.Remedies = []string{"If the backup service should work in another Region, add it to the scope: the parameter " +
			"OnlyRegions of the stack, or --only-region of synth."}
		return
	}
	d.Reason = ConditionUnmet
	d.Text = "A statement of the profile denies it in this case."
	d.Remedies = []string{"Run the operation so that the statement does not apply: its reason is shown above."}
}

// granted is for a request that the choice grants.
func (e evaluator) granted(d *Diagnosis, statements []Statement) {
	d.Statements = statements
	switch {
	case e.isLiveDifferent():
		d.Reason = Drifted
		d.Text = "The choice grants it, and the deployed role does not: the role was changed."
		d.Remedies = []string{e.driftCommand()}
	case e.Live != nil && e.liveAllows() && e.Message.By == Identity:
		d.Reason = Undetermined
		d.Text = "The choice grants it, and the deployed role allows it now. IAM takes up to some minutes until a change " +
			"is in effect, or the role was changed since."
		d.Remedies = []string{"Run the operation again."}
	case e.Message.By == Identity:
		d.Reason = Drifted
		d.Text = "The choice grants it: the deployed role is not as permstack writes it, or the stack has another choice."
		d.Remedies = []string{e.driftCommand(), "Run this command with --stack to compare with the stack's own choice."}
	default:
		e.otherTypes(d)
	}
}

// conditions is for statements whose conditions the request does not meet, or may not meet.
func (e evaluator) conditions(d *Diagnosis, statements []Statement, expired bool) {
	d.Statements = statements
	if expired {
		d.Reason, d.Text = GrantExpired, "It was granted until a time that has passed."
		d.Remedies = []string{"Grant it again with a later time, if the operation is still needed."}
		return
	}
	d.Reason = ConditionUnmet
	d.Text = "The choice grants it only under a condition that this request did not meet."
	if len(d.Flows) > 0 {
		d.Promise = Different
	}
	if e.Message.Context == nil {
		d.Text = "The choice grants it only under conditions, and the message does not have the request's condition keys: " +
			"most likely one of the conditions was not met."
		d.Notes = append(d.Notes, "The CloudTrail event of the call, or its decoded authorization message, has more.")
	}
	for _, s := range statements {
		for _, c := range slices.Concat(s.Unmet, s.Undecided) {
			d.Remedies = append(d.Remedies, "Make sure that "+c+".")
		}
	}
	d.Remedies = distinct(d.Remedies)
	if e.Message.By == Unnamed && !e.Message.Explicit {
		d.Notes = append(d.Notes, "The message does not name the policy that refused it; other policies may refuse it too.")
	}
	e.maybeDefect(d)
}

// resources is for an action that is granted on other resources.
func (e evaluator) resources(d *Diagnosis, statements []Statement) {
	d.Reason, d.Statements = OtherResource, statements
	d.Text = "The choice grants " + e.Message.Action + ", but not on " + e.Message.Resource + "."
	account := iampolicy.AccountInARN(e.Message.Resource)
	if account != "" && account != e.Environment.Account && account != "aws" {
		env := e.Environment
		env.OtherAccounts = append(slices.Clone(env.OtherAccounts), account)
		e2 := e
		e2.Environment = env
		if set, ok := e2.synthesize(e.Selection); ok && len(e.grants(set)) > 0 {
			d.Text += " The resource belongs to account " + account + "."
			d.Remedies = append(d.Remedies, "If account "+account+" is yours, add it to OtherAccountIds (synth: "+
				"--other-account "+account+"), or allow what the Organization shares (SharedResources, --organization).")
			d.Promise = NoFlow
			d.Flows = nil
			return
		}
	}
	if e.isOutsideScope() {
		d.Reason, d.Promise, d.Flows = OutOfScope, NoFlow, nil
		d.Text += " The access is narrowed to " + e.Selection.Scope.Summary() + ", and the resource is not among them."
		d.Remedies = append(d.Remedies, "If the backup service should work on it, add it to the scope: the parameters of the "+
			"stack that begin with Only, or the flags of synth such as --table.")
		return
	}
	if len(d.Flows) > 0 {
		d.Promise = Different
	}
	if n, ok := e.narrowing(); ok {
		d.Reason = Narrowed
		d.Text += " This is deliberate: " + n.Why
	}
	d.Remedies = append(d.Remedies, "Let the backup service work on the resources that are granted.")
	e.maybeDefect(d)
}

// isOutsideScope reports whether the choice would grant the request if it were not narrowed.
func (e evaluator) isOutsideScope() bool {
	if e.Selection.Scope.IsZero() {
		return false
	}
	sel := e.Selection
	sel.Scope = scope.Scope{}
	set, ok := e.synthesize(sel)
	return ok && len(e.grants(set)) > 0
}

// maybeDefect adds when to report a defect.
func (e evaluator) maybeDefect(d *Diagnosis) {
	if d.Promise == Different {
		d.Remedies = append(d.Remedies, fmt.Sprintf("If the backup service was doing %q on a resource that it protects, "+
			"this is a defect of permstack. ", d.Flows[0])+report(d))
	}
}

// notGranted is for an action that the choice does not grant at all.
func (e evaluator) notGranted(d *Diagnosis) error {
	all, ok := e.everything(e.Selection.CatalogVersion)
	if !ok {
		return fmt.Errorf("synthesize everything of profile %s: the environment is not complete", e.Profile.Name)
	}
	o := e.statements(all, "Allow")
	offered := e.grants(all)
	switch {
	case len(offered) > 0:
		d.Reason, d.Statements = NotChosen, offered
		d.Text = "The choice does not grant " + e.Message.Action + "; another choice does."
		for _, c := range e.changes(all) {
			d.Remedies = append(d.Remedies, "Choose "+strings.Join(c.added, " and ")+" in an update of the stack. "+
				"What else that grants: permstack diff "+d.Choice+" "+choice.String(c.selection))
		}
		if len(d.Remedies) == 0 {
			d.Remedies = []string{"Choose what the statements above are for, in an update of the stack."}
		}
	case len(o.resource) > 0:
		e.resources(d, o.resource)
		d.Text = "The choice does not grant " + e.Message.Action + "; other choices do, but not on " +
			e.Message.Resource + "."
		d.Promise, d.Flows = NoFlow, nil
	default:
		e.notOffered(d)
	}
	return nil
}

// notOffered is for an action that no choice of the profile grants to the role.
func (e evaluator) notOffered(d *Diagnosis) {
	newest := policies.Releases[len(policies.Releases)-1]
	if set, ok := e.everything(newest); ok && e.Selection.CatalogVersion != newest && len(e.grants(set)) > 0 {
		d.Reason, d.Statements = NotChosen, e.grants(set)
		d.Text = "Release " + e.Selection.CatalogVersion + " of the catalogue does not grant it; release " + newest +
			" does."
		d.Remedies = []string{"Update the stack with CatalogVersion " + newest + "."}
		return
	}
	if n, ok := e.narrowing(); ok {
		d.Reason = Narrowed
		d.Text = e.Profile.Vendor + "'s own permissions have " + e.Message.Action +
			", and permstack deliberately grants less: " + n.Why
		d.Remedies = []string{"If an operation of the backup service fails by this, report it. " + report(d)}
		return
	}
	d.Reason = NotOffered
	d.Text = "No choice of the profile " + e.Profile.Name + " grants " + e.Message.Action + " to this role, and " +
		e.Profile.Vendor + "'s documents do not have it."
	vendor := e.Profile.Vendor
	d.Remedies = []string{"If an operation of the backup service fails by this, " + vendor + " needs more than its " +
		"documents say: ask " + vendor + ", and report it. " + report(d)}
}

// narrowing returns the recorded difference from the vendor's permissions for the action and role.
func (e evaluator) narrowing() (narrowings.Narrowing, bool) {
	list, err := narrowings.Read(e.Profile.Name)
	if err != nil {
		return narrowings.Narrowing{}, false
	}
	for _, n := range list.Narrowings {
		if n.IsTighter() && (n.Role == "" || n.Role == e.Role.Entity) && slices.ContainsFunc(n.Actions, e.isAction) {
			return n, true
		}
	}
	return narrowings.Narrowing{}, false
}

func (e evaluator) driftCommand() string {
	stack := "NAME"
	if e.Live != nil {
		stack = e.Live.Stack
	}
	return "Run 'permstack drift --stack " + stack + "'; an update of the stack, or OnDrift = revert, restores the role."
}

// Repository is where defects are reported.
const Repository = "the issues of permstack's repository"

// report returns how to report a defect.
func report(d *Diagnosis) string {
	return "Report it in " + Repository + " with the output of this command with --output json (it has account IDs and " +
		"ARNs, and no secrets) and of 'permstack --version'."
}

func distinct(list []string) []string {
	var out []string
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// RoleOfProfile returns a role by its entity; the first role, which the vendor assumes, if the entity is empty.
func RoleOfProfile(p schema.Profile, entity string) (schema.Role, bool) {
	for _, r := range p.Roles {
		if entity == "" || r.Entity == entity {
			return r, true
		}
	}
	return schema.Role{}, false
}
