package policies_test

import (
	"errors"
	"strings"
	"testing"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
)

// TestInputErrors checks that a message contains what is wrong and what is valid, for all problems
// at once.
func TestInputErrors(t *testing.T) {
	type change = func(*policies.Selection, *policies.Environment)
	for name, c := range map[string]struct {
		change change
		want   []string
	}{
		"unknown profile": {func(s *policies.Selection, _ *policies.Environment) { s.Profile = "acme" },
			[]string{`"acme"`, "clumio"}},
		"no asset": {func(s *policies.Selection, _ *policies.Environment) { s.Assets = nil },
			[]string{"no asset", "ec2, ec2-mssql, rds, dynamodb, s3"}},
		"unknown asset": {func(s *policies.Selection, _ *policies.Environment) { s.Assets = []schema.Asset{"ec2", "tape"} },
			[]string{`"tape"`, "dynamodb"}},
		"unknown operation": {func(s *policies.Selection,
			_ *policies.Environment) {
			s.Operations = []schema.Operation{"delete"}
		},
			[]string{`"delete"`, "backup, restore"}},
		"unknown option": {func(s *policies.Selection, _ *policies.Environment) { s.Options = []schema.Option{"root"} },
			[]string{`"root"`, "support-role"}},
		"unknown version": {func(s *policies.Selection, _ *policies.Environment) { s.CatalogVersion = "99" },
			[]string{`"99"`, "has: 1"}},
		"no data plane": {func(_ *policies.Selection, e *policies.Environment) { e.DataPlaneAccountID = "" },
			[]string{"data-plane account is missing", "rds sends", "s3 sends"}},
		"no support role": {func(_ *policies.Selection, e *policies.Environment) { e.SupportControlPlaneRoleARN = "" },
			[]string{"support control-plane role is missing"}},
		"no control plane": {func(_ *policies.Selection, e *policies.Environment) { e.ControlPlaneRoleARN = "" },
			[]string{"control-plane role is missing"}},
		"no external id": {func(_ *policies.Selection, e *policies.Environment) { e.ExternalID = "" },
			[]string{"external id is missing"}},
		"control plane is root": {func(_ *policies.Selection, e *policies.Environment) {
			e.ControlPlaneRoleARN = "arn:aws:iam::222222222222:root"
		}, []string{"control-plane role", "role/NAME"}},
		"another partition": {func(_ *policies.Selection, e *policies.Environment) {
			e.ControlPlaneRoleARN = "arn:aws-cn:iam::222222222222:role/x"
		}, []string{"partition aws-cn"}},
		"account": {func(_ *policies.Selection, e *policies.Environment) { e.Account = "123" },
			[]string{`"123"`, "12 digits"}},
		"Region": {func(_ *policies.Selection, e *policies.Environment) { e.Region = "Frankfurt" },
			[]string{`"Frankfurt"`, "eu-central-1"}},
		"wildcard in path": {func(_ *policies.Selection, e *policies.Environment) { e.Path = "/*/" },
			[]string{`"/*/"`, "begins and ends with /"}},
		"connection": {func(_ *policies.Selection, e *policies.Environment) { e.ConnectionID = "a b" },
			[]string{`"a b"`}},
		"boundary": {func(_ *policies.Selection, e *policies.Environment) { e.PermissionsBoundaryARN = "x" },
			[]string{"permissions boundary"}},
		"aws tag": {func(_ *policies.Selection, e *policies.Environment) { e.Tags = []policies.Tag{{Key: "aws:x"}} },
			[]string{"aws:x"}},
		"tag twice": {func(_ *policies.Selection,
			e *policies.Environment) {
			e.Tags = []policies.Tag{{Key: "a"}, {Key: "A"}}
		},
			[]string{"twice"}},
		"several at once": {func(s *policies.Selection, e *policies.Environment) {
			s.Assets = []schema.Asset{"tape"}
			e.Account = "1"
		}, []string{`"tape"`, "12 digits"}},
	} {
		t.Run(name, func(t *testing.T) {
			sel, env := everything(), environment("eu-central-1")
			c.change(&sel, &env)
			_, err := policies.Synthesize(sel, env)
			var input *policies.InputError
			if !errors.As(err, &input) {
				t.Fatalf("want an InputError, have %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// TestExternalIDStaysSecret checks that the error about an invalid external ID does not repeat it.
func TestExternalIDStaysSecret(t *testing.T) {
	env := environment("eu-central-1")
	env.ExternalID = "s3cret with spaces"
	_, err := policies.Synthesize(everything(), env)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("want an error without the value, have %v", err)
	}
}

// FuzzSynthesize checks that any input is refused, or its set is within the limits; no input
// becomes a wildcard.
func FuzzSynthesize(f *testing.F) {
	f.Add("ec2", "prod", "/permstack/", "eu-central-1", "external-id", "arn:aws:iam::222222222222:role/x")
	f.Add("s3", "${AWS::Region}", "/*/", "us-gov-west-1", "${aws:username}", "arn:aws:iam::*:role/*")
	f.Fuzz(func(t *testing.T, asset, connection, path, region, externalID, role string) {
		env := environment("eu-central-1")
		env.ConnectionID, env.Path, env.Region = connection, path, region
		env.ExternalID, env.ControlPlaneRoleARN = externalID, role
		env.Partition, env.SupportControlPlaneRoleARN = "", ""
		set, err := policies.Synthesize(
			policies.Selection{Profile: "clumio", Assets: []schema.Asset{schema.Asset(asset)}},
			env,
		)
		if err != nil {
			return
		}
		for _, r := range set.Roles {
			if len(r.Name) > 64 || strings.ContainsAny(r.Name+r.Path, "*?$ ") && env.Region != "" {
				t.Errorf("role name %q, path %q", r.Name, r.Path)
			}
			for _, s := range r.Trust.Statement {
				if aws := strings.Join(s.Principal.ByType["AWS"], ""); strings.Contains(aws, "*") || s.Principal.Everyone {
					t.Errorf("trusts %q", aws)
				}
			}
		}
	})
}

// TestTopicKey checks that a key for the topics is the ARN of a key of the same Region and partition,
// and is refused if there is no topic.
func TestTopicKey(t *testing.T) {
	const key = "arn:aws:kms:eu-central-1:111111111111:key/1a2b"
	for name, c := range map[string]struct {
		sel  policies.Selection
		key  string
		want string
	}{
		"a key":    {everythingSelection("clumio"), key, ""},
		"no topic": {everythingSelection("cpm"), key, "nothing of this selection has a topic"},
		"an alias": {everythingSelection("clumio"), "alias/aws/sns", "want an ARN like"},
		"another Region": {
			everythingSelection("clumio"), "arn:aws:kms:us-east-1:111111111111:key/1", "keys of its own Region",
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := choice.Example(c.sel, cpmEnvironment(here))
			env.TopicKeyARN = c.key
			set, err := policies.Synthesize(c.sel, env)
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got error %v, want %q", err, c.want)
			case c.want == "" && (err != nil || set.Topics[0].KeyARN != key):
				t.Errorf("got %v, %+v, want the key on the topic", err, set.Topics)
			}
		})
	}
}
