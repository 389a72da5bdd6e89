package explain_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"permstack/internal/iampolicy/actions"
	"permstack/internal/review/explain"
)

// differences are the findings of cloudsplaining that explain has in another class, or not, with the reason.
var differences = map[explain.Class]map[string]string{
	explain.Exposure: {
		"iam:attachrolepolicy": "privilege escalation: it changes what a role may do, and opens nothing",
		"iam:createrole":       "privilege escalation",
		"iam:detachrolepolicy": "data destruction: it takes permissions away",
		"iam:deleterole":       "data destruction",
		"iam:passrole":         "privilege escalation, with the service that the role is passed to",
		"iam:createservicelinkedrole": "no finding: AWS defines the policy of such a role, and only its service can " +
			"assume it",
		"ec2:resetsnapshotattribute":    "no finding: it ends the sharing of a snapshot",
		"redshift:revokesnapshotaccess": "no finding: it ends the sharing of a snapshot",
		"rds-db:connect":                "credentials exposure: it is a login to the database",
		"ram:deleteresourceshare":       "data destruction: it ends sharing",
		"ram:disassociateresourceshare": "data destruction: it ends sharing",
		"sqs:createqueue":               "no finding: a new queue is open to its own account alone",
		"sns:createtopic":               "no finding: a new topic is open to its own account alone",
	},
	explain.Escalation: {
		"cloudformation:createstack": "no finding: iam:PassedToService does not let CloudFormation have the role",
	},
	explain.Exfiltration: {
		"ssm:getparameter":        "credentials exposure: parameters hold secrets",
		"ssm:getparameters":       "credentials exposure",
		"ssm:getparametersbypath": "credentials exposure",
	},
}

// TestCloudsplaining compares the findings with those of cloudsplaining for everything that a profile can grant: each
// that explain does not have in the same class is a known difference.
func TestCloudsplaining(t *testing.T) {
	data, err := os.ReadFile("testdata/cloudsplaining.json")
	if err != nil {
		t.Fatal(err)
	}
	var fixture struct {
		Findings map[string]map[explain.Class][]string `json:"findings"`
	}
	if err := json.Unmarshal(data, &fixture); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for profile, classes := range fixture.Findings {
		t.Run(profile, func(t *testing.T) {
			_, _, all := grants(t, profile)
			findings := explain.Findings(all)
			for class, list := range classes {
				for _, action := range list {
					if !grantedBy(all, action) {
						continue // the catalogue no longer has it
					}
					found := slices.ContainsFunc(findings, func(f explain.Finding) bool {
						return f.Class == class && hasAction(f, action)
					})
					reason := differences[class][action]
					used[action] = used[action] || reason != ""
					if !found && reason == "" {
						t.Errorf("cloudsplaining has %s as %s, explain has not", action, class)
					}
					if found && reason != "" {
						t.Errorf("%s as %s is no difference any more", action, class)
					}
				}
			}
		})
	}
	for _, list := range differences {
		for action := range list {
			if !used[action] {
				t.Errorf("the difference %s is unused", action)
			}
		}
	}
}

func grantedBy(all []explain.Grant, action string) bool {
	return slices.ContainsFunc(all, func(g explain.Grant) bool {
		return g.Kind == explain.Policy && g.Effect == "Allow" && slices.ContainsFunc(g.Actions, func(p string) bool {
			return actions.Match(p, action)
		})
	})
}

func hasAction(f explain.Finding, action string) bool {
	return slices.ContainsFunc(f.Steps, func(s explain.Step) bool {
		return slices.ContainsFunc(s.Actions, func(p string) bool { return actions.Match(p, action) })
	})
}
