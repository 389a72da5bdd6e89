package explain

import (
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"permstack/internal/policies"
)

// NewDescriber returns a Describer that names the vendor's accounts of an environment.
func NewDescriber(sel policies.Selection, env policies.Environment) Describer {
	w := Describer{Accounts: map[string]string{}, Account: env.Account}
	vendor := "the vendor"
	if p, ok := policies.Profile(sel.Profile); ok {
		vendor = p.Vendor
	}
	name := func(account, plane string) {
		if account != "" {
			w.Accounts[account] = vendor + "'s " + plane + " account"
		}
	}
	for _, role := range []string{env.ControlPlaneRoleARN, env.SupportControlPlaneRoleARN} {
		if parsed, err := arn.Parse(role); err == nil {
			name(parsed.AccountID, "control-plane")
		}
	}
	name(env.DataPlaneAccountID, "data-plane")
	return w
}
