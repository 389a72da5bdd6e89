package detect_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/iampolicy/policytest"
	"permstack/internal/notify/finding"
)

// edited returns a document after an edit, which gets a copy of it.
func edited(t testing.TB, document string, edit func(map[string]any)) string {
	t.Helper()
	d := parse(t, document)
	edit(d)
	return *format(d)
}

// TestTrustTampering replaces the trust policies of the backup service's roles by weaker ones that keep most of their
// text, with the rights of IAM alone.
func TestTrustTampering(t *testing.T) {
	w := installTemplate(t)
	c := iam.NewFromConfig(w.attacker(`"iam:*"`))
	const forwarder = "ClumioS3ContinuousBackupEventBridgeRole-us-east-1-main"
	put := func(role, document string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
				RoleName: &role, PolicyDocument: &document,
			})
			return err
		}
	}
	trust := func(name, role, text string, edit func(document, statement map[string]any)) change {
		original := *format(w.trust(role))
		document := edited(t, original, func(d map[string]any) { edit(d, statements(d)[0].(map[string]any)) })
		return change{name, put(role, document), put(role, original), finding.TrustChanged, finding.GrantsMore, text}
	}
	condition := func(name, text, document string) change {
		return trust(name, role, text, func(_, statement map[string]any) {
			statement["Condition"] = parse(t, strings.ReplaceAll(document, "ID", secret))
		})
	}
	principal := func(name, text, document string) change {
		return trust(name, role, text, func(_, statement map[string]any) {
			var value any
			if err := json.Unmarshal([]byte(document), &value); err != nil {
				t.Fatal(err)
			}
			statement["Principal"] = value
		})
	}
	testChanges(t, w, []change{
		condition("external id only if it is passed", "sts:ExternalId", `{"StringEqualsIfExists":{"sts:ExternalId":"ID"}}`),
		condition("external id in any case", "sts:ExternalId", `{"StringEqualsIgnoreCase":{"sts:ExternalId":"ID"}}`),
		condition("one external id more", "sts:ExternalId", `{"StringEquals":{"sts:ExternalId":["ID","theirs"]}}`),
		condition("beginning of the external id", "sts:ExternalId", `{"StringLike":{"sts:ExternalId":"e2e-*"}}`),
		condition("any other external id", "sts:ExternalId", `{"StringNotEquals":{"sts:ExternalId":"ID"}}`),
		condition("no external id", "sts:ExternalId", `{"Null":{"sts:ExternalId":"true"}}`),
		condition("some external id", "sts:ExternalId", `{"Null":{"sts:ExternalId":"false"}}`),
		condition("external id or nothing", "sts:ExternalId", `{"ForAllValues:StringEquals":{"sts:ExternalId":"ID"}}`),
		condition("another key", "sts:ExternalId", `{"StringEquals":{"sts:RoleSessionName":"ID"}}`),
		principal("account in place of the role", "111122223333", `{"AWS":"arn:aws:iam::111122223333:root"}`),
		principal("account by its number", "111122223333", `{"AWS":"111122223333"}`),
		principal("another role of the account", "role/Other",
			`{"AWS":["arn:aws:iam::111122223333:role/ControlPlane","arn:aws:iam::111122223333:role/Other"]}`),
		principal("session of another role", "assumed-role/Other/x",
			`{"AWS":["arn:aws:iam::111122223333:role/ControlPlane","arn:aws:sts::111122223333:assumed-role/Other/x"]}`),
		principal("own account", "123456789012:root",
			`{"AWS":["arn:aws:iam::111122223333:role/ControlPlane","arn:aws:iam::123456789012:root"]}`),
		principal("service", "ec2.amazonaws.com",
			`{"AWS":"arn:aws:iam::111122223333:role/ControlPlane","Service":"ec2.amazonaws.com"}`),
		principal("identity provider", "oidc.example.com", `{"AWS":"arn:aws:iam::111122223333:role/ControlPlane",`+
			`"Federated":"arn:aws:iam::123456789012:oidc-provider/oidc.example.com"}`),
		principal("everybody", "sts:AssumeRole", `"*"`),
		trust("session tags", role, "sts:TagSession", func(_, statement map[string]any) {
			statement["Action"] = []any{"sts:AssumeRole", "sts:TagSession"}
		}),
		trust("source identity", role, "sts:SetSourceIdentity", func(_, statement map[string]any) {
			statement["Action"] = []any{"sts:AssumeRole", "sts:SetSourceIdentity"}
		}),
		trust("second statement with the same Sid", role, "111122223333", func(d, statement map[string]any) {
			second := parse(t, *format(statement))
			delete(second, "Condition")
			delete(second, "Sid")
			d["Statement"] = append(statements(d), second)
		}),
		trust("any organization in place of the external id", role, "aws:PrincipalOrgID", func(_, s map[string]any) {
			s["Condition"] = map[string]any{"StringLike": map[string]any{"aws:PrincipalOrgID": "o-*"}}
		}),
		trust("role for the support staff", support, "role/ControlPlane", func(_, statement map[string]any) {
			statement["Principal"] = map[string]any{"AWS": []any{
				"arn:aws:iam::111122223333:role/Support", "arn:aws:iam::111122223333:role/ControlPlane",
			}}
		}),
		trust("events of any account", forwarder, "aws:SourceAccount", func(_, s map[string]any) { delete(s, "Condition") }),
		trust("events of another account", forwarder, "999988887777", func(_, statement map[string]any) {
			statement["Condition"] = parse(t, `{"StringEquals":{"aws:SourceAccount":["123456789012","999988887777"]}}`)
		}),
		trust("service in place of EventBridge", forwarder, "lambda.amazonaws.com", func(_, statement map[string]any) {
			statement["Principal"] = map[string]any{"Service": []any{"events.amazonaws.com", "lambda.amazonaws.com"}}
		}),
	})
}

// TestRecreatedPrincipal checks that the unique id of a deleted principal is reported as such only if nothing else of
// the trust policy was changed.
func TestRecreatedPrincipal(t *testing.T) {
	w := installTemplate(t)
	const id = "AROAEXAMPLEEXAMPLE12"
	original := w.trust(role)
	put := func(edit func(statement map[string]any)) func(context.Context, *environment) error {
		return func(_ context.Context, w *environment) error {
			document := parse(t, *format(original))
			edit(statements(document)[0].(map[string]any))
			w.putTrust(role, document)
			return nil
		}
	}
	restore := put(func(map[string]any) {})
	recreated := map[string]any{"AWS": id}
	testChanges(t, w, []change{
		{"recreated", put(func(s map[string]any) { s["Principal"] = recreated }), restore, finding.TrustChanged,
			finding.GrantsLess, id},
		{"recreated, and another role", put(func(s map[string]any) {
			s["Principal"] = map[string]any{"AWS": []any{id, "arn:aws:iam::111122223333:role/Other"}}
		}), restore, finding.TrustChanged, finding.GrantsMore, "role/Other"},
		{"recreated, and no external id", put(func(s map[string]any) {
			s["Principal"] = recreated
			delete(s, "Condition")
		}), restore, finding.TrustChanged, finding.GrantsMore, id},
		{"recreated, beside the role", put(func(s map[string]any) {
			s["Principal"] = map[string]any{"AWS": []any{"arn:aws:iam::111122223333:role/ControlPlane", id}}
		}), restore, finding.TrustChanged, finding.GrantsMore, id},
		{"user", put(func(s map[string]any) { s["Principal"] = map[string]any{"AWS": "AIDAEXAMPLEEXAMPLE12"} }), restore,
			finding.TrustChanged, finding.GrantsLess, "AIDAEXAMPLEEXAMPLE12"},
		{"everybody, beside the id", put(func(s map[string]any) {
			s["Principal"] = map[string]any{"AWS": []any{id, "*"}}
		}), restore, finding.TrustChanged, finding.GrantsMore, "AWS:*"},
	})
}

// TestPolicyTampering changes policies, the boundary and instance profiles, with the rights of IAM alone.
func TestPolicyTampering(t *testing.T) {
	policytest.RequireSlow(t, "it launches a stack for each change")
	w := installTemplate(t)
	c := iam.NewFromConfig(w.attacker(`"iam:*"`))
	const (
		guarded = "ClumioS3ContinuousBackupEventBridgeRole-us-east-1-main"
		guard   = "PermstackGuard"
		ec2     = policies + "us-east-1/main/ClumioEC2BackupPolicy-us-east-1-main"
		s3      = policies + "us-east-1/main/ClumioS3RestorePolicy-us-east-1-main"
	)
	putInline := func(role, name, document string) func(context.Context, *environment) error {
		return func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: &role, PolicyName: &name, PolicyDocument: &document,
			})
			return err
		}
	}
	inline := func(title, role, name, text string, edit func(statement map[string]any)) change {
		original := *format(w.inline(role, name))
		document := edited(t, original, func(d map[string]any) { edit(statements(d)[0].(map[string]any)) })
		return change{title, putInline(role, name, document), putInline(role, name, original),
			finding.InlinePolicyChanged, finding.GrantsMore, text}
	}
	// newVersion makes a version the default one; the previous one remains.
	newVersion := func(ctx context.Context, arn, document string) error {
		_, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn: &arn, PolicyDocument: &document, SetAsDefault: true,
		})
		return err
	}
	managed := func(name, arn, text string, edit func(document map[string]any)) change {
		original := *format(w.managed(arn))
		document := edited(t, original, edit)
		return change{name, func(ctx context.Context, _ *environment) error { return newVersion(ctx, arn, document) },
			func(ctx context.Context, _ *environment) error {
				if _, err := c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{
					PolicyArn: &arn, VersionId: aws.String("v1"),
				}); err != nil {
					return err
				}
				out, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &arn})
				if err != nil {
					return err
				}
				for _, v := range out.Versions {
					if !v.IsDefaultVersion {
						if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{
							PolicyArn: &arn, VersionId: v.VersionId,
						}); err != nil {
							return err
						}
					}
				}
				return nil
			}, finding.PolicyChanged, finding.GrantsMore, text}
	}
	statement := func(sid string, edit func(map[string]any)) func(map[string]any) {
		return func(document map[string]any) {
			for _, s := range statements(document) {
				if s := s.(map[string]any); s["Sid"] == sid {
					edit(s)
					return
				}
			}
			t.Fatalf("no statement %s", sid)
		}
	}
	boundary := w.boundary()
	testChanges(t, w, []change{
		inline("guard removed but for one rule", guarded, guard, "permstack-", func(s map[string]any) {
			s["Resource"] = s["Resource"].(string) + "-other"
		}),
		inline("guard with a condition", guarded, guard, "permstack-", func(s map[string]any) {
			s["Condition"] = parse(t, `{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)
		}),
		inline("guard excepts more actions", guarded, guard, "events", func(s map[string]any) {
			s["NotAction"] = []any{"iam:Get*", "events:*"}
		}),
		inline("guard allows", guarded, guard, "permstack-", func(s map[string]any) { s["Effect"] = "Allow" }),
		inline("events to any account", guarded, "ClumioS3ContinuousBackupEventBridgePolicy-us-east-1-main", "event-bus",
			func(s map[string]any) { s["Resource"] = "arn:aws:events:*:*:event-bus/*" }),
		managed("condition with a wildcard", ec2, "ec2:DeleteSnapshot", statement("CleanUpVendorResources",
			func(s map[string]any) { s["Condition"] = parse(t, `{"StringLike":{"aws:ResourceTag/Vendor":"*"}}`) })),
		managed("condition that untagged resources pass", ec2, "ec2:DeleteSnapshot", statement("CleanUpVendorResources",
			func(s map[string]any) {
				s["Condition"] = parse(t, `{"StringEqualsIfExists":{"aws:ResourceTag/Vendor":"Clumio"}}`)
			})),
		managed("condition on another key", ec2, "ec2:DeleteSnapshot", statement("CleanUpVendorResources",
			func(s map[string]any) {
				s["Condition"] = parse(t, `{"StringEquals":{"aws:PrincipalTag/Vendor":"Clumio"}}`)
			})),
		managed("condition on a set of tags", ec2, "ec2:DeleteSnapshot", statement("CleanUpVendorResources",
			func(s map[string]any) {
				s["Condition"] = parse(t, `{"ForAllValues:StringEquals":{"aws:ResourceTag/Vendor":"Clumio"}}`)
			})),
		managed("every snapshot but one", ec2, "everything but", statement("CleanUpVendorResources",
			func(s map[string]any) {
				delete(s, "Resource")
				s["NotResource"] = "arn:aws:ec2:us-east-1::snapshot/snap-1"
			})),
		managed("wildcard in the middle of an action", ec2, "ec2:*Snapshot*", statement("CreateTaggedSnapshots",
			func(s map[string]any) { s["Action"] = "ec2:*Snapshot*" })),
		managed("action in another case", ec2, "TERMINATEInstances", statement("CreateTaggedSnapshots",
			func(s map[string]any) {
				s["Action"] = []any{"ec2:CreateSnapshot", "ec2:CreateSnapshots", "EC2:TERMINATEInstances"}
			})),
		managed("one character in place of a letter", ec2, "ec2:?", statement("CreateTaggedSnapshots",
			func(s map[string]any) { s["Action"] = []any{"ec2:CreateSnapshot", "ec2:?reateSnapshots", "ec2:?"} })),
		managed("objects public", s3, "s3:PutObjectAcl", statement("WriteObjects", func(s map[string]any) {
			delete(s["Condition"].(map[string]any), "StringEqualsIfExists")
		})),
		managed("buckets of any account", s3, "s3:DeleteObject", statement("TagAndDeleteObjects",
			func(s map[string]any) { delete(s, "Condition") })),
		managed("account of the data plane", s3, "999988887777", statement("ReadFromDataPlane", func(s map[string]any) {
			s["Condition"] = parse(t, `{"StringEquals":{"s3:ResourceAccount":["444455556666","999988887777"]}}`)
		})),
		managed("text of the boundary", boundary, "iam:", func(d map[string]any) {
			d["Statement"] = append(statements(d), parse(t, `{"Effect":"Allow","Action":"iam:*","Resource":"*"}`))
		}),
		{"boundary of a role replaced by a wider one", func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: aws.String(role), PermissionsBoundary: aws.String(admin),
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: aws.String(role), PermissionsBoundary: &boundary,
			})
			return err
		}, finding.BoundaryChanged, finding.GrantsMore, "AdministratorAccess"},
		{"boundary of a role removed", func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: aws.String(role)})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{
				RoleName: aws.String(role), PermissionsBoundary: &boundary,
			})
			return err
		}, finding.BoundaryChanged, finding.GrantsMore, ""},
		{"boundary attached as a policy", func(ctx context.Context, _ *environment) error {
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String(role), PolicyArn: &boundary})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String(role), PolicyArn: &boundary})
			return err
		}, finding.AttachmentAdded, finding.GrantsMore, "VendorCeiling"},
		{"policy of another role", func(ctx context.Context, _ *environment) error {
			_, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: aws.String(support), PolicyArn: aws.String(ec2),
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{
				RoleName: aws.String(support), PolicyArn: aws.String(ec2),
			})
			return err
		}, finding.AttachmentAdded, finding.GrantsMore, "ec2:CreateSnapshot"},
		{"copy under a deeper path", func(ctx context.Context, _ *environment) error {
			_, err := c.CreateRole(ctx, &iam.CreateRoleInput{
				RoleName: aws.String("ClumioIAMRole-us-east-1-main-2"), Path: aws.String("/permstack/us-east-1/main/installer/x/"),
				AssumeRolePolicyDocument: format(w.trust(role)),
			})
			return err
		}, func(ctx context.Context, _ *environment) error {
			_, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("ClumioIAMRole-us-east-1-main-2")})
			return err
		}, finding.RoleAdded, finding.GrantsMore, "ControlPlane"},
		{"tag that names the parent", func(ctx context.Context, _ *environment) error {
			_, err := c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: aws.String(role), TagKeys: []string{"permstack:parent"}})
			return err
		}, nil, finding.TagsChanged, finding.Changed, "permstack:parent"},
	})
}
