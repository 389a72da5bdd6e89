package permissionstack

import (
	"errors"
	"fmt"
	"sort"

	"permstack/internal/policies"
)

// SizeError is returned for a template that exceeds MaxBody.
type SizeError struct {
	Part string
	Size int // bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("write template of the %s stack: it has %d bytes, CloudFormation accepts %d: select fewer "+
		"assets, a shorter path, or SharedResources=organization in place of single accounts in OtherAccountIds",
		e.Part, e.Size, MaxBody)
}

// WithFittingAccounts adds to an error about IAM's or CloudFormation's limits how many
// of the environment's other accounts fit. Other errors are returned as they are.
func WithFittingAccounts(err error, sel policies.Selection, env policies.Environment) error {
	var limit *policies.LimitError
	var size *SizeError
	var scope *ScopeTooLongError // says what fits
	if !errors.As(err, &limit) && !errors.As(err, &size) || errors.As(err, &scope) || len(env.OtherAccounts) == 0 {
		return err
	}
	tooMany := sort.Search(len(env.OtherAccounts), func(i int) bool {
		e := env
		e.OtherAccounts = env.OtherAccounts[:i+1]
		return fits(sel, e) != nil
	})
	if tooMany == 0 {
		return fmt.Errorf("%w; fewer accounts in OtherAccountIds do not suffice", err)
	}
	return fmt.Errorf("%w; of %d accounts in OtherAccountIds, %d fit", err, len(env.OtherAccounts), tooMany)
}
