package detect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/drift/changeevent"
	"permstack/internal/notify/finding"
)

// TestSameState checks when a stack was not updated between two descriptions.
func TestSameState(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(s *types.Stack)
		want   bool
	}{
		"same":    {func(*types.Stack) {}, true},
		"created": {func(s *types.Stack) { s.StackId = aws.String("x") }, false},
		"status":  {func(s *types.Stack) { s.StackStatus = types.StackStatusUpdateInProgress }, false},
		"updated": {func(s *types.Stack) { s.LastUpdatedTime = &unitNow }, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := *unitStack("backup").described
			tc.change(&now)
			if got := sameState(unitStack("backup").described, &now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestOpen checks what is read of a stack in each status, and what is reported of it.
func TestOpen(t *testing.T) {
	const template = "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: t}}}"
	for _, tc := range []struct {
		name                 string
		status               types.StackStatus
		age                  time.Duration
		was                  bool // in progress in the previous check
		err                  map[string]error
		template             string
		read                 bool
		unstable, inProgress bool
		want                 []string
	}{
		{"complete", types.StackStatusUpdateComplete, 0, false, nil, template, true, false, false, nil},
		{"rollback failed", types.StackStatusUpdateRollbackFailed, 0, false, nil, template, true, false, false,
			[]string{"stack-failed [UPDATE_ROLLBACK_FAILED] monitoring: - → UPDATE_ROLLBACK_FAILED"}},
		{"update failed", types.StackStatusUpdateFailed, 0, false, nil, template, true, true, false,
			[]string{"stack-failed [UPDATE_FAILED] monitoring: - → UPDATE_FAILED"}},
		{"in progress", types.StackStatusUpdateInProgress, time.Hour, false, nil, template, true, false, true, nil},
		{"held in progress", types.StackStatusUpdateInProgress, time.Hour + 1, false, nil, template, true, true, false,
			[]string{"stack-held [UPDATE_IN_PROGRESS] monitoring: - → UPDATE_IN_PROGRESS"}},
		{"in progress again", types.StackStatusUpdateInProgress, 0, true, nil, template, true, true, false,
			[]string{"stack-held [UPDATE_IN_PROGRESS] monitoring: - → UPDATE_IN_PROGRESS"}},
		{"rolled back at creation", types.StackStatusRollbackComplete, 0, false, nil, template, false, true, false,
			[]string{"not-readable [ROLLBACK_COMPLETE] unreadable: - → ROLLBACK_COMPLETE (stack-not-stable)"}},
		{"resources denied", types.StackStatusUpdateComplete, 0, false, map[string]error{"ListStackResources": errDenied},
			template, false, false, false, []string{"not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"template denied", types.StackStatusUpdateComplete, 0, false, map[string]error{"GetTemplate": errDenied}, template,
			true, false, false, []string{"not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"template invalid", types.StackStatusUpdateComplete, 0, false, nil, "Resources: [", true, false, false,
			[]string{"not-readable [template] unreadable (template-invalid)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			described := unitStack("backup").described
			described.StackStatus = tc.status
			described.LastUpdatedTime = aws.Time(unitNow.Add(-tc.age))
			resource := func(id, physical string, status types.ResourceStatus) types.StackResourceSummary {
				return types.StackResourceSummary{
					LogicalResourceId: &id, PhysicalResourceId: &physical, ResourceType: aws.String(typeTopic),
					ResourceStatus: status, LastUpdatedTimestamp: &unitNow,
				}
			}
			c := unitCheck(&unitCloudFormation{
				err: tc.err, templates: map[string]string{"": tc.template}, resources: []types.StackResourceSummary{
					resource("Deleted", "d", types.ResourceStatusDeleteComplete),
					resource("Topic", unitTopic, types.ResourceStatusUpdateComplete),
					resource("NotCreated", "", types.ResourceStatusCreateFailed),
				},
			}, nil)
			c.o.WasInProgress = func(id string) bool { return tc.was && id == *described.StackId }
			s := c.open(t.Context(), unitParent(), described)
			checkDrafts(t, s.drafts, tc.want...)
			if (len(s.resources) == 1) != tc.read || s.unstable != tc.unstable || s.inProgress != tc.inProgress {
				t.Errorf("%d resources, unstable %v, in progress %v", len(s.resources), s.unstable, s.inProgress)
			}
			evaluated := tc.read && tc.err == nil && tc.template == template
			if (s.bound != nil) != evaluated || tc.read && (s.resources[0].props != nil) != evaluated {
				t.Errorf("evaluated: %v", s.bound != nil)
			}
			if evaluated && (s.body != template || !s.resources[0].updated.Equal(unitNow)) {
				t.Errorf("got %q, updated %s", s.body, s.resources[0].updated)
			}
		})
	}
}

// TestDescribe checks that a stack that was deleted does not exist.
func TestDescribe(t *testing.T) {
	deleted := unitStack("deleted").described
	deleted.StackStatus = types.StackStatusDeleteComplete
	c := unitCheck(&unitCloudFormation{stacks: map[string]*types.Stack{
		"deleted": deleted, "backup": unitStack("backup").described,
	}}, nil)
	for name, want := range map[string]bool{"deleted": false, "missing": false, "backup": true} {
		if got, err := c.describe(t.Context(), name); err != nil || (got != nil) != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// TestStackEnvironment checks with which values a template is evaluated: parameters as they were resolved, and nothing
// for those that CloudFormation masks, but the external id.
func TestStackEnvironment(t *testing.T) {
	const text = "Parameters: {A: {Type: String}, P: {Type: String}, " +
		"S: {Type: String, NoEcho: true}%}\nResources: {Topic: {Type: AWS::SNS::Topic}}"
	s := unitStack("backup").parameters(map[string]string{"A": "a", "P": "/p", "S": "****", "Undeclared": "u"})
	s.described.Parameters[1].ResolvedValue = aws.String("resolved")
	for extra, id := range map[string]string{"": "", ", ExternalId: {Type: String, NoEcho: true}": externalIDPlaceholder} {
		template, err := cfntemplate.Parse([]byte(strings.Replace(text, "%", extra, 1)))
		if err != nil {
			t.Fatal(err)
		}
		got := s.environment(unitParent(), template).Parameters
		if got["A"] != "a" || got["P"] != "resolved" || got["S"] != unknown || got["Undeclared"] != "u" ||
			got["ExternalId"] != id {
			t.Errorf("got %q", got)
		}
	}
}

// TestTemplateCache checks that a template is parsed once, and that the cache is bounded.
func TestTemplateCache(t *testing.T) {
	var c templateCache
	text := func(i int) string {
		return "Resources: {Topic: {Type: AWS::SNS::Topic}} #" + strings.Repeat("x", i)
	}
	first, err := c.parse(text(0))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.parse(text(0)); err != nil || again != first {
		t.Errorf("the template was parsed again, %v", err)
	}
	if _, err := c.parse("Resources: ["); err == nil || len(c.parsed) != 1 {
		t.Errorf("got %v for an invalid template, and %d templates", err, len(c.parsed))
	}
	for i := range maxCachedTemplates {
		if _, err := c.parse(text(i)); err != nil || len(c.parsed) != i+1 {
			t.Errorf("got %d templates after %d, %v", len(c.parsed), i+1, err)
		}
	}
	if again, err := c.parse(text(0)); err != nil || again != first {
		t.Errorf("the template was dropped too early, %v", err)
	}
	if _, err := c.parse(text(maxCachedTemplates)); err != nil || len(c.parsed) != 1 {
		t.Errorf("got %d templates, want the last one alone, %v", len(c.parsed), err)
	}
}

// TestStackPolicy checks which stack policies allow every update (CloudFormation User Guide, "Prevent updates to stack
// resources").
func TestStackPolicy(t *testing.T) {
	statement := func(text string) string { return `{"Statement":[` + text + `]}` }
	const all = `{"Effect":"Allow","Action":"Update:*","Principal":"*","Resource":"*"}`
	for _, tc := range []struct {
		name, policy string
		want         bool
	}{
		{"none", " ", true}, {"all updates", statement(all), true}, {"everything", statement(strings.ReplaceAll(all,
			"Update:*", "*")), true}, {"in another case", statement(strings.ReplaceAll(all, "Update:*", "update:*")), true},
		{"a denial beside", statement(all + `,{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"x"}`), false},
		{"one kind", statement(strings.ReplaceAll(all, "Update:*", "Update:Modify")), false},
		{"one resource", statement(strings.ReplaceAll(all, `"Resource":"*"`, `"Resource":"x"`)), false},
		{"two resources", statement(strings.ReplaceAll(all, `"Resource":"*"`, `"Resource":["*","x"]`)), false},
		{"with a condition", statement(strings.ReplaceAll(all, `"Resource":"*"`,
			`"Resource":"*","Condition":{"StringEquals":{"ResourceType":["x"]}}`)), false},
		{"one kind, and all", statement(strings.ReplaceAll(all, "Update:*", "Update:Modify") + "," + all), true},
		{"all, and one kind", statement(all + "," + strings.ReplaceAll(all, "Update:*", "Update:Modify")), true},
		{"nothing", `{"Statement":[]}`, false}, {"invalid", "{", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := allowsUpdates(tc.policy); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// settingsParent is a parent whose function has the stack role.
func settingsParent() *stack {
	parent := unitStack("backup")
	variables := func(role string) string { return `{"Environment":{"Variables":{"STACK_ROLE_ARN":"` + role + `"}}}` }
	parent.add("AWS::SNS::Topic", "Topic", "t", variables("topic"))
	parent.add("AWS::Lambda::Function", "Other", "o", `{}`)
	parent.add("AWS::Lambda::Function", "Unknown", "u", variables(`\u0000unknown`))
	parent.add("AWS::Lambda::Function", "Function", "f", variables("role"))
	return parent
}

// TestStackSettings checks which settings of a permission stack are findings.
func TestStackSettings(t *testing.T) {
	const denying = `{"Statement":[{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*"}]}`
	for _, tc := range []struct {
		name    string
		parent  *stack
		change  func(s *types.Stack)
		policy  string
		err     error
		limited string // the stack of an event
		want    []string
	}{
		{"none", settingsParent(), nil, "", nil, "", nil},
		{"the expected role", settingsParent(), func(s *types.Stack) { s.RoleARN = aws.String("role") }, "", nil, "", nil},
		{"another role", settingsParent(), func(s *types.Stack) { s.RoleARN = aws.String("theirs") }, "", nil, "",
			[]string{"property-changed [RoleARN] grants-more: role → theirs"}},
		{"another role, the expected one is not known", unitStack("backup"),
			func(s *types.Stack) { s.RoleARN = aws.String("theirs") }, "", nil, "", nil},
		{"topic", settingsParent(), func(s *types.Stack) { s.NotificationARNs = []string{"t"} }, "", nil, "",
			[]string{"property-changed [t] grants-more: none → t"}},
		{"alarm", settingsParent(), func(s *types.Stack) {
			s.RollbackConfiguration = &types.RollbackConfiguration{
				RollbackTriggers: []types.RollbackTrigger{{Arn: aws.String("a")}},
			}
		}, "", nil, "", []string{"property-changed [a] monitoring: none → a"}},
		{"policy", settingsParent(), nil, denying, nil, "",
			[]string{"property-changed [StackPolicy] monitoring: none → " + denying}},
		{"policy denied", settingsParent(), nil, "", errDenied, "",
			[]string{"not-readable [iam:GetRole] unreadable (access-denied)"}},
		{"policy, limited to another stack", settingsParent(), nil, denying, nil, "web", nil},
		{"policy, limited to the stack", settingsParent(), nil, denying, nil, "access",
			[]string{"property-changed [StackPolicy] monitoring: none → " + denying}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("access")
			if tc.change != nil {
				tc.change(s.described)
			}
			c := unitCheck(&unitCloudFormation{
				stackPolicy: tc.policy, err: map[string]error{"GetStackPolicy": tc.err},
			}, nil)
			if tc.limited != "" {
				c.o.Limited, c.o.Events = true, []changeevent.Event{{Stack: stackARN(tc.limited, unitUUID)}}
			}
			c.compareStackSettings(t.Context(), tc.parent, s)
			checkDrafts(t, s.drafts, tc.want...)
		})
	}
}

// TestParentSettingChoices checks the choices of the parent's settings, and which of them let somebody do more.
func TestParentSettingChoices(t *testing.T) {
	const denying = `{"Statement":[{"Effect":"Deny","Action":"Update:*","Principal":"*","Resource":"*"}]}`
	all := func(s *types.Stack) {
		s.RoleARN, s.NotificationARNs = aws.String("r"), []string{"t"}
		s.RollbackConfiguration = &types.RollbackConfiguration{
			RollbackTriggers: []types.RollbackTrigger{{Arn: aws.String("a")}},
		}
	}
	for _, tc := range []struct {
		name      string
		change    func(s *types.Stack)
		previous  map[string]string
		policy    string
		err       error
		limited   bool
		want      []string
		direction finding.Direction
		drafts    int
	}{
		{"none", nil, nil, "", nil, false, []string{"StackSettings none", "StackPolicy none"}, "", 0},
		{"all", all, nil, "", nil, false, []string{"StackSettings alarm a,role r,topic t", "StackPolicy none"},
			finding.GrantsMore, 0},
		{"all, as before", all, map[string]string{"StackSettings": "alarm x,role r,topic t"}, "", nil, false,
			[]string{"StackSettings alarm a,role r,topic t", "StackPolicy none"}, "", 0},
		{"a new role", all, map[string]string{"StackSettings": "topic t"}, "", nil, false,
			[]string{"StackSettings alarm a,role r,topic t", "StackPolicy none"}, finding.GrantsMore, 0},
		{"policy", nil, nil, denying, nil, false,
			[]string{"StackSettings none", "StackPolicy sha256 " + digest(denying)[:16]}, "", 0},
		{"policy denied", nil, map[string]string{"StackPolicy": "before"}, "", errDenied, false,
			[]string{"StackSettings none", "StackPolicy before"}, "", 1},
		{"policy denied in the first check", nil, nil, "", errDenied, false, []string{"StackSettings none"}, "", 1},
		{"limited", nil, map[string]string{"StackPolicy": "before"}, denying, nil, true,
			[]string{"StackSettings none", "StackPolicy before"}, "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := unitStack("backup")
			if tc.change != nil {
				tc.change(s.described)
			}
			c := unitCheck(&unitCloudFormation{
				stackPolicy: tc.policy, err: map[string]error{"GetStackPolicy": tc.err},
			}, nil)
			c.o.Previous = func(name string) string { return tc.previous[name] }
			if c.o.Limited = tc.limited; tc.limited {
				c.o.Events = []changeevent.Event{{Stack: "other"}}
			}
			var got []string
			list := c.parentSettings(t.Context(), s)
			for _, choice := range list {
				got = append(got, choice.Name+" "+choice.Value)
			}
			if !slices.Equal(got, tc.want) || list[0].Direction != tc.direction || len(s.drafts) != tc.drafts {
				t.Errorf("got %q, %s, %d findings", got, list[0].Direction, len(s.drafts))
			}
			if tc.name == "limited" {
				c.o.Events = []changeevent.Event{{Stack: s.id}}
				if list := c.parentSettings(t.Context(), s); !strings.HasPrefix(list[1].Value, "sha256 ") {
					t.Errorf("an event of the stack: got %+v", list[1])
				}
			}
		})
	}
}
