// Package stacksets is the StackSets of the embedded CloudFormation: stack sets
// with self-managed and service-managed permissions, their instances in other
// accounts and Regions, operations with failure tolerance and concurrency, and
// automatic deployment to accounts that join an organizational unit.
//
// An operation creates, updates and deletes ordinary stacks through the SDK, with
// the execution role of each account. Drift detection of stack sets, import of
// stacks, account gates, AccountsUrl and dependencies between stack sets are
// refused with NotImplemented or not performed.
//
// Fields, statuses and errors are those of the CloudFormation API reference;
// tolerance and concurrency follow "StackSets concepts", "StackSet operation
// options", in the CloudFormation User Guide.
package stacksets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/fakeaws/organizations"
	"permstack/internal/fakeaws/protocol"
)

// Deps are the dependencies of a Service.
type Deps struct {
	// ConfigFor returns the configuration to call services as a role, or as the
	// account's owner if roleARN is empty.
	ConfigFor func(account, region, roleARN string) aws.Config
	// ConfigWith returns the configuration to call services with credentials.
	ConfigWith func(region string, credentials aws.Credentials) aws.Config
	// Assumable returns an error unless an AWS service may assume the role.
	Assumable func(account, roleARN, service string, keys map[string][]string) error
	// Fetch reads the object of a TemplateURL as the caller.
	Fetch func(call *protocol.Call, url string) ([]byte, error)
	// Wait waits until no operation is in progress on a stack, and returns its
	// status and the reason of that status.
	Wait func(ctx context.Context, account, region, stack string) (status, reason string, err error)

	Organizations *organizations.Service
	Clock         func() time.Time
	Logger        *slog.Logger
}

// Service holds the stack sets of all accounts and Regions.
type Service struct {
	d      Deps
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu        sync.Mutex // guards all that follows, stack sets included
	sets      map[location][]*stackSet
	templates map[string][]byte // by URL

	rolesMu sync.Mutex // held while the roles of an account are created
}

type location struct{ account, region string }

// stackSet is one stack set.
type stackSet struct {
	location
	id, name, status string
	definition
	instances  []*instance
	targets    []*target    // organizational units, for automatic deployment
	operations []*operation // oldest first
	running    bool         // an operation is in progress
}

// definition is what CreateStackSet and UpdateStackSet set.
type definition struct {
	body, description  string
	parameters         []parameter
	hidden             []string // parameters with NoEcho
	tags               []protocol.Tag
	capabilities       []string
	adminRole          string // ARN
	executionRole      string // name
	serviceManaged     bool
	automatic, retains bool // AutoDeployment
	queues             bool // ManagedExecution
}

// target is an organizational unit to which a stack set is deployed.
type target struct {
	unit    string
	regions []string
}

// New returns a service without stack sets, which watches the accounts of
// d.Organizations.
func New(d Deps) *Service {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{d: d, sets: map[location][]*stackSet{}, templates: map[string][]byte{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if d.Organizations != nil {
		d.Organizations.OnChange(s.accountChanged)
	}
	return s
}

// Close cancels the operations in progress and waits for them to end.
func (s *Service) Close() error {
	s.cancel()
	s.work.Wait()
	return nil
}

// Actions are the calls of StackSets, which belong to the service
// "cloudformation".
func (s *Service) Actions() map[string]protocol.Action {
	return map[string]protocol.Action{
		"CreateStackSet":   protocol.NewAction(s.createStackSet, onCreate),
		"UpdateStackSet":   protocol.NewAction(s.updateStackSet, s.onStackSet),
		"DeleteStackSet":   protocol.LockedQuery(&s.mu, s.deleteStackSet, s.onStackSet),
		"DescribeStackSet": protocol.LockedQuery(&s.mu, s.describeStackSet, s.onStackSet),
		"ListStackSets": protocol.LockedQuery(&s.mu, s.listStackSets,
			protocol.OnAnyResource("cloudformation:ListStackSets")),
		"ListStackSetAutoDeploymentTargets": protocol.LockedQuery(&s.mu, s.listTargets, s.onStackSet),

		"CreateStackInstances":  protocol.LockedQuery(&s.mu, s.createInstances, s.onStackSet),
		"UpdateStackInstances":  protocol.LockedQuery(&s.mu, s.updateInstances, s.onStackSet),
		"DeleteStackInstances":  protocol.LockedQuery(&s.mu, s.deleteInstances, s.onStackSet),
		"ListStackInstances":    protocol.LockedQuery(&s.mu, s.listInstances, s.onStackSet),
		"DescribeStackInstance": protocol.LockedQuery(&s.mu, s.describeInstance, s.onStackSet),

		"DescribeStackSetOperation":    protocol.LockedQuery(&s.mu, s.describeOperation, s.onStackSet),
		"ListStackSetOperations":       protocol.LockedQuery(&s.mu, s.listOperations, s.onStackSet),
		"ListStackSetOperationResults": protocol.LockedQuery(&s.mu, s.listResults, s.onStackSet),
		"StopStackSetOperation":        protocol.LockedQuery(&s.mu, s.stopOperation, s.onStackSet),

		"ActivateOrganizationsAccess": protocol.NewAction(s.activateAccess,
			protocol.OnAnyResource("cloudformation:ActivateOrganizationsAccess")),
		"DeactivateOrganizationsAccess": protocol.NewAction(s.deactivateAccess,
			protocol.OnAnyResource("cloudformation:DeactivateOrganizationsAccess")),
		"DescribeOrganizationsAccess": protocol.NewAction(s.describeAccess,
			protocol.OnAnyResource("cloudformation:DescribeOrganizationsAccess")),
	}
}

// templateHost is the host of the URLs by which stacks of stack sets read their
// templates. CloudFormation takes a longer template by URL than inline.
const templateHost = "https://stacksets.permstack.invalid/"

// Template returns the template of a URL that an operation passes to
// CloudFormation, and false for every other URL.
func (s *Service) Template(url string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.templates[url]
	return body, ok
}

// templateURL stores a template and returns its URL; hold s.mu.
func (s *Service) templateURL(body string) string {
	sum := sha256.Sum256([]byte(body))
	url := templateHost + hex.EncodeToString(sum[:])
	s.templates[url] = []byte(body)
	return url
}

func invalid(format string, args ...any) *protocol.Error {
	return protocol.Errorf("ValidationError", format, args...)
}

// findSet returns the active stack set that a call names by name or id; hold
// s.mu.
func (s *Service) findSet(call *protocol.Call) (*stackSet, error) {
	name := call.Str("StackSetName")
	if name == "" {
		return nil, invalid("1 validation error detected: Value null at 'stackSetName' failed to satisfy constraint: " +
			"Member must not be null")
	}
	at, err := s.owner(call)
	if err != nil {
		return nil, err
	}
	if set := s.find(at, name); set != nil {
		return set, nil
	}
	return nil, protocol.Errorf("StackSetNotFoundException", "StackSet %s not found", name).WithStatus(404)
}

// find returns the active stack set of a name or id, or nil; hold s.mu.
func (s *Service) find(at location, name string) *stackSet {
	for _, set := range s.sets[at] {
		if set.status == "ACTIVE" && (set.name == name || set.id == name || set.arn() == name) {
			return set
		}
	}
	return nil
}

func (set *stackSet) arn() string {
	return strings.Join([]string{
		"arn", protocol.Partition(set.region), "cloudformation", set.region, set.account, "stackset/" + set.id,
	}, ":")
}

// onCreate is for CreateStackSet, which has no resource.
func onCreate(call *protocol.Call) []protocol.Access {
	out := []protocol.Access{{
		Action: "cloudformation:CreateStackSet", Resource: "*", Context: protocol.TagContext(call.Tags("Tags"), nil, nil),
	}}
	return append(out, passRole(call)...)
}

// onStackSet is for actions on the stack set that StackSetName names.
func (s *Service) onStackSet(call *protocol.Call) []protocol.Access {
	resource := call.ARN("cloudformation", call.Region, call.Account, "stackset/"+call.Str("StackSetName")+":*")
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, err := s.owner(call); err == nil {
		if set := s.find(at, call.Str("StackSetName")); set != nil {
			resource = set.arn()
		}
	}
	out := []protocol.Access{{Action: "cloudformation:" + call.Action, Resource: resource}}
	return append(out, passRole(call)...)
}

func passRole(call *protocol.Call) []protocol.Access {
	role := call.Str("AdministrationRoleARN")
	if role == "" {
		return nil
	}
	return []protocol.Access{protocol.PassRole(role, "cloudformation.amazonaws.com")}
}

// paginate returns one page of at most size items and the token of the next.
func paginate[T any](call *protocol.Call, all []T, size int) ([]T, string, error) {
	if most, err := call.Int("MaxResults", size); err == nil && most > 0 && most < size {
		size = most
	}
	page, next, ok := protocol.Page(all, call.Str("NextToken"), size)
	if !ok {
		return nil, "", invalid("Invalid NextToken")
	}
	return page, next, nil
}

// missing returns the items of want that are not among have.
func missing(want, have []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(item string) bool { return slices.Contains(have, item) })
}
