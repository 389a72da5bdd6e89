package monitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/notify"
)

// SSM is the part of the SDK's client that a Store needs.
type SSM interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	ssm.GetParameterHistoryAPIClient
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

// Store holds the notify.State of a parent stack in one standard SSM parameter.
type Store struct {
	Client        SSM
	Parameter     string
	ParentStackID string
	// Created returns when the parent stack created or last changed the parameter, the zero time if it does not contain
	// it. Nil skips the comparison with the parameter's own time.
	Created func(context.Context) (time.Time, error)
}

// ErrBusy is returned by Begin while another run is in progress.
var ErrBusy = errors.New("another run is in progress")

// DamagedError is returned by Begin if the stored state cannot be used. The
// notify.State that is returned with it is empty and can be used.
type DamagedError struct{ err error }

func (e *DamagedError) Error() string { return e.err.Error() }
func (e *DamagedError) Unwrap() error { return e.err }

// Begin reads the state and acquires the lease for holder until a time. It
// returns ErrBusy while another holder has the lease; the same holder, such as a
// repeated invocation with the same request id, can acquire it again.
//
// SSM has no conditional write, but it counts versions: of two runs that read the
// same version and write, the second gets a version that is not the next one. It
// then restores what it replaced and returns ErrBusy.
//
// If it returns a *DamagedError the lease is acquired.
func (s *Store) Begin(ctx context.Context, holder string, now, until time.Time) (notify.State, error) {
	var state notify.State
	var damaged error
	version := int64(0)
	out, err := s.Client.GetParameter(ctx, &ssm.GetParameterInput{Name: &s.Parameter})
	var absent *types.ParameterNotFound
	switch {
	case errors.As(err, &absent):
		damaged = &DamagedError{fmt.Errorf("read parameter %s: %w", s.Parameter, err)}
	case err != nil:
		return notify.State{}, fmt.Errorf("read parameter %s: %w", s.Parameter, err)
	default:
		version = out.Parameter.Version
		value := aws.ToString(out.Parameter.Value)
		state, err = notify.DecodeState([]byte(value), s.ParentStackID)
		switch {
		case err != nil && value == notify.FirstState && version == 1: // before the first run
			err = s.writtenByStack(ctx, aws.ToTime(out.Parameter.LastModifiedDate))
		case err == nil && version == 1: // a run never writes the first version, unless the parameter did not exist
			err = errRecreated
		case err == nil:
			err = state.Validate(now, now.Add(maxDuration))
		}
		if err != nil {
			state, damaged = notify.State{}, &DamagedError{fmt.Errorf("parameter %s: %w", s.Parameter, err)}
		}
	}
	if state.Lease.Held(holder, now) {
		return notify.State{}, fmt.Errorf(
			"%w, until %s at most (request %s)",
			ErrBusy,
			state.Lease.Until.Format(time.RFC3339),
			state.Lease.Holder,
		)
	}
	state.Lease = notify.Lease{Holder: holder, Until: until}
	written, err := s.put(ctx, state)
	if err != nil {
		return state, err
	}
	if written != version+1 {
		if err := s.restoreOverwritten(ctx, written); err != nil {
			return notify.State{}, fmt.Errorf("%w: it wrote parameter %s at the same time, and %w", ErrBusy, s.Parameter, err)
		}
		return notify.State{}, fmt.Errorf("%w: it wrote parameter %s at the same time", ErrBusy, s.Parameter)
	}
	if damaged == nil && version > 1 {
		by, err := s.otherWriter(ctx, version, written)
		if err != nil { // whether the state can be trusted is not known
			if released := s.End(context.WithoutCancel(ctx), state); released != nil {
				err = errors.Join(err, released)
			}
			return notify.State{}, err
		}
		if by != "" {
			lease := state.Lease
			state, damaged = notify.State{Lease: lease}, &DamagedError{
				fmt.Errorf("parameter %s was written by %s", s.Parameter, by),
			}
		}
	}
	return state, damaged
}

// errRecreated is the reason why a state is not used that nobody but a run could have written, but that no run wrote.
var errRecreated = errors.New("it was deleted and created again")

// writtenByStack returns an error if the parameter's first version was not written by the parent stack, but later:
// whoever may delete and create parameters would otherwise make the check forget what it reported. If the stack cannot
// be read the value is accepted: it is the one with which every installation begins.
func (s *Store) writtenByStack(ctx context.Context, modified time.Time) error {
	if s.Created == nil {
		return nil
	}
	created, err := s.Created(ctx)
	if err != nil || created.IsZero() || modified.Before(created.Add(creationSlack)) {
		return nil
	}
	return fmt.Errorf("%w at %s", errRecreated, modified.UTC().Format(time.RFC3339))
}

// creationSlack is how much later than CloudFormation's time of a resource the service's own may be.
const creationSlack = 10 * time.Second

// otherWriter returns who wrote the state that was read, if that is not the principal
// of this run, which wrote the version own; "" if it is, or is not known. Sessions of
// a role are the same principal. CloudFormation writes the first version.
func (s *Store) otherWriter(ctx context.Context, read, own int64) (string, error) {
	history, err := s.history(ctx)
	if err != nil {
		return "", err
	}
	writers := map[int64]string{}
	for _, p := range history {
		writers[p.Version] = principal(aws.ToString(p.LastModifiedUser))
	}
	if before, now := writers[read], writers[own]; before != "" && now != "" && before != now {
		return before, nil
	}
	return "", nil
}

// principal returns an ARN without the name of a role's session.
func principal(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) == 3 && strings.HasSuffix(parts[0], ":assumed-role") {
		return parts[0] + "/" + parts[1]
	}
	return arn
}

// Save writes the state with the lease, during a run.
func (s *Store) Save(ctx context.Context, state notify.State) error {
	_, err := s.put(ctx, state)
	return err
}

// End writes the state without the lease.
func (s *Store) End(ctx context.Context, state notify.State) error {
	state.Lease = notify.Lease{}
	_, err := s.put(ctx, state)
	return err
}

func (s *Store) put(ctx context.Context, state notify.State) (int64, error) {
	out, err := s.Client.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &s.Parameter, Value: aws.String(string(state.Encode(s.ParentStackID))),
		Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	if err != nil {
		return 0, fmt.Errorf("write parameter %s: %w", s.Parameter, err)
	}
	return out.Version, nil
}
