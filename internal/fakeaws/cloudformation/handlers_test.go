package cloudformation

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"permstack/internal/iampolicy/reference"
)

var handlers = []string{createHandler, readHandler, updateHandler, deleteHandler}

// TestSchemas checks the types against AWS's schemas: each has one, with a date,
// and no property is accepted that AWS does not accept.
func TestSchemas(t *testing.T) {
	if _, err := time.Parse(time.DateOnly, Schemas().Date); err != nil || Schemas().Origin == "" {
		t.Errorf("schemas.json has no origin or no date: %v", err)
	}
	for _, typ := range Types() {
		t.Run(typ, func(t *testing.T) {
			s, aws := findProvider(typ).schema(), published(typ)
			if len(aws.Properties) == 0 {
				t.Fatal("schemas.json does not have the type: run tools/genschemas")
			}
			for _, name := range s.Properties {
				if !slices.Contains(aws.Properties, name) || slices.Contains(aws.ReadOnly, name) {
					t.Errorf("AWS's schema has no property %s that a template can set", name)
				}
			}
			for _, name := range append(slices.Clone(s.Replace), s.Required...) {
				if slices.Contains(aws.CreateOnly, name) || slices.Contains(aws.Required, name) {
					t.Errorf("AWS's schema already has %s", name)
				}
			}
			if s.Name != "" && !slices.Contains(s.replacing(typ), s.Name) {
				t.Errorf("the name property %s is not create-only", s.Name)
			}
		})
	}
}

// TestEveryRightIsMapped checks that each action of AWS's schemas is required in
// one way: by a call of the handler, by requireRights, or never, with a reason.
func TestEveryRightIsMapped(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z0-9]+$`)
	for _, typ := range Types() {
		s := findProvider(typ).schema()
		used := map[string]bool{} // keys of Rights
		for _, handler := range handlers {
			t.Run(typ+"/"+handler, func(t *testing.T) {
				listed := published(typ).Handlers[handler]
				for _, action := range s.Permissions.forHandler(handler) {
					if !slices.Contains(listed, action) && len(published(typ).Handlers) > 0 {
						t.Errorf("the handler calls %s, which AWS's schema does not list", action)
					}
				}
				for _, action := range checkedRights(typ, handler) {
					known, ok := reference.Find(action)
					if !name.MatchString(action) || !ok {
						t.Errorf("AWS has no action %q: add it to Unused with its case", action)
					}
					if got, want := slices.Contains(anyResource, action), len(known.Resources) == 0; got != want {
						t.Errorf("%s is in anyResource: got %t, want %t", action, got, want)
					}
					if s.Rights.ARN == nil {
						t.Errorf("%s is required on no resource: set Rights.ARN", action)
					}
					used[action] = true
				}
				for _, action := range listed {
					service, _, _ := strings.Cut(action, ":")
					if !slices.Contains(s.Permissions.forHandler(handler), action) {
						used[action], used[service+":*"], used["*"] = true, true, true
					}
				}
			})
		}
		keys := slices.Concat(slices.Collect(maps.Keys(s.Rights.Unused)), slices.Collect(maps.Keys(s.Rights.For)),
			slices.Collect(maps.Keys(s.Rights.Access)))
		for _, key := range keys {
			if !used[key] {
				t.Errorf("%s: no handler requires %s, which Rights names", typ, key)
			}
		}
	}
}

// TestUndeclaredCallFails calls an action that the handler does not declare.
func TestUndeclaredCallFails(t *testing.T) {
	cfg := onlyDeclared(aws.Config{Region: "eu-central-1"}, "AWS::IAM::Role", readHandler)
	_, err := iam.NewFromConfig(cfg).DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("r")})
	if err == nil || !strings.Contains(err.Error(), "the read handler of AWS::IAM::Role calls iam:DeleteRole") {
		t.Errorf("got error %v, want one that names the type and the call", err)
	}
}
