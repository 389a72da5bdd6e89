package monitor

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"permstack/internal/notify"
)

// maxRestores is how often a run that lost the race for the lease tries to restore the state.
const maxRestores = 5

// restoreOverwritten restores the state that this run replaced by its write of the version own, when it lost the race
// for the lease. That write has what the run read before the winner wrote. SSM allows three PutParameter calls a second
// (Systems Manager endpoints and quotas), so that retries can delay it until after the end of the winner, whose
// findings would be lost, and the lease would be held by nobody.
func (s *Store) restoreOverwritten(ctx context.Context, own int64) error {
	written := []int64{own}
	for range maxRestores {
		history, err := s.history(ctx)
		if err != nil {
			return err
		}
		if len(history) == 0 || history[len(history)-1].Version != own {
			return nil // replaced by the winner, or by another loser, which restores the state itself
		}
		current, found := s.current(history, written)
		if !found {
			return nil
		}
		out, err := s.Client.PutParameter(ctx, &ssm.PutParameterInput{
			Name: &s.Parameter, Value: current.Value, Type: types.ParameterTypeString, Overwrite: aws.Bool(true),
		})
		if err != nil {
			return fmt.Errorf("restore version %d of parameter %s: %w", current.Version, s.Parameter, err)
		}
		if out.Version == own+1 {
			return nil
		}
		own = out.Version // the winner wrote in between
		written = append(written, own)
	}
	return fmt.Errorf("restore parameter %s: it was written %d times meanwhile", s.Parameter, maxRestores)
}

// current returns the version of the history that holds the state: the newest that is neither one of written nor the
// write of a run that lost the race for the lease.
func (s *Store) current(history []types.ParameterHistory, written []int64) (types.ParameterHistory, bool) {
	var current types.ParameterHistory
	var state notify.State
	readable := false
	for _, h := range history {
		if slices.Contains(written, h.Version) {
			continue
		}
		next, err := s.decode(aws.ToString(h.Value)) // the zero state, which has no lease, if it is damaged
		if readable && s.lostRace(state, next, aws.ToTime(h.LastModifiedDate)) {
			continue
		}
		current, state, readable = h, next, err == nil
	}
	return current, current.Version != 0
}

// lostRace reports whether a write of next at a time is that of a run which did not get the lease, because another
// holder had it or because the run had read an older state than the one that it replaced.
func (s *Store) lostRace(replaced, next notify.State, at time.Time) bool {
	holder := next.Lease.Holder
	if holder == "" || holder == replaced.Lease.Holder {
		return false
	}
	if replaced.Lease.Held(holder, at) {
		return true
	}
	replaced.Lease, next.Lease = notify.Lease{}, notify.Lease{}
	return !bytes.Equal(replaced.Encode(s.ParentStackID), next.Encode(s.ParentStackID))
}

// decode reads a state; the one before the first run is empty.
func (s *Store) decode(value string) (notify.State, error) {
	if value == notify.FirstState {
		return notify.State{}, nil
	}
	return notify.DecodeState([]byte(value), s.ParentStackID)
}

// history returns the versions of the parameter that SSM keeps, the oldest first.
func (s *Store) history(ctx context.Context) ([]types.ParameterHistory, error) {
	var out []types.ParameterHistory
	pages := ssm.NewGetParameterHistoryPaginator(s.Client, &ssm.GetParameterHistoryInput{Name: &s.Parameter})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list versions of parameter %s: %w", s.Parameter, err)
		}
		out = append(out, page.Parameters...)
	}
	slices.SortFunc(out, func(a, b types.ParameterHistory) int { return cmp.Compare(a.Version, b.Version) })
	return out, nil
}
