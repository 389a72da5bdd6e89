package main

import (
	"encoding/json"
	"fmt"
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
		Use:   "explain QUESTION",
		Short: "Say which statements grant something, on what, when and why",
		Long: `Say which statements grant an action, to which role, on what, under which
condition, why and for which asset; and what is denied. The question is an action
of AWS, a statement's Sid, a policy, a role, a topic, an event rule, an asset, an
operation, an option, or the ARN of a resource. Case means nothing, * and ? are
wildcards.

With --risk, rank what is granted by what it could do in the wrong hands: change
permissions, pass roles, run commands, delete, send data out of the account, use
keys, write; each with the conditions that bound it.

Without a choice it speaks of everything that the profile can give. Values of the
vendor that are not given are filled in with examples.

The exit status is 0 where something grants it, 1 where nothing does, 2 where the
question means nothing.`,
		Example: `  permstack explain ec2:DeleteSnapshot
  permstack explain 'ec2:Delete*' --assets ec2 --operations backup
  permstack explain arn:aws:s3:::invoices
  permstack explain --risk --assets ec2,s3
  permstack explain rds --format json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && !f.risk {
				return usagef("want one question, such as ec2:DeleteSnapshot, or --risk")
			}
			return nil
		},
		RunE:              func(cmd *cobra.Command, args []string) error { return f.run(cmd.OutOrStdout(), args) },
		ValidArgsFunction: f.questions,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.risk, "risk", false, "rank by what could be done")
	f.choice.register(cmd, "default all")
	flags.StringVar(&f.env.Account, "account", "", "account that gives the access (default: any)")
	flags.StringVar(&f.env.Region, "region", "", "Region that gives the access (default: any)")
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", "`ARN` of the one role that uses the access")
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", "account of the backup service that keeps the backups")
	flags.StringVar(&f.format, "format", "table", "table or json")
	f.choice.complete(cmd)
	completeFixed(cmd, "format", "table", "json")
	return cmd
}

func (f *explainFlags) run(out io.Writer, args []string) error {
	if f.format != "table" && f.format != "json" {
		return usagef("--format %q: want table or json", f.format)
	}
	set, grants, err := f.grants(f.choice.review())
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
	answer := explain.Ask(args[0], set, grants, all)
	if !answer.Known() {
		return unknown(answer)
	}
	if err := write(out, f.format, answer, answer.Write); err != nil {
		return err
	}
	if len(answer.Granted) == 0 && len(answer.Rules) == 0 {
		return &statusError{exitFailed}
	}
	return nil
}

// unknown says that a question means nothing, and what it may have meant.
func unknown(a explain.Answer) error {
	hint := "; ask for an action, a Sid, a policy, a role, an asset or an operation"
	if len(a.Similar) > 0 {
		hint = "; did you mean " + strings.Join(a.Similar, ", ") + "?"
	}
	return usagef("neither the catalogue nor AWS knows %q%s", a.Question, hint)
}

func (f *explainFlags) writeRisks(out io.Writer, args []string, set policies.Set, grants, all []explain.Grant) error {
	if len(args) == 1 {
		answer := explain.Ask(args[0], set, grants, all)
		if !answer.Known() {
			return unknown(answer)
		}
		grants = answer.Granted
	}
	ranked := explain.Ranked(grants)
	err := write(out, f.format, ranked, func(s terminal.Screen) { explain.WriteRisks(s, ranked) })
	if err == nil && len(ranked) == 0 {
		return &statusError{exitFailed}
	}
	return err
}

// grants synthesizes a choice and explains it.
func (f *explainFlags) grants(sel policies.Selection) (policies.Set, []explain.Grant, error) {
	env := choice.Example(sel, f.env)
	set, err := policies.Synthesize(sel, env)
	if err != nil {
		return policies.Set{}, nil, err
	}
	return set, explain.Of(set, sel, explain.NewWords(sel, env)), nil
}

// questions completes what can be asked.
func (f *explainFlags) questions(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sel := f.choice.everything()
	profile, _ := policies.Profile(f.choice.profile)
	_, all, err := f.grants(sel)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, q := range explain.Questions(profile, all) {
		if strings.HasPrefix(strings.ToLower(q), strings.ToLower(typed)) {
			out = append(out, q)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// write writes a value as JSON for programs, or in words for people.
func write(out io.Writer, format string, value any, words func(terminal.Screen)) error {
	if format != "json" {
		words(terminal.New(out))
		return nil
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
