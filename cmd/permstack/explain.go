package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/terminal"
)

type explainFlags struct {
	choice choiceFlags
	env    policies.Environment
	risk   bool
	format string
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain QUERY",
		Short: "Show which statements grant an action, on which resources, when and why",
		Long: `Show which statements grant an action, to which role, on which resources, under
which conditions, for which asset and why; and what is denied. The query is an AWS
action, the Sid of a statement, the name of a policy, role, topic or event rule, an
asset, an operation, an option, or the ARN of a resource. It is not case-sensitive;
* and ? are wildcards. What a statement cannot prevent is shown as "remains"; the
answer for an asset, operation or option ends with what IAM policies cannot grant
and you must set up, such as key policies.

With --risk, the statements are ranked by what they allow an attacker to do: change
permissions, pass roles, run commands, delete, send data out of the account, use
keys, write. The conditions that limit each are shown ('permstack help risk').

Without --assets or --preset the command explains everything that the profile can
grant. Missing values of the vendor are replaced by examples.

Exit status: 0 if a statement grants it, 1 if none does, 2 if the query is unknown
or the command line is wrong.`,
		Example: `  permstack explain ec2:DeleteSnapshot
  permstack explain 'ec2:Delete*' --assets ec2 --operations backup
  permstack explain arn:aws:s3:::invoices
  permstack explain --risk --assets ec2,s3
  permstack explain rds --format json
  permstack explain --risk --profile-file acme.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && !f.risk {
				return usagef("want one query, such as ec2:DeleteSnapshot, or --risk; got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.choice.load(cmd); err != nil {
				return err
			}
			return f.run(cmd.OutOrStdout(), args)
		},
		ValidArgsFunction: f.completeQuery,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.risk, "risk", false, "rank the statements by risk")
	f.choice.register(cmd, "default: all")
	flags.StringVar(&f.env.Account, "account", "", usageAccount)
	flags.StringVar(&f.env.Region, "region", "", usageRegion)
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", usageControlPlaneRole)
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", usageDataPlaneAccount)
	flags.StringVar(&f.format, "format", "table", "table or json")
	f.choice.complete(cmd)
	completeFixed(cmd, "format", "table", "json")
	return cmd
}

func (f *explainFlags) run(out io.Writer, args []string) error {
	if f.format != "table" && f.format != "json" {
		return usagef("--format %q: want table or json", f.format)
	}
	set, grants, err := f.grants(f.choice.selectionOrEverything())
	if err != nil {
		return err
	}
	_, all, err := f.grants(f.choice.everything())
	if err != nil {
		return err
	}
	if f.risk {
		return f.writeRisks(out, args, set, grants, all)
	}
	result := explain.Find(args[0], set, grants, all)
	if !result.Known() {
		return unknownQuery(result)
	}
	sel := f.choice.selectionOrEverything()
	profile, _ := policies.Profile(set.Profile)
	result.Prerequisites = explain.Prerequisites(profile, sel, args[0])
	if err := write(out, f.format, result, result.Write); err != nil {
		return err
	}
	if len(result.Granted) == 0 && len(result.Rules) == 0 {
		return &statusError{status: exitFound}
	}
	return nil
}

// unknownQuery returns the error of a query that matches nothing, with similar names.
func unknownQuery(a explain.Result) error {
	hint := "; give an action, a Sid, a policy, a role, an asset or an operation"
	if len(a.Similar) > 0 {
		hint = "; did you mean " + strings.Join(a.Similar, ", ") + "?"
	}
	return usagef("unknown query %q: it is in neither the catalogue nor AWS's list of actions%s", a.Query, hint)
}

func (f *explainFlags) writeRisks(out io.Writer, args []string, set policies.Set, grants, all []explain.Grant) error {
	if len(args) == 1 {
		result := explain.Find(args[0], set, grants, all)
		if !result.Known() {
			return unknownQuery(result)
		}
		grants = result.Granted
	}
	ranked := explain.Rank(grants)
	err := write(out, f.format, ranked, func(s terminal.Screen) { explain.WriteRisks(s, ranked) })
	if err == nil && len(ranked) == 0 {
		return &statusError{status: exitFound}
	}
	return err
}

// grants synthesizes a choice and returns the set and its grants.
func (f *explainFlags) grants(sel policies.Selection) (policies.Set, []explain.Grant, error) {
	env := choice.Example(sel, f.env)
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return policies.Set{}, nil, err
	}
	return set, explain.Grants(set, sel, explain.NewDescriber(sel, env)), nil
}

// completeQuery completes the query with known names.
func (f *explainFlags) completeQuery(
	cmd *cobra.Command, args []string, typed string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || f.choice.load(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sel := f.choice.everything()
	profile, _ := policies.Profile(f.choice.profile)
	_, all, err := f.grants(sel)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, q := range explain.KnownNames(profile, all) {
		if strings.HasPrefix(strings.ToLower(q), strings.ToLower(typed)) {
			out = append(out, q)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// write writes a value as JSON, or with text if format is not "json".
func write(out io.Writer, format string, value any, text func(terminal.Screen)) error {
	if format != "json" {
		text(terminal.New(out))
		return nil
	}
	return writeJSON(out, value)
}
