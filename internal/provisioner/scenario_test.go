package provisioner

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"permstack/internal/cfn/customresource"
	"permstack/internal/iampolicy"
	"permstack/internal/installation"
	"permstack/internal/policies"
)

const (
	parentID  = "arn:aws:cloudformation:us-east-1:123456789012:stack/parent/11111111-2222-3333-4444-555555555555"
	stackRole = "arn:aws:iam::123456789012:role/stack"
	access    = "parent-11111111-2222-3333-4444-555555555555-permstack-access"
	inventory = "parent-11111111-2222-3333-4444-555555555555-permstack-inventory"
)

// synthesize is a small catalogue: one action for each asset, and one rule.
func synthesize(sel policies.Selection, env policies.Environment) (policies.Set, error) {
	if len(sel.Assets) == 0 {
		return policies.Set{}, errors.New("no asset: choose of ec2, s3")
	}
	allow := func(action string) iampolicy.Document {
		return iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Action: iampolicy.Values{action}, Resource: iampolicy.Values{"*"},
			Condition: iampolicy.Conditions{"StringEquals": {"sts:ExternalId": {env.ExternalID}}},
		}}}
	}
	role := policies.Role{
		Entity: "ClumioIAMRole",
		Name:   "ClumioIAMRole-us-east-1-c",
		Path:   env.RolePath(),
		Trust:  allow("sts:AssumeRole"),
	}
	for _, a := range sel.Assets {
		role.Inline = append(
			role.Inline,
			policies.Policy{Entity: string(a), Name: string(a), Document: allow(string(a) + ":List*")},
		)
	}
	set := policies.Set{CatalogVersion: "1.0.0", Profile: sel.Profile, Roles: []policies.Role{role}}
	if slices.Contains(sel.Options, "support-role") {
		set.Roles = append(
			set.Roles,
			policies.Role{
				Entity: "ClumioSupportRole",
				Name:   "Support-c",
				Path:   env.RolePath(),
				Trust:  allow("sts:AssumeRole"),
			},
		)
	}
	set.Topics = []policies.Topic{{Entity: "ClumioEventPub", Name: "Pub-c", Policy: allow("sns:Publish")}}
	if sel.Assets[0] == "ec2" {
		set.Rules = []policies.Rule{
			{
				Entity:  "R",
				Name:    "R",
				Pattern: map[string]any{"source": []any{"aws.ec2"}},
				Targets: []policies.Target{{ID: "t", TopicEntity: "ClumioEventPub"}},
			},
		}
	}
	return set, nil
}

func testProperties(edit ...string) map[string]any {
	p := map[string]any{
		"ServiceToken": "arn:x", "Profile": "clumio", "Assets": "ec2, s3", "Path": "/permstack/",
		"ExternalId": "the-external-id", "Tags": "Owner=me",
	}
	for i := 0; i < len(edit); i += 2 {
		p[edit[i]] = edit[i+1]
	}
	return p
}

func event(request cfn.RequestType, properties map[string]any) cfn.Event {
	return cfn.Event{RequestType: request, RequestID: "request-" + string(request), StackID: parentID,
		LogicalResourceID: "Permissions", ResourceProperties: properties}
}

// update returns an Update event that changes the properties.
func update(before, after map[string]any) cfn.Event {
	e := event(cfn.RequestUpdate, after)
	e.OldResourceProperties = before
	return e
}

func handle(t *testing.T, f *fake, e cfn.Event) (customresource.Result, error) {
	t.Helper()
	return handleWith(t.Context(), f, e)
}

func handleWith(ctx context.Context, f *fake, e cfn.Event) (customresource.Result, error) {
	p := &Provisioner{Client: waitingFor(e, f), StackRoleARN: stackRole, Synthesize: synthesize, Sleep: f.sleep}
	return p.Handle(ctx, slog.New(slog.DiscardHandler), e)
}

// launched returns a fake in which Create succeeded; its writes are cleared.
func launched(t *testing.T) *fake {
	t.Helper()
	f := newFake()
	if _, err := handle(t, f, event(cfn.RequestCreate, testProperties())); err != nil {
		t.Fatal(err)
	}
	f.writes, f.inputs = nil, nil
	return f
}

func wrote(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), append([]string{}, f.writes...)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func exists(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), f.existing()); diff != "" {
		t.Errorf("stacks (-want +got):\n%s", diff)
	}
}

func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got error %v, want one with %q", err, w)
		}
	}
}

func TestCreate(t *testing.T) {
	f := newFake()
	got, err := handle(t, f, event(cfn.RequestCreate, testProperties("SupportRole", "true")))
	if err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "CreateStack "+inventory, "CreateStack "+access, "UpdateStack "+access)
	hash := got.Data["GrantedHash"].(string)
	if len(hash) != 64 {
		t.Errorf("GrantedHash %q", hash)
	}
	a, i := *f.find(access).StackId, *f.find(inventory).StackId
	want := map[string]any{
		"RoleArn":        "arn:aws:iam::123456789012:role/permstack/us-east-1/main/ClumioIAMRole-us-east-1-c",
		"SupportRoleArn": "arn:aws:iam::123456789012:role/permstack/us-east-1/main/Support-c",
		"EventTopicArn":  "arn:aws:sns:us-east-1:123456789012:Pub-c",
		"AccessStackId":  a, "InventoryStackId": i, "PermissionStackIds": i + "," + a,
		"CatalogVersion": "1.0.0", "GrantedHash": hash, "AnnouncedHash": "", "LeftBehind": "nothing",
		"BoundaryAllowsMore": "nothing",
		"TemplateFingerprints": "inventory:" + installation.Fingerprint(f.find(inventory).body) +
			" access:" + installation.Fingerprint(f.find(access).body),
	}
	if diff := cmp.Diff(want, got.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	in := f.inputs[1].(*cloudformation.CreateStackInput)
	if *in.RoleARN != stackRole || in.OnFailure != types.OnFailureDelete || len(in.Capabilities) != 1 ||
		in.Capabilities[0] != types.CapabilityCapabilityNamedIam {
		t.Errorf("the request is %+v", in)
	}
	tags := map[string]string{"permstack:parent": parentID, "permstack:resource": "Permissions", "Owner": "me"}
	if diff := cmp.Diff(tags, tagMap(in.Tags)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestSameEventTwice(t *testing.T) {
	f := newFake()
	first, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
	if err != nil {
		t.Fatal(err)
	}
	f.writes = nil
	second, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
	if err != nil {
		t.Fatal(err)
	}
	wrote(t, f)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("responses differ:\n%s", diff)
	}
	for range 2 {
		if _, err := handle(t, f, event(cfn.RequestDelete, testProperties())); err != nil {
			t.Fatal(err)
		}
	}
	wrote(t, f, "UpdateStack "+access, "DeleteStack "+inventory, "DeleteStack "+access)
	exists(t, f)
}

func TestUpdate(t *testing.T) {
	for name, tc := range map[string]struct {
		edit   []string
		writes []string
	}{
		"nothing":          {nil, nil},
		"an asset dropped": {[]string{"Assets", "ec2"}, []string{"UpdateStack " + access}},
		"both stacks":      {[]string{"Assets", "s3"}, []string{"UpdateStack " + inventory, "UpdateStack " + access}},
		"tags":             {[]string{"Tags", "Owner=you"}, []string{"UpdateStack " + inventory, "UpdateStack " + access}},
	} {
		t.Run(name, func(t *testing.T) {
			f := launched(t)
			if _, err := handle(t, f, event(cfn.RequestUpdate, testProperties(tc.edit...))); err != nil {
				t.Fatal(err)
			}
			wrote(t, f, tc.writes...)
		})
	}
}

// TestUpdateFails runs a failed update and the parent's rollback.
func TestUpdateFails(t *testing.T) {
	f := launched(t)
	before := f.find(access).body
	f.fails["UpdateStack "+access] = "Maximum policy size exceeded"
	_, err := handle(t, f, event(cfn.RequestUpdate, testProperties("Assets", "s3")))
	says(
		t,
		err,
		"update stack "+access,
		"AWS::IAM::Role ClumioIAMRole (ClumioIAMRole-us-east-1-c): UPDATE_FAILED: Maximum policy size exceeded",
		"was rolled back",
	)
	if strings.Contains(err.Error(), "cancelled") {
		t.Errorf("the reason names a resource that was only cancelled: %v", err)
	}
	back := event(cfn.RequestUpdate, testProperties())
	back.RequestID, back.OldResourceProperties = "rollback", testProperties("Assets", "s3")
	f.writes = nil
	if _, err := handle(t, f, back); err != nil {
		t.Fatal(err)
	}
	wrote(t, f, "UpdateStack "+inventory) // access went back by itself
	if f.find(access).body != before {
		t.Error("the earlier access was not restored")
	}
}

func TestCreateFails(t *testing.T) {
	f := newFake()
	f.fails["CreateStack "+access] = "Role with name ClumioIAMRole-us-east-1-c already exists."
	_, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
	says(
		t,
		err,
		"create stack "+access,
		"CREATE_FAILED: Role with name ClumioIAMRole-us-east-1-c already exists.",
		"Nothing of this installation was left behind",
	)
	exists(t, f)
	wrote(t, f, "CreateStack "+inventory, "CreateStack "+access, "DeleteStack "+inventory)
	f.writes = nil
	if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil { // CloudFormation's Delete
		t.Fatal(err)
	}
	wrote(t, f)
}

func TestDelete(t *testing.T) {
	t.Run("never existed, properties wrong", func(t *testing.T) {
		f := newFake()
		if _, err := handle(t, f, event(cfn.RequestDelete, map[string]any{"Nonsense": 1})); err != nil {
			t.Fatal(err)
		}
		wrote(t, f)
	})
	t.Run("failed, then well", func(t *testing.T) {
		f := launched(t)
		f.fails["DeleteStack "+access] = "Cannot delete entity, must detach all policies first."
		if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
			t.Fatal(err)
		}
		wrote(t, f, "UpdateStack "+access, "DeleteStack "+inventory, "DeleteStack "+access, "DeleteStack "+access)
	})
	t.Run("fails for good", func(t *testing.T) {
		f := launched(t)
		s := f.find(access)
		s.StackStatus = types.StackStatusDeleteFailed
		again := func() { f.fails["DeleteStack "+access] = "must detach all policies first." }
		again()
		f.onTick = func() { f.onTick = again }
		_, err := handle(t, f, event(cfn.RequestDelete, nil))
		says(
			t,
			err,
			"delete stack "+access,
			"AWS::IAM::Role ClumioIAMRole",
			"must detach all policies first",
			"aws iam list-attached-role-policies --role-name ClumioIAMRole-us-east-1-c",
		)
		exists(t, f, "access DELETE_FAILED") // the other one went
	})
}

func TestForeignStack(t *testing.T) {
	for name, tags := range map[string][]types.Tag{
		"no tags": nil,
		"another parent": {
			tag(installation.ParentTag, strings.Replace(parentID, "1111", "9999", 1)),
			tag(installation.ResourceTag, "Permissions"),
		},
		"another name": {tag(installation.ParentTag, parentID), tag(installation.ResourceTag, "Other")},
	} {
		for _, request := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
			t.Run(name+"/"+string(request), func(t *testing.T) {
				f := launched(t)
				if request == cfn.RequestCreate {
					if _, err := handle(t, f, event(cfn.RequestDelete, nil)); err != nil {
						t.Fatal(err)
					}
					f = newFake()
					f.stacks = append(f.stacks, launched(t).find(access))
				}
				f.find(access).Tags = tags
				_, err := handle(t, f, event(request, testProperties("Assets", "s3")))
				if request == cfn.RequestDelete {
					if err != nil {
						t.Fatal(err)
					}
					wrote(t, f, "DeleteStack "+inventory)
				} else {
					says(t, err, "stack "+access+" exists already and belongs to", "not modified")
					wrote(t, f)
				}
				if f.find(access).StackStatus != types.StackStatusUpdateComplete {
					t.Error("the stack of another owner was modified")
				}
			})
		}
	}
}

func tag(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }

// TestRefusalReadsWell checks that an error of CloudFormation is reported with its
// message, without the SDK's prefixes.
func TestRefusalReadsWell(t *testing.T) {
	f := newFake()
	f.refusal = &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "CreateStack",
		Err: &smithy.GenericAPIError{
			Code:    "AccessDenied",
			Message: "User: arn:x is not authorized to perform: cloudformation:CreateStack",
		}}
	_, err := handle(t, f, event(cfn.RequestCreate, testProperties()))
	says(
		t,
		err,
		"create stack "+inventory+": AccessDenied: User: arn:x is not authorized to perform: "+
			"cloudformation:CreateStack. A role of permstack lacks the permission. Update stack parent with",
		"Nothing of this installation was left behind",
	)
	wrote(t, f)
}
