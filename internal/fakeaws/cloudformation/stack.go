package cloudformation

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

// stack is one stack. Engine.mu guards it; only the goroutine of its operation
// changes its resources, and reads them without the lock.
type stack struct {
	id, name, account, region string

	settings  // as last deployed
	status    string
	reason    string
	created   time.Time
	updated   time.Time
	deleted   time.Time
	protected bool
	events    []event // oldest first
	resources map[string]*resource
	order     []string // logical ids in the order of creation
	outputs   []cfntemplate.OutputValue

	changeSets    []*changeSet
	operation     string // id of the last operation
	busy          bool
	stop          context.CancelFunc // cancels the operation in progress
	operationDone chan struct{}      // closed when the operation in progress has ended
	cancelled     bool               // CancelUpdateStack was called
	deleting      bool
	previous      *previousState // what a failed rollback still has to restore
	drift         string
	driftTime     time.Time
	masked        []string // values that NoEcho parameters had
}

// settings are the template, parameters and options of a create or an update.
type settings struct {
	stackPolicy     string // JSON; "" for none
	updatePolicy    string // replaces it during one update
	body            string
	template        *cfntemplate.Template
	bound           *cfntemplate.Resolved
	parameterValues map[string]string // parameter values
	capabilities    []string
	resourceTypes   []string
	tags            []protocol.Tag
	notifications   []string
	rollback        []rollbackTrigger
	roleARN         string
	onFailure       string // ROLLBACK, DELETE, DO_NOTHING
	timeout         int    // minutes
	token           string // ClientRequestToken
	config          aws.Config
	actual          map[string]*actual // of a drift-aware change set; nil for every other deployment
}

// rollbackTrigger is an alarm that would roll an operation back. Alarms of the embedded AWS have too few data for a
// state, so none does.
type rollbackTrigger struct {
	ARN  string `xml:"Arn"`
	Type string `xml:"Type"`
}

type event struct {
	id, logicalID, physicalID, typ, status, reason, properties, token string

	operation  string // the operation that the event belongs to
	validation string // name of the validation that failed before the operation; "" for others
	time       time.Time
}

// resource is one resource of a stack.
type resource struct {
	logicalID, typ, id string
	status, reason     string
	time               time.Time
	props              map[string]any // as last applied
	tags               []protocol.Tag // the stack's, as last applied
	attrs              map[string]any
	noEcho             bool
	retain             bool // DeletionPolicy
	retainReplaced     bool // UpdateReplacePolicy
	retainNew          bool // RetainExceptOnCreate
	metadata           any
	drift              *drift
	// declarations that may be in effect in part: those before updates that failed since the last success
	attempts []version
	declared map[string]any // in a previousState: props before the drift was merged into them
}

// version is an earlier declaration of a resource.
type version struct {
	props map[string]any
	tags  []protocol.Tag
}

func (r *resource) clone() *resource { c := *r; return &c }

const stackType = "AWS::CloudFormation::Stack"

// find returns a stack by name or id, or nil. A deleted stack is found by its id
// only. Hold e.mu.
func (e *Engine) find(account, region, nameOrID string, deleted bool) *stack {
	sp := e.space(account, region)
	if !strings.HasPrefix(nameOrID, "arn:") {
		return sp.live[nameOrID]
	}
	for _, s := range sp.all {
		if s.id == nameOrID && (deleted || s.status != "DELETE_COMPLETE") {
			return s
		}
	}
	return nil
}

// mustFind is find for an API call, with AWS's error.
func (e *Engine) mustFind(call *protocol.Call, nameOrID string) (*stack, error) {
	if nameOrID == "" {
		return nil, invalid(
			"1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must " +
				"not be null",
		)
	}
	if s := e.find(call.Account, call.Region, nameOrID, true); s != nil {
		return s, nil
	}
	return nil, invalid("Stack with id %s does not exist", nameOrID)
}

func invalid(format string, args ...any) *protocol.Error {
	return protocol.Errorf("ValidationError", format, args...)
}

// setStatus changes the stack's status and adds an event; hold e.mu.
func (e *Engine) setStatus(s *stack, status, reason string) {
	s.status, s.reason = status, reason
	e.appendEvent(s, event{logicalID: s.name, physicalID: s.id, typ: stackType, status: status, reason: reason})
}

// appendEvent adds an event; hold e.mu.
func (e *Engine) appendEvent(s *stack, ev event) {
	ev.time, ev.token, ev.operation = e.now(), s.token, s.operation
	ev.id = protocol.NewUUID()
	if ev.typ != stackType {
		ev.id = ev.logicalID + "-" + ev.status + "-" + ev.time.Format("2006-01-02T15:04:05.000Z")
	}
	s.events = append(s.events, ev)
	e.emitStatus(s, ev)
	e.d.Logger.Debug(
		"stack event",
		"stack",
		s.name,
		"resource",
		ev.logicalID,
		"status",
		ev.status,
		"reason",
		ev.reason,
	)
	e.broadcast()
}

// setResource changes a resource's status and adds an event.
func (e *Engine) setResource(s *stack, r *resource, status, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r.status, r.reason = status, reason
	properties := ""
	if r.props != nil {
		properties = s.mask(marshal(r.props))
	}
	e.appendEvent(
		s,
		event{
			logicalID:  r.logicalID,
			physicalID: r.id,
			typ:        r.typ,
			status:     status,
			reason:     reason,
			properties: properties,
		},
	)
	r.time = s.events[len(s.events)-1].time
}

// mask replaces the values that NoEcho parameters have or had in displayed text.
func (s *stack) mask(text string) string {
	if s.template == nil || s.bound == nil {
		return text
	}
	for _, p := range s.template.Parameters {
		v := s.bound.Parameters[p.Name]
		if p.NoEcho && v != "" && !slices.Contains(s.masked, v) {
			s.masked = append(s.masked, v)
		}
	}
	for _, v := range s.masked {
		text = strings.ReplaceAll(text, marshal(v), `"****"`)
	}
	return text
}

// maskValue masks a value that is text by itself, or JSON.
func (s *stack) maskValue(value string) string {
	if masked := s.mask(marshal(value)); masked != marshal(value) {
		return "****"
	}
	return s.mask(value)
}

// putResource stores a resource under its logical id.
func (e *Engine) putResource(s *stack, r *resource) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s.resources[r.logicalID] = r
	if !slices.Contains(s.order, r.logicalID) {
		s.order = append(s.order, r.logicalID)
	}
}

// removeResource forgets a resource.
func (e *Engine) removeResource(s *stack, logicalID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(s.resources, logicalID)
	s.order = slices.DeleteFunc(s.order, func(id string) bool { return id == logicalID })
}

// environment returns the environment in which a stack's template is evaluated;
// hold e.mu.
func (e *Engine) environment(s *stack, set *settings) cfntemplate.Environment {
	imports := map[string]string{}
	for _, other := range e.space(s.account, s.region).live {
		for _, o := range other.outputs {
			if o.ExportName != "" {
				imports[o.ExportName] = o.Value
			}
		}
	}
	return cfntemplate.Environment{
		Parameters: set.parameterValues,
		Pseudo: cfntemplate.Pseudo{
			AccountID: s.account, Region: s.region, Partition: protocol.Partition(s.region),
			StackID: s.id, StackName: s.name, NotificationARNs: set.notifications,
		},
		Zones: []string{s.region + "a", s.region + "b", s.region + "c"},
		Import: func(name string) (string, error) {
			if v, ok := imports[name]; ok {
				return v, nil
			}
			return "", fmt.Errorf("No export named %s found.", name)
		},
	}
}

func stackARN(account, region, name, unique string) string {
	return fmt.Sprintf(
		"arn:%s:cloudformation:%s:%s:stack/%s/%s",
		protocol.Partition(region),
		region,
		account,
		name,
		unique,
	)
}

// generateName returns <stack>-<logical id>-<12 random characters>, at most
// limit characters long: the first two parts are shortened if necessary.
func generateName(stackName, logicalID string, limit int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b [12]byte
	_, _ = rand.Read(b[:])
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	available := limit - len(b) - 2
	if len(stackName)+len(logicalID) > available {
		logicalID = logicalID[:min(len(logicalID), max(available/2, available-len(stackName)))]
		stackName = stackName[:min(len(stackName), available-len(logicalID))]
	}
	return stackName + "-" + logicalID + "-" + string(b[:])
}
