package denial

import (
	"strings"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
)

// otherPolicy handles refusals by policies that permstack does not write, and reports whether this is one.
func (e evaluator) otherPolicy(d *Diagnosis, allow outcome) bool {
	by := e.Message.By
	if by == Unnamed && e.Live != nil {
		switch {
		case isFalse(e.Live.AllowedBySCP):
			by = SCP
		// The boundary that the parent stack creates follows the choice: what the choice does not grant, it does not
		// allow either, and another choice allows both.
		case isFalse(e.Live.AllowedByBoundary) && allow.concerns():
			by = Boundary
		}
		if by != Unnamed {
			d.Notes = append(d.Notes, "The message does not name the policy; IAM's simulator does.")
		}
	}
	does := "does not allow"
	if e.Message.Explicit {
		does = "denies"
	}
	if by != e.Message.By { // the simulator does not report whether a Deny or a missing Allow refuses it
		does = "denies or does not allow"
	}
	named := ""
	if e.Message.PolicyARN != "" {
		named = " (" + e.Message.PolicyARN + ")"
	}
	switch by {
	case SCP:
		d.Reason, d.Text = BySCP, "A service control policy of your Organization"+named+" "+does+" it."
		d.Remedies = []string{"Ask the administrators of the Organization to except the backup service's roles, for " +
			"example by the condition ArnNotLike on aws:PrincipalArn with " + e.rolePattern() + "."}
		switch {
		case e.Message.Explicit:
		case by != e.Message.By:
			d.Remedies = append(d.Remedies, "If no Deny statement is about "+e.Message.Action+", it must be allowed in the "+
				"policies of this account and of each unit above it.")
		default:
			d.Remedies = []string{"Ask the administrators of the Organization to allow " + e.Message.Action +
				" in the service control policies of this account and of each unit above it."}
		}
	case RCP:
		d.Reason, d.Text = ByRCP, "A resource control policy of the Organization that owns the resource"+named+" denies it."
		d.Remedies = []string{"Ask the administrators of the resource's Organization to except the backup service's role " +
			e.rolePattern() + "."}
	case Boundary:
		d.Reason, d.Text = ByBoundary, "The permissions boundary of the role"+named+" "+does+" it."
		d.Remedies = []string{"Allow " + e.Message.Action + " in the policy of PermissionsBoundaryArn, which limits every " +
			"role of the installation."}
	case Session:
		d.Reason, d.Text = BySession, "The session policy that "+e.Profile.Vendor+" passed when it assumed the role "+
			does+" it. permstack's policies have no part in it."
		d.Remedies = []string{"Ask " + e.Profile.Vendor + ": only the caller of sts:AssumeRole can change it."}
	case VPCEndpoint:
		d.Reason, d.Text = ByVPCEndpoint, "The policy of the VPC endpoint through which the call was made "+does+" it."
		d.Remedies = []string{"Allow " + e.Message.Action + " for the role in the policy of the VPC endpoint, in the " +
			"account where the backup service runs: this is " + e.Profile.Vendor + "'s account or yours."}
	case Resource:
		e.resourcePolicy(d, does)
	case Trust:
		e.trust(d)
	default:
		return false
	}
	if len(allow.applies)+len(allow.undecided) == 0 && by != Trust {
		d.Notes = append(d.Notes, "The choice itself does not grant this call either, as far as the message says; "+
			"AWS names only one of the policies that refuse a request.")
		d.Promise, d.Flows = NoFlow, nil
	} else {
		d.Statements = append(d.Statements, allow.applies...)
	}
	return true
}

func isFalse(b *bool) bool { return b != nil && !*b }

// rolePattern returns a pattern of the ARNs of the installation's roles.
func (e evaluator) rolePattern() string {
	return "arn:" + e.Environment.Partition + ":iam::" + e.Environment.Account + ":role" +
		e.Environment.RolePath() + "*"
}

// resourcePolicy is for the policy of a resource, or of a KMS key.
func (e evaluator) resourcePolicy(d *Diagnosis, does string) {
	account := iampolicy.AccountInARN(e.Message.Resource)
	other := ""
	if account != "" && account != e.Environment.Account {
		other = " It belongs to account " + account + ", where the policy must be changed."
	}
	if strings.HasPrefix(strings.ToLower(e.Message.Action), "kms:") {
		d.Reason = ByKey
		d.Text = "The policy of the KMS key " + does + " it. A key policy decides alone unless it lets IAM policies of the " +
			"account decide." + other
		d.Remedies = []string{"Add a statement to the key policy that allows " + e.Message.Action + " to the principal " +
			e.roleARN() + ", or one that lets IAM policies decide: the action kms:* for arn:" + e.Environment.Partition +
			":iam::" + e.Environment.Account + ":root."}
		return
	}
	d.Reason = ByResource
	d.Text = "The policy of the resource " + does + " it." + other
	d.Remedies = []string{"Allow " + e.Message.Action + " to the principal " + e.roleARN() +
		" in the policy of " + e.resourceName() + "."}
	if e.Message.Explicit {
		d.Remedies = []string{"Except the principal " + e.roleARN() + " from the Deny statement in the policy of " +
			e.resourceName() + "."}
	}
}

func (e evaluator) resourceName() string {
	if e.Message.Resource == "" || e.Message.Resource == "*" {
		return "the resource"
	}
	return e.Message.Resource
}

// roleARN returns the ARN of the role that made the request.
func (e evaluator) roleARN() string {
	for _, r := range e.Set.Roles {
		if r.Entity == e.Role.Entity {
			name := ParseCaller(e.Message.Principal).Name
			if name == "" {
				name = r.Name
			}
			return "arn:" + e.Environment.Partition + ":iam::" + e.Environment.Account + ":role" + r.Path + name
		}
	}
	return e.Message.Principal
}

// otherTypes is for a request that the choice grants, refused by a policy that the message does not name.
func (e evaluator) otherTypes(d *Diagnosis) {
	service, _, _ := strings.Cut(strings.ToLower(e.Message.Action), ":")
	d.Reason = Undetermined
	d.Text = "The choice grants it, so another policy refuses it, or the role was changed. The message does not name it."
	if e.Message.Explicit {
		d.Text = "The choice grants it, and a Deny statement of another policy refuses it. The message does not name the policy."
	}
	switch service {
	case "kms":
		d.Reason = ByKey
		d.Text = "The choice grants it; most likely the policy of the KMS key does not, or the key is disabled or " +
			"does not exist."
		d.Remedies = []string{"Check the key policy: it must allow " + e.Message.Action + " to " + e.roleARN() +
			", or let IAM policies of the account decide."}
	case "s3", "sns", "sqs", "secretsmanager", "backup", "ecr", "lambda", "glue", "s3tables", "elasticfilesystem":
		d.Remedies = []string{"Check the policy of " + e.resourceName() + " for a Deny, or for an Allow that is missing " +
			"if it belongs to another account; for S3 also the key of the object, Block Public Access and Object Ownership."}
	}
	if e.Live == nil {
		d.Remedies = append(d.Remedies, "Run this command with --stack: it reads the role, its boundary and the decision "+
			"of IAM's simulator, which evaluates the service control policies.")
		return
	}
	d.Remedies = append(d.Remedies, "Check in this order what IAM's simulator does not evaluate: resource control "+
		"policies, the session policy of the caller, and the VPC endpoint policy.")
}

// liveAllows reports whether the deployed role's own policies allow the request; false if they were not read.
// Conditions on keys that the message does not have are taken as met.
func (e evaluator) liveAllows() bool {
	if e.Live == nil || e.Live.Missing {
		return false
	}
	allowed := false
	for _, doc := range e.Live.Identity {
		for _, s := range doc.Statement {
			if !e.mayApply(s, doc.Version) {
				continue
			}
			if s.Effect == "Deny" {
				if eval.Compare(s, doc.Version, e.request).Applies() {
					return false
				}
				continue
			}
			allowed = true
		}
	}
	return allowed
}

func (e evaluator) mayApply(s iampolicy.Statement, version string) bool {
	m := eval.Compare(s, version, e.request)
	if m.Action || m.Resource && e.Message.Resource != "" {
		return false
	}
	for _, c := range m.Conditions {
		if e.has(c.Key) {
			return false
		}
	}
	return true
}

// isLiveDifferent reports whether the deployed role was read and does not allow the request.
func (e evaluator) isLiveDifferent() bool {
	return e.Live != nil && (e.Live.Missing || len(e.Live.Identity) > 0 && !e.liveAllows())
}

// isAction reports whether a pattern matches the request's action.
func (e evaluator) isAction(pattern string) bool {
	return eval.Wildcard(strings.ToLower(pattern), strings.ToLower(e.Message.Action))
}
