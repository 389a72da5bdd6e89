package policies_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// entry is a principal that may assume a role or use a topic, and the context that it needs. All others must be
// denied.
type entry struct {
	what    string // the role's or topic's entity
	actions string // of a topic
	who     func(eval.Principal) bool
	shows   kv
}

// entryPoint is a selection with all permitted entries.
type entryPoint struct {
	sel     policies.Selection
	env     policies.Environment
	entries []entry
}

func byRole(account, name string) func(eval.Principal) bool {
	return func(p eval.Principal) bool { return p.RoleARN == iamARN(account, "role/"+name) }
}

func byService(name string) func(eval.Principal) bool {
	return func(p eval.Principal) bool { return p.Service == name+".amazonaws.com" }
}

func byAccount(id string) func(eval.Principal) bool {
	return func(p eval.Principal) bool { return p.Account == id }
}

var (
	secret      = kv{"sts:ExternalId": "external-id-1"}
	fromHere    = kv{"aws:SourceAccount": account}
	ifFromHere  = kv{"?aws:SourceAccount": account} // or without the key
	asCPMRole   = kv{"aws:PrincipalArn": cpmRoleARN}
	cpmRoleARN  = iamARN(account, "role/permstack/"+here+"/prod/CPMRole-"+here+"-prod")
	topicReads  = "SNS:Subscribe SNS:ListSubscriptionsByTopic"
	topicOthers = "SNS:SetTopicAttributes SNS:DeleteTopic SNS:AddPermission SNS:RemovePermission"
)

func entryPoints(profile string) []entryPoint {
	if profile == "clumio" {
		return []entryPoint{{sel: everything(), env: environment(here), entries: []entry{
			{what: "ClumioIAMRole", who: byRole(control, "ControlPlane"), shows: secret},
			{what: "ClumioSupportRole", who: byRole(control, "Support"), shows: secret},
			{what: "ClumioEC2MSSQLSSMInstanceRoleV2", who: byService("ec2")},
			{what: "ClumioSSMNotificationRole", who: byService("ssm"), shows: ifFromHere},
			{what: "ClumioS3ContinuousBackupEventBridgeRole", who: byService("events"), shows: fromHere},
			{what: "ClumioEventPub", actions: "SNS:Publish", who: byAccount(account)},
			{what: "ClumioEventPub", actions: "SNS:Publish", who: byService("events")},
			{what: "ClumioEventPub", actions: topicReads, who: byAccount(control)},
		}}}
	}
	if profile == "aws-backup" {
		service := entry{what: "BackupServiceRole", who: byService("backup")}
		return []entryPoint{
			{policies.Selection{Profile: profile, Assets: []schema.Asset{"ec2"}, Operations: []schema.Operation{"backup"}},
				cpmEnvironment(here), []entry{service}},
			{policies.Selection{Profile: profile, Assets: []schema.Asset{"ec2"}, Operations: []schema.Operation{"scan"}},
				cpmEnvironment(here), []entry{service,
					{what: "BackupServiceScanRole", who: byService("backup")},
					{what: "BackupServiceGuardDutyRole", who: byService("malware-protection.guardduty")}}},
		}
	}
	if profile == "veeam" {
		env := cpmEnvironment(here)
		env.ControlPlaneRoleARN, env.ExternalID = iamARN(control, "role/ControlPlane"), "external-id-1"
		choice := func(asset schema.Asset, operation schema.Operation) policies.Selection {
			return policies.Selection{
				Profile: profile, Assets: []schema.Asset{asset}, Operations: []schema.Operation{operation},
			}
		}
		role := entry{what: "VeeamRole", who: byRole(control, "ControlPlane"), shows: secret}
		return []entryPoint{
			{choice("ec2", "backup"), env, []entry{role}},
			{choice("efs", "backup"), env, []entry{role, {what: "VeeamRole", who: byService("backup")}}},
			{choice("ec2", "repository"), env, []entry{role, {what: "VeeamRole", who: byService("batchoperations.s3")}}},
			{choice("rds", "database-restore"), env, []entry{role, {what: "VeeamRole", who: byService("rds")},
				{what: "VeeamWorkerRole", who: byRole(control, "ControlPlane"), shows: secret},
				{what: "VeeamWorkerRole", who: byService("ec2")}}},
		}
	}
	sel := func(ops, options string) policies.Selection {
		s := cpmSelection("rds,efs:" + ops)
		s.Options = splitList[schema.Option](options, nil)
		return s
	}
	server, withoutSecret := environment(here), environment(here)
	withoutSecret.ExternalID = ""
	export := entry{what: "CPMExportRole", who: byService("export.rds")}
	instance := entry{what: "CPMRole", who: byService("ec2")}
	itself := entry{what: "CPMRole", who: byAccount(account), shows: asCPMRole}
	return []entryPoint{
		{sel("backup", ""), cpmEnvironment(here), []entry{instance}},
		{
			sel("copy-to-s3", "backup-role=made"),
			cpmEnvironment(here),
			[]entry{instance, itself, export, {what: "CPMBackupRole", who: byService("backup")}},
		},
		{sel("file-level-recovery", ""), cpmEnvironment(here), []entry{instance, itself}},
		{
			sel("copy-to-s3", "export-role=server"),
			cpmEnvironment(here),
			[]entry{instance, itself, {what: "CPMRole", who: byService("export.rds")}},
		},
		{
			sel("copy-to-s3", "trust=server-role"),
			server,
			[]entry{export, {what: "CPMRole", who: byRole(control, "ControlPlane"), shows: secret}},
		},
		{
			sel("file-level-recovery", "trust=server-role"),
			server,
			[]entry{{what: "CPMRole", who: byRole(control, "ControlPlane"), shows: secret}},
		},
		{sel("backup", "trust=server-role"), withoutSecret, []entry{{what: "CPMRole", who: byRole(control, "ControlPlane")}}},
	}
}

// principals returns the principals with which every role and topic is requested.
func principals() (out []eval.Principal) {
	for _, owner := range []string{account, control, dataPlane, thirdParty} {
		out = append(out, eval.Principal{Account: owner, ARN: iamARN(owner, "root")})
		for _, name := range []string{"ControlPlane", "Support", "ControlPlane2", "admin",
			"permstack/CPMRole-" + here + "-prod"} {
			base := name[strings.LastIndex(name, "/")+1:]
			out = append(out, eval.Principal{
				Account: owner,
				ARN:     "arn:aws:sts::" + owner + ":assumed-role/" + base + "/session",
				RoleARN: iamARN(owner, "role/"+name),
			})
		}
	}
	for _, s := range []string{"ec2", "ssm", "events", "lambda", "sns", "backup", "export.rds", "rds", "cloudformation",
		"s3", "malware-protection.guardduty", "batchoperations.s3"} {
		out = append(out, eval.Principal{Service: s + ".amazonaws.com"})
	}
	return out
}

// contexts returns the contexts of requests: everything right, one thing wrong or missing, or nothing.
func contexts() []map[string][]string {
	right := map[string][]string{
		"sts:ExternalId":    {"external-id-1"},
		"aws:SourceAccount": {account},
		"aws:PrincipalArn":  {cpmRoleARN},
	}
	out := []map[string][]string{right, {}}
	for key, wrong := range map[string][]string{
		"sts:ExternalId":    {"", "EXTERNAL-ID-1", "external-id-1x", "xexternal-id-1", "external-id-zz", "other", thirdParty},
		"aws:SourceAccount": {"", thirdParty, account + "x", "x" + account, "other"},
		"aws:PrincipalArn": {"", iamARN(account, "role/permstack/"+here+"/prod/CPMExportRole-"+here+"-prod"),
			iamARN(account, "role/admin"), "other"},
	} {
		out = append(out, map[string][]string{key: right[key]})
		for _, v := range wrong {
			c := maps.Clone(right)
			if c[key] = []string{v}; v == "" {
				delete(c, key)
			}
			out = append(out, c)
		}
	}
	return out
}

// breakIns returns the requests with a wrong decision: allowed and not in entries, or the reverse.
func (d entryPoint) breakIns(profile schema.Profile) ([]string, error) {
	set, err := policies.SynthesizeProfile(profile, d.sel, d.env)
	if err != nil {
		return nil, err
	}
	var out []string
	everybody, everything := principals(), contexts()
	check := func(what, action, resource string, doc iampolicy.Document) {
		for _, who := range everybody {
			for _, context := range everything {
				want := slices.ContainsFunc(d.entries, func(e entry) bool {
					return e.what == what && (e.actions == "" || slices.Contains(strings.Fields(e.actions), action)) && e.who(who) &&
						holds(e.shows, context)
				})
				got, _ := eval.Trust(doc, eval.Request{Principal: who, Action: action, Resource: resource, Context: context})
				if (got == eval.Allow) != want {
					out = append(
						out,
						fmt.Sprintf("%s: %s for %+v showing %v: %v, want allowed %v", what, action, who, context, got, want),
					)
					return
				}
			}
		}
	}
	for _, r := range set.Roles {
		check(r.Entity, "sts:AssumeRole", "", r.Trust)
	}
	for _, topic := range set.Topics {
		arn := "arn:aws:sns:" + here + ":" + account + ":" + topic.Name
		for _, action := range strings.Fields("SNS:Publish " + topicReads + " " + topicOthers) {
			check(topic.Entity, action, arn, topic.Policy)
		}
	}
	return out, nil
}

func holds(shows kv, context map[string][]string) bool {
	for k, v := range shows {
		k, optional := strings.CutPrefix(k, "?")
		if optional && context[k] == nil {
			continue
		}
		if !slices.Equal(context[k], []string{v}) {
			return false
		}
	}
	return true
}

// TestTrustRequests requests every role and topic with every principal and context.
func TestTrustRequests(t *testing.T) {
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		for _, d := range entryPoints(name) {
			problems, err := d.breakIns(p)
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range problems {
				t.Errorf("%s %v %v: %s", name, d.sel.Operations, d.sel.Options, problem)
			}
		}
	}
}

// equivalentTrustMutants are mutants that allow and deny the same requests as the original.
var equivalentTrustMutants = []string{
	// The account may publish without showing anything: PublishFromAccount.
	"ClumioEventPub/PublishFromRules: principal arn:${Partition}:iam::${Account}:root",
	// The principal is empty: without trust=server-role there is no control plane.
	"CPMRole/TheServersInstance: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"CPMRole/TheServersRole: without the option trust=server-role",
	"CPMRole/ItselfForWorkers: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"CPMRole/ExportsOfRDS: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"CPMBackupRole/AWSBackup: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"BackupServiceRole/AWSBackup: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"BackupServiceScanRole/AWSBackup: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	"BackupServiceGuardDutyRole/GuardDuty: principal arn:${Partition}:iam::${ControlPlaneAccount}:root",
	// The statement Workers allows EC2 already.
	"VeeamWorkerRole/Appliance: principal ec2.amazonaws.com",
	// TheServersInstance lets EC2 in already.
	"CPMRole/ItselfForWorkers: principal ec2.amazonaws.com",
	"CPMRole/ExportsOfRDS: principal ec2.amazonaws.com",
}

// TestMutationOfTrust changes trust and topic statements in every way of trust_mutants_test.go; for some principal the
// decision must then differ from entryPoints. Like TestMutationOfStatements it takes a sample of the mutants, and all
// of them with PERMSTACK_FULL=1.
func TestMutationOfTrust(t *testing.T) {
	sample := policytest.NewSample(5)
	for _, name := range policies.ProfileNames() {
		p, _ := policies.Profile(name)
		list := entryPoints(name)
		total, same := 0, 0
		trustMutants(p, func(what string, mutated schema.Profile) {
			if !sample.Includes(name + " " + what) {
				return
			}
			total++
			for _, d := range list {
				if problems, err := d.breakIns(mutated); err != nil || len(problems) > 0 {
					return
				}
			}
			if !slices.ContainsFunc(equivalentTrustMutants, func(same string) bool { return strings.HasPrefix(what, same) }) {
				t.Errorf("survives: %s: %s", name, what)
			}
			same++
		})
		if total == 0 {
			t.Errorf("%s: no mutant was tried", name)
		}
		t.Logf("%s, %s: %d mutants, %d equivalent", name, sample, total, same)
	}
}
