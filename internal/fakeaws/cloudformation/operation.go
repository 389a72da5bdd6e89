package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/fakeaws/protocol"
)

// operation is one create, update, delete or rollback of a stack. A stack has at
// most one at a time.
type operation struct {
	e   *Engine
	s   *stack
	ctx context.Context
	cfg aws.Config

	work *schedule
}

// start runs the operation in a goroutine, after one that is in progress; hold
// e.mu.
func (e *Engine) start(s *stack, do func(*operation)) {
	ctx, stop := context.WithCancel(e.ctx)
	if s.timeout > 0 && s.status == "CREATE_IN_PROGRESS" {
		ctx, stop = context.WithTimeout(e.ctx, time.Duration(s.timeout)*time.Minute)
	}
	before := s.operationDone
	worked := make(chan struct{})
	s.busy, s.stop, s.operationDone, s.cancelled = true, stop, worked, false
	op := &operation{e: e, s: s, ctx: ctx, cfg: s.config, work: newSchedule()}
	n := e.started
	e.started++
	e.broadcast()
	e.work.Go(func() {
		defer stop()
		if before != nil {
			<-before
		}
		if e.d.Begin != nil {
			defer e.d.Begin(ctx, n)()
		}
		op.work.mu.Lock()
		do(op)
		op.work.mu.Unlock()
		e.mu.Lock()
		defer e.mu.Unlock()
		if s.operationDone == worked {
			s.busy = false
		}
		close(worked)
		e.broadcast()
	})
}

func (op *operation) status(status, reason string) {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	op.e.setStatus(op.s, status, reason)
}

// aborted reports whether the operation should end now, because the stack is
// being deleted or the engine closed.
func (op *operation) aborted() bool {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	return op.s.deleting || op.e.ctx.Err() != nil
}

// request returns the request to a handler of a resource's type.
func (op *operation) request(r *resource, handler string, old map[string]any, oldTags []protocol.Tag) *request {
	q := &request{
		ctx: op.ctx, engine: op.e, cfg: onlyDeclared(op.cfg, r.typ, handler), stack: op.s, logicalID: r.logicalID, typ: r.typ,
		id:    r.id,
		props: r.props, old: old, attempts: r.attempts, stackTags: r.tags, oldTags: oldTags, token: protocol.NewUUID(),
		began: op.e.d.Clock(), unlocked: op.unlocked,
	}
	if q.cfg.HTTPClient != nil {
		q.responses = &responseWatch{next: q.cfg.HTTPClient}
		q.cfg.HTTPClient = q.responses
	}
	return q
}

// resolver evaluates Ref and Fn::GetAtt with the stack's resources.
type resolver struct{ resources map[string]*resource }

func (v resolver) Ref(id string) (any, error) {
	r := v.resources[id]
	if r == nil || r.id == "" {
		return nil, fmt.Errorf("Unable to retrieve the physical id of resource %s", id)
	}
	return r.id, nil
}

func (v resolver) GetAtt(id, attr string) (any, error) {
	r := v.resources[id]
	if r == nil {
		return nil, fmt.Errorf("Unable to retrieve %s attribute for %s", attr, id)
	}
	value, ok := r.attrs[attr]
	switch _, isCustom := findProvider(r.typ).(custom); {
	case ok:
		return value, nil
	case isCustom:
		return nil, fmt.Errorf(
			"CustomResource attribute error: Vendor response doesn't contain %s attribute in object %s", attr, r.id)
	}
	return nil, fmt.Errorf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", id, attr)
}

// resolve evaluates a resource's properties with the resources created so far.
func (op *operation) resolve(t *cfntemplate.Resource) (map[string]any, error) {
	return op.s.bound.Properties(t.LogicalID, resolver{op.s.resources})
}

// declare copies the attributes of a resource in the template other than its
// properties.
func (r *resource) declare(t *cfntemplate.Resource) {
	r.retain = t.DeletionPolicy == "Retain" || t.DeletionPolicy == "RetainExceptOnCreate"
	r.retainNew = t.DeletionPolicy == "Retain"
	r.retainReplaced = t.UpdateReplacePolicy == "Retain"
	r.metadata = t.Metadata
}

// make creates a resource and adds it to the stack.
func (op *operation) make(t *cfntemplate.Resource) error {
	r := &resource{logicalID: t.LogicalID, typ: t.Type, tags: op.s.tags}
	r.declare(t)
	return op.makeAs(r, t, "CREATE", "Resource creation Initiated")
}

// makeAs creates a resource in the course of a create or of an update, which
// replaces a resource and reports it as an update.
func (op *operation) makeAs(r *resource, t *cfntemplate.Resource, verb, reason string) error {
	op.e.putResource(op.s, r)
	op.e.setResource(op.s, r, verb+"_IN_PROGRESS", "")
	values, err := op.resolve(t)
	if err == nil {
		err = findProvider(t.Type).schema().check(t.Type, values)
	}
	if err == nil {
		err = op.ctx.Err()
	}
	if err == nil {
		op.e.mu.Lock()
		r.props = values
		op.e.mu.Unlock()
		q := op.request(r, createHandler, nil, nil)
		var out outcome
		out, err = q.create()
		op.accept(r, out, err == nil)
		if err != nil {
			err = errors.New(op.failureReason(q, err))
		} else {
			err = op.wait(r, createHandler)
		}
	}
	if err != nil {
		err = op.cancellationError(verb, err)
		op.e.setResource(op.s, r, verb+"_FAILED", err.Error())
		return err
	}
	op.e.setResource(op.s, r, verb+"_IN_PROGRESS", reason)
	op.e.setResource(op.s, r, verb+"_COMPLETE", "")
	return nil
}

// accept stores the outcome of a handler. After a failure (complete is false)
// only the physical id is stored.
func (op *operation) accept(r *resource, out outcome, complete bool) {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	if out.id != "" {
		r.id = out.id
	}
	if complete {
		r.attrs, r.noEcho = out.attrs, out.noEcho
	}
}

// change updates a resource in place.
func (op *operation) change(r *resource, values map[string]any, tags []protocol.Tag) error {
	op.e.setResource(op.s, r, "UPDATE_IN_PROGRESS", "")
	err := findProvider(r.typ).schema().check(r.typ, values)
	if err == nil {
		op.e.mu.Lock()
		old, oldTags := r.props, r.tags
		r.props, r.tags = values, tags // attempted: the rollback starts from here
		op.e.mu.Unlock()
		q := op.request(r, updateHandler, old, oldTags)
		var out outcome
		out, err = q.update()
		op.e.mu.Lock()
		if err == nil {
			r.attempts = nil
		} else {
			r.attempts = append(slices.Clone(r.attempts), version{old, oldTags})
		}
		op.e.mu.Unlock()
		if err == nil {
			op.accept(r, out, true)
			err = op.wait(r, updateHandler)
		} else {
			err = errors.New(op.failureReason(q, err))
		}
	}
	if err != nil {
		err = op.cancellationError("UPDATE", err)
		op.e.setResource(op.s, r, "UPDATE_FAILED", err.Error())
		return err
	}
	op.e.setResource(op.s, r, "UPDATE_COMPLETE", "")
	return nil
}

// remove deletes a resource and reports whether that succeeded.
func (op *operation) remove(r *resource) bool {
	if r.id == "" {
		op.e.setResource(op.s, r, "DELETE_COMPLETE", "")
		return true
	}
	op.e.setResource(op.s, r, "DELETE_IN_PROGRESS", "")
	q := op.request(r, deleteHandler, nil, nil)
	if err := q.delete(); err != nil && !errors.Is(err, errNotFound) && !isNotFound(err) {
		op.e.setResource(op.s, r, "DELETE_FAILED", op.failureReason(q, err))
		return false
	}
	_ = op.wait(r, deleteHandler) // the resource is deleted, whether or not the operation was cancelled
	op.e.setResource(op.s, r, "DELETE_COMPLETE", "")
	return true
}

// cancellationError returns AWS's error for an operation that was cancelled or
// timed out, and any other error unchanged.
func (op *operation) cancellationError(verb string, err error) error {
	op.e.mu.Lock()
	defer op.e.mu.Unlock()
	switch {
	case op.s.cancelled || op.s.deleting:
		return fmt.Errorf("Resource %s cancelled", map[string]string{"CREATE": "creation", "UPDATE": "update"}[verb])
	case errors.Is(op.ctx.Err(), context.DeadlineExceeded):
		return errors.New("Resource creation cancelled: stack creation time exceeded the specified timeout")
	}
	return err
}

// failureReason returns a failure as CloudFormation shows it: an error of a
// service as the message of the resource's handler.
func (op *operation) failureReason(q *request, err error) string {
	var api smithy.APIError
	var own *protocol.Error
	code, message, service := "", "", ""
	status, requestID := http.StatusBadRequest, ""
	switch {
	case errors.As(err, &api):
		code, message = api.ErrorCode(), api.ErrorMessage()
		var opErr *smithy.OperationError
		if errors.As(err, &opErr) {
			service = strings.ReplaceAll(opErr.ServiceID, " ", "")
		}
		var http *awshttp.ResponseError
		if errors.As(err, &http) {
			status, requestID = http.HTTPStatusCode(), http.ServiceRequestID()
		}
		if code == "AccessDenied" && service == "IAM" {
			service = "Iam"
		}
	case errors.As(err, &own):
		code, message, service = own.Code, own.Message, "Lambda"
		if _, isCustom := findProvider(q.typ).(custom); !isCustom {
			service = strings.Split(q.typ, "::")[1]
		}
		if own.Status != 0 {
			status = own.Status
		}
		requestID = protocol.NewUUID()
	default:
		return err.Error()
	}
	kind := handlerCode(code)
	if kind == "AlreadyExists" {
		if name := q.props.str(findProvider(q.typ).schema().Name); name != "" {
			return fmt.Sprintf(
				"Resource handler returned message: \"Resource of type '%s' with identifier '%s' already "+
					"exists.\" (RequestToken: %s, HandlerErrorCode: %s)", q.typ, name, q.token, kind)
		}
	}
	return fmt.Sprintf("Resource handler returned message: \"%s (Service: %s, Status Code: %d, Request ID: %s)\" "+
		"(RequestToken: %s, HandlerErrorCode: %s)", message, service, status, requestID, q.token, kind)
}

// handlerCode returns CloudFormation's code for a service's error code. Source:
// CloudFormation CLI user guide, "Handler error codes".
func handlerCode(code string) string {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(code, p) {
				return true
			}
		}
		return false
	}
	switch {
	case has("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized"):
		return "AccessDenied"
	case has("AlreadyExists", "ResourceConflict", "NameExists"):
		return "AlreadyExists"
	case has("NoSuchEntity", "NotFound", "DoesNotExist", "NonExistent"):
		return "NotFound"
	case has("LimitExceeded", "Quota"):
		return "ServiceLimitExceeded"
	case has("Throttling", "TooManyRequests", "RateExceeded"):
		return "Throttling"
	case has("Invalid", "Malformed", "Validation", "DeleteConflict", "Unmodifiable"):
		return "InvalidRequest"
	case has("InternalFailure", "ServiceFailure"):
		return "ServiceInternalError"
	}
	return "GeneralServiceException"
}

// isNotFound reports whether an error of a service means that the resource does
// not exist.
func isNotFound(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		return handlerCode(api.ErrorCode()) == "NotFound"
	}
	var own *protocol.Error
	return errors.As(err, &own) && handlerCode(own.Code) == "NotFound"
}
