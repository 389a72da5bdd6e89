package detect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/installation"
	"permstack/internal/notify/finding"
	"permstack/internal/permissionstack/properties"
)

const announcedTemplate = `
Parameters:
  Secret: {Type: String, NoEcho: true}
  State: {Type: String, Default: ENABLED}
  Audit: {Type: String, Default: "no"}
Resources:
  Bad: {Type: AWS::SNS::Subscription, Properties: {Protocol: !FindInMap [Missing, a, b], Endpoint: c}}
  Access:
    Type: Custom::PermissionStack
    Properties:
      ServiceToken: token
      DataPlaneAccountId: "111122223333"
      OtherAccountIds: ["2", "1"]
      ControlPlaneRoleArn: !Ref Secret
      Tags: team=a
  Mail: {Type: AWS::SNS::Subscription, Properties: {Protocol: email, Endpoint: b@example.com}}
  Queue: {Type: AWS::SNS::Subscription, Properties: {Protocol: sqs, Endpoint: a}}
  Rule: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day), State: !Ref State}}
  Calls: {Type: AWS::Events::Rule, Properties: {EventPattern: {source: [aws.iam]}, State: DISABLED}}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          ON_DRIFT: notify
          ACCOUNT_AUDIT: !Ref Audit
          REMINDER_DAYS: !Ref Secret
          ACCEPTED_DIFFERENCES: "0123456789abcdef/0123456789abcdef until 2027-01-31 by root: wanted"
          OTHER: x
`

// TestAnnouncedChoices checks which values of the parent's template are choices whose change is announced: those of the
// deployed template if it is not the expected one.
func TestAnnouncedChoices(t *testing.T) {
	base := map[string]string{
		"AcceptedDifferences": "0123456789abcdef/0123456789abcdef until 2027-01-31 by root: wanted",
		"DataPlaneAccountId":  "111122223333", "DriftSchedule": "rate(1 day)", "OnDrift": "notify", "OtherAccountIds": "1,2",
		"ServiceToken": "token", "Subscriptions": "email:b@example.com,sqs:a", "TerminationProtection": "off",
	}
	for _, tc := range []struct {
		name       string
		parameters map[string]string
		protected  *bool
		forged     bool // the expected template is another one
		want       map[string]string
	}{
		{"default", nil, nil, false, nil},
		{"disabled schedule", map[string]string{"State": "DISABLED"}, nil, false,
			map[string]string{"DriftSchedule": "rate(1 day) DISABLED"}},
		{"audit", map[string]string{"Audit": "yes"}, nil, false, map[string]string{"AccountAudit": "yes"}},
		{"protected", nil, aws.Bool(true), false, map[string]string{"TerminationProtection": "on"}},
		{"not protected", nil, aws.Bool(false), false, nil},
		{"deployed template", nil, nil, true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup").parameters(tc.parameters)
			s.described.EnableTerminationProtection = tc.protected
			if err := s.evaluate(unitParent(), announcedTemplate); err != nil {
				t.Fatal(err)
			}
			s.addResources(nil)
			if tc.forged {
				s.keepDeployed()
				s.bound, s.references = nil, nil
			}
			got := map[string]string{}
			var names []string
			for _, c := range s.announcedChoices() {
				names = append(names, c.Name)
				if got[c.Name] = c.Value; c.Name == finding.AcceptedChoice &&
					!slices.Equal(c.Changes, []string{"accepted: " + c.Value}) {
					t.Errorf("got the changes %q", c.Changes)
				}
			}
			want := map[string]string{"Template": "sha256 " + installation.Fingerprint(announcedTemplate)[:16]}
			for name, value := range base {
				want[name] = value
			}
			for name, value := range tc.want {
				want[name] = value
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || !slices.IsSorted(names) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
	for name, s := range map[string]*stack{
		"no template": {references: &resolver{}}, "no references": func() *stack {
			s := unitStack("backup")
			if err := s.evaluate(unitParent(), announcedTemplate); err != nil {
				t.Fatal(err)
			}
			return s
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.announcedChoices(); got != nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestDeclaredSubscriptions checks which subscriptions of a stack are declared.
func TestDeclaredSubscriptions(t *testing.T) {
	s := unitStack("backup")
	s.add(typeTopic, "Topic", "t", `{"Protocol":"https","Endpoint":"x"}`)
	s.add("AWS::SNS::Subscription", "Mail", "m", `{"Protocol":"email","Endpoint":"a@example.com"}`)
	if got := s.declaredSubscriptions(); !slices.Equal(got, []string{"email:a@example.com"}) {
		t.Errorf("got %q", got)
	}
}

const boundaryARN = "arn:aws:iam::123456789012:policy/Boundary"

func allowing(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) +
		`"],"Resource":"*"}]}`
}

// TestBoundaryChoice checks the choice of the boundary's document, and the direction of its change: more if the version
// before is not known.
func TestBoundaryChoice(t *testing.T) {
	value := func(version, document string) string {
		return version + " sha256 " + installation.Fingerprint(document)[:16]
	}
	now := allowing("s3:GetObject")
	before := allowing("s3:GetObject", "s3:PutObject")
	for _, tc := range []struct {
		name            string
		previous        string
		previousVersion string // its document in IAM
		err             error
		direction       finding.Direction
		want            string // if it is not the present value
	}{
		{"first check", "", "", nil, "", ""},
		{"unchanged", value("v2", now), "", nil, "", ""},
		{"less", value("v1", before), before, nil, finding.GrantsLess, ""},
		{"more", value("v1", allowing("s3:PutBucketPolicy")), allowing("s3:PutBucketPolicy"), nil, finding.GrantsMore, ""},
		{"another form", value("v1", " "+now), " " + now, nil, "", value("v1", " "+now)},
		{"version that was deleted", value("v1", before), before, errMissing, finding.GrantsMore, ""},
		{"version with another document", value("v1", before), now, nil, finding.GrantsMore, ""},
		{"version that cannot be parsed", value("v1", "{"), "{", nil, finding.GrantsMore, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			identity := &unitIAM{
				policies: map[string]string{boundaryARN: now, boundaryARN + " v1": tc.previousVersion},
				err:      map[string]error{"GetPolicyVersion v1": tc.err},
			}
			c := unitCheck(nil, identity)
			c.o.Previous = func(name string) string {
				return map[string]string{finding.BoundaryDocument: tc.previous}[name]
			}
			got := c.boundaryDocument(t.Context(), unitModel(unitStack("backup")), boundaryARN, livePolicy{
				version: "v2", document: now,
			})
			want := tc.want
			if want == "" {
				want = value("v2", now)
			}
			if got.Value != want || got.Direction != tc.direction || got.Name != finding.BoundaryDocument {
				t.Errorf("got %+v, want %s, %s", got, want, tc.direction)
			}
			if less := got.Direction == finding.GrantsLess; less != (len(got.Changes) > 0) && tc.name != "more" {
				t.Errorf("got the changes %q", got.Changes)
			}
		})
	}
	t.Run("present document that cannot be parsed", func(t *testing.T) {
		c := unitCheck(nil, &unitIAM{policies: map[string]string{boundaryARN + " v1": now, boundaryARN: "{"}})
		c.o.Previous = func(string) string { return value("v1", now) }
		got := c.boundaryDocument(t.Context(), unitModel(unitStack("backup")), boundaryARN,
			livePolicy{version: "v2", document: "{"})
		if got.Direction != finding.GrantsMore || got.Value != value("v2", "{") {
			t.Errorf("got %+v", got)
		}
	})
}

// TestContents checks of what the contents are choices: a boundary that no template declares, and code whose hash no
// release states.
func TestContents(t *testing.T) {
	const hash = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
	code := "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=" // the same in base 64
	for _, tc := range []struct {
		name, boundary, declared string
		document                 string
		key                      string // of the function's package
		want                     []string
	}{
		{"nothing", "", "", "", "functions/monitor-" + hash + ".zip", nil},
		{"boundary", boundaryARN, "", allowing("s3:*"), "functions/monitor-" + hash + ".zip",
			[]string{"PermissionsBoundaryDocument"}},
		{"boundary of the parent", boundaryARN, boundaryARN, allowing("s3:*"), "functions/monitor-" + hash + ".zip", nil},
		{"boundary that does not exist", boundaryARN, "", "", "functions/monitor-" + hash + ".zip", nil},
		{"own code", "", "", "", "mine.zip", []string{"FunctionCode sha256 " + hash[:16]}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			s.add(typeManagedPolicy, "Policy", tc.declared, `{}`)
			s.add("AWS::Lambda::Function", "Function", "f", `{"Code":{"S3Key":"`+tc.key+`"}}`).live = functionWithCode(code)
			s.add("AWS::Lambda::Function", "NotRead", "n", `{}`).live = &liveFunction{}
			identity := &unitIAM{policies: map[string]string{}}
			if tc.document != "" {
				identity.policies[boundaryARN] = tc.document
			}
			c := unitCheck(nil, identity)
			c.chosen = &choices{properties: properties.Properties{}}
			c.chosen.properties.PermissionsBoundaryARN = tc.boundary
			var got []string
			for _, choice := range c.contents(t.Context(), unitModel(s)) {
				name := choice.Name
				if name != finding.BoundaryDocument {
					name += " " + choice.Value
				}
				got = append(got, name)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestDirectUpdates checks when a permission stack was updated by another than the parent, and what explains that.
func TestDirectUpdates(t *testing.T) {
	at := func(seconds int) time.Time { return unitNow.Add(time.Duration(seconds) * time.Second) }
	late := "at " + at(1).UTC().Format(time.RFC3339)
	for _, tc := range []struct {
		name      string
		completed time.Time // the custom resource
		updated   []time.Time
		change    func(c *check, parent, access *stack)
		found     []finding.Finding
		choices   []finding.Choice
		want      string
		explained bool
	}{
		{"by the parent", at(0), []time.Time{at(-9), at(0), at(-5)}, nil, nil, nil, "no", false},
		{"later", at(0), []time.Time{at(-5), at(1), at(-9)}, nil, nil, nil, late, false},
		{"not known when the parent was complete", time.Time{}, []time.Time{at(1)}, nil, nil, nil, "before", false},
		{"parent in progress", at(0), []time.Time{at(1)}, func(_ *check, parent, _ *stack) { parent.inProgress = true }, nil,
			nil, "before", false},
		{"stack in progress", at(0), []time.Time{at(1)}, func(_ *check, _, access *stack) { access.inProgress = true }, nil,
			nil, "before", false},
		{"a finding of the stack", at(0), []time.Time{at(1)}, nil, []finding.Finding{{Stack: "access"}}, nil, late, true},
		{"a finding of another stack", at(0), []time.Time{at(1)}, nil, []finding.Finding{{Stack: "backup"}}, nil, late,
			false},
		{"the stack was open", at(0), []time.Time{at(1)}, func(c *check, _, _ *stack) {
			c.o.WasOpen = func(stack, id string) bool { return stack == "access" && id == "" }
		}, nil, nil, late, true},
		{"a resource was open", at(0), []time.Time{at(1)}, func(c *check, _, _ *stack) {
			c.o.WasOpen = func(stack, id string) bool { return stack == "access" && id == "Role" }
		}, nil, nil, late, true},
		{"the external id was replaced", at(0), []time.Time{at(1)}, nil, nil,
			[]finding.Choice{{Name: finding.ExternalIDChoice, Value: "other"}}, late, true},
		{"the external id is as before", at(0), []time.Time{at(1)}, nil, nil,
			[]finding.Choice{{Name: finding.ExternalIDChoice, Value: "before"}}, late, false},
		{"another choice changed", at(0), []time.Time{at(1)}, nil, nil,
			[]finding.Choice{{Name: "Template", Value: "other"}}, late, false},
		{"the external id was not known", at(0), []time.Time{at(1)}, func(c *check, _, _ *stack) {
			c.o.Previous = func(string) string { return "" }
		}, nil, []finding.Choice{{Name: finding.ExternalIDChoice, Value: "other"}}, late, false},
		{"no earlier value", time.Time{}, nil, func(c *check, _, _ *stack) {
			c.o.Previous = func(string) string { return "" }
		}, nil, nil, "no", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent, access, byHand := unitStack("backup"), unitStack("access"), unitStack("byhand")
			parent.add("AWS::SNS::Topic", "Topic", "t", `{}`).updated = at(90)
			parent.add(customResource, "Access", "a", `{}`).updated = tc.completed
			access.part = installation.Access
			access.add(typeRole, "Role", "r", `{}`)
			for _, u := range tc.updated {
				access.listed = append(access.listed, listed{updated: u})
			}
			missing := &stack{name: "missing", part: installation.Inventory}
			c := unitCheck(nil, nil)
			c.o.Previous = func(string) string { return "before" }
			if tc.change != nil {
				tc.change(c, parent, access)
			}
			got := c.directUpdates([]*stack{parent, byHand, missing, access}, tc.found, tc.choices)
			if len(got) != 1 || got[0].Name != "accessStackUpdate" || got[0].Value != tc.want ||
				got[0].Explained != tc.explained || len(got[0].Changes) != 1 {
				t.Errorf("got %+v, want %s, explained %v", got, tc.want, tc.explained)
			}
		})
	}
	t.Run("parent without a custom resource", func(t *testing.T) {
		if got := unitStack("backup").customResourceUpdated(); !got.IsZero() {
			t.Errorf("got %s", got)
		}
	})
}
