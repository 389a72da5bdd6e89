package provisioner

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/installation"
)

// typed returns properties for the real catalogue with values as a customer enters
// them.
func typed(connection, path, external, tagKey, tagValue, boundary, control string) map[string]any {
	return map[string]any{
		"Profile": "clumio", "Assets": "ec2,ec2-mssql,rds,dynamodb,s3", "ConnectionId": connection, "Path": path,
		"ExternalId": external, "Tags": []any{map[string]any{"Key": tagKey, "Value": tagValue}},
		"PermissionsBoundaryArn": boundary, "ControlPlaneRoleArn": control, "DataPlaneAccountId": "444455556666",
	}
}

// planned returns the parsed templates of both permission stacks and their tags.
func planned(t *testing.T, properties map[string]any) ([]any, error) {
	t.Helper()
	o := &operation{
		Provisioner: &Provisioner{StackRoleARN: stackRole}, log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		event: cfn.Event{
			RequestType:        cfn.RequestCreate,
			StackID:            parentID,
			LogicalResourceID:  "P",
			ResourceProperties: properties,
		},
	}
	var err error
	if o.parent, err = installation.ParseParent(parentID); err != nil {
		t.Fatal(err)
	}
	_, stacks, err := o.plan()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, s := range stacks {
		var v any
		if err := json.Unmarshal(s.Template.JSON(), &v); err != nil {
			t.Fatalf("the %s template is not JSON: %v", s.Part, err)
		}
		out = append(out, v)
	}
	return append(out, tagMap(o.stackTags())), nil
}

// minimalTemplate returns the structure of a value: keys, lists and, for each
// string, the number of wildcards, variables and functions, but not the text
// itself.
func minimalTemplate(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(b, "%q{", k)
			minimalTemplate(b, v[k])
			b.WriteByte('}')
		}
	case []any:
		for _, e := range v {
			b.WriteByte('[')
			minimalTemplate(b, e)
			b.WriteByte(']')
		}
	case string:
		for _, special := range []string{"*", "?", "${", "{{resolve:"} {
			fmt.Fprintf(b, "%d ", strings.Count(v, special))
		}
	}
}

// templateShape returns a template without its values: equal texts have equal structure.
func templateShape(v any) string {
	var b strings.Builder
	minimalTemplate(&b, v)
	return b.String()
}

// FuzzTyped checks that any entered value is either rejected or appears in the
// template as plain text in its own position. It adds no wildcard, variable,
// function, statement, principal, resource or tag.
func FuzzTyped(f *testing.F) {
	const control, boundary = "arn:aws:iam::111122223333:role/C", "arn:aws:iam::123456789012:policy/B"
	plain := []string{"prod", "/permstack/", "external-id", "team", "storage", boundary, control}
	for i, odd := range []string{
		"*", "?", "${AWS::AccountId}", "${aws:username}", "{{resolve:ssm:x}}", `","Effect":"Allow`, "\x00", "\n", "é漢",
		"/*/", "/../", "/${AWS::Region}/",
		"aws:x", "permstack:parent", strings.Repeat("x", 3000), "\u2028", "'", `\`,
		"arn:aws:iam::*:role/x", "arn:aws:iam::111122223333:root", "*\x00Ref\x00A",
	} {
		seed := slices.Clone(plain)
		seed[i%len(seed)] = odd
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6])
	}
	f.Fuzz(func(t *testing.T, connection, path, external, tagKey, tagValue, boundaryARN, controlARN string) {
		have, err := planned(t, typed(connection, path, external, tagKey, tagValue, boundaryARN, controlARN))
		if err != nil {
			return
		}
		likeThem := slices.Clone(plain)
		if strings.TrimSpace(boundaryARN) == "" {
			likeThem[5] = ""
		}
		if strings.TrimSpace(path) == "" {
			likeThem[1] = ""
		}
		want, err := planned(t,
			typed(likeThem[0], likeThem[1], likeThem[2], likeThem[3], likeThem[4], likeThem[5], likeThem[6]))
		if err != nil {
			t.Fatal(err)
		}
		// A tag's key is a key of the last one.
		haveTags, wantTags := have[len(have)-1].(map[string]string), want[len(want)-1].(map[string]string)
		if len(haveTags) != len(wantTags) || haveTags[installation.ParentTag] != parentID ||
			haveTags[installation.ResourceTag] != "P" {
			t.Errorf("tags %v", haveTags)
		}
		for i := range have[:len(have)-1] {
			if h, w := templateShape(have[i]), templateShape(want[i]); h != w {
				t.Errorf("structure differs for %q %q %q %q %q %q %q:\n%s\nwant\n%s",
					connection, path, external, tagKey, tagValue, boundaryARN, controlARN, h, w)
			}
		}
	})
}

// TestHostileStacks checks that a stack with this installation's stack name but
// another owner is never written to, whatever its tags claim.
func TestHostileStacks(t *testing.T) {
	other := strings.Replace(parentID, "11111111", "99999999", 1)
	for name, tags := range map[string][]types.Tag{
		"no tags":             nil,
		"another parent":      {tag(installation.ParentTag, other), tag(installation.ResourceTag, "P")},
		"another resource":    {tag(installation.ParentTag, parentID), tag(installation.ResourceTag, "Q")},
		"only the parent":     {{Key: aws.String(installation.ParentTag), Value: aws.String(parentID)}},
		"keys in capitals":    {tag(strings.ToUpper(installation.ParentTag), parentID), tag(installation.ResourceTag, "P")},
		"the parent's name":   {tag(installation.ParentTag, "parent"), tag(installation.ResourceTag, "P")},
		"an id that begins":   {tag(installation.ParentTag, parentID+"0"), tag(installation.ResourceTag, "P")},
		"a wildcard as value": {tag(installation.ParentTag, "*"), tag(installation.ResourceTag, "*")},
	} {
		for _, stack := range []string{access, inventory} {
			for _, request := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
				t.Run(fmt.Sprint(name, "/", stack, "/", request), func(t *testing.T) {
					f := newFake()
					f.stacks = append(f.stacks, &fakeStack{Stack: types.Stack{
						StackName: aws.String(
							stack,
						), StackId: aws.String("arn:aws:cloudformation:us-east-1:123456789012:stack/" + stack + "/hostile"),
						StackStatus: types.StackStatusCreateComplete, Tags: tags,
						Outputs: []types.Output{
							{OutputKey: aws.String("TemplateHash"), OutputValue: aws.String("anything")},
							{OutputKey: aws.String("RoleArn"), OutputValue: aws.String("arn:aws:iam::1:role/")},
						},
					}})
					_, err := handle(t, f, event(request, testProperties()))
					if request == cfn.RequestDelete {
						if err != nil {
							t.Error(err)
						}
					} else {
						says(t, err, stack, "belongs to", "not modified")
					}
					for _, w := range f.writes {
						if strings.HasSuffix(w, " "+stack) {
							t.Errorf("wrote %s", w)
						}
					}
				})
			}
		}
	}
}
