package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"permstack/internal/awsapi/region"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/review/explain"
	"permstack/internal/review/question"
	"permstack/internal/review/riskreport"
	"permstack/internal/terminal"
)

type explainFlags struct {
	choice choiceFlags
	env    policies.Environment
	risk   bool
	output outputFlag
	stdin  io.Reader
}

func newExplain() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain QUESTION…",
		Short: "Show which statements grant something, on which resources, when and why; and the risks",
		Long: `Show which statements grant something, to which role, on which resources, under
which conditions, for which asset and why; and what is denied. A question is

  an action            ec2:DeleteSnapshot, 'ec2:Delete*', DeleteSnapshot
  a service            kms, aurora, "systems manager"
  what actions do      delete, encryption, share, "delete snapshots"
  a resource           its ARN, with or without account and Region, or s3://BUCKET/KEY,
                       or the ID of an EC2 resource: only actions that can act on it
  a name               a role, policy, topic or event rule, by the vendor's name or as
                       deployed, or by its ARN; the Sid of a statement
  a choice             an asset, an operation, an option
  policies             a file, or - for the standard input: a policy document, a
                       template, the output of 'synth --format policies' or of
                       aws iam get-policy-version, get-role-policy or
                       get-account-authorization-details; other questions are then
                       about these policies. Lines that are no policy are questions

Several questions are answered in order. A question is not case-sensitive; quotes and
blanks around it are ignored; * and ? are wildcards. What a statement cannot prevent
is shown as "remains", a condition that limits nothing as "no limit"; the answer for
an asset, operation or option ends with what you must set up outside IAM.

With --risk, the findings are shown by class: privilege escalation, data exfiltration,
credentials exposure, data destruction, resource exposure; each with the statements
that grant it, the limits that hold, and what would close it ('permstack help risk').
--output writes them, with all statements, as JSON, YAML, CSV, SARIF 2.1.0 or an HTML
page.

Without --assets or --preset the command explains everything that the profile can
grant. Missing values of the vendor are replaced by examples.

Exit status: 0 if a statement grants it, 1 if none does, 2 if AWS and the profile do
not have what the question names, or the command line is wrong; with several
questions the highest.`,
		Example: `  permstack explain ec2:DeleteSnapshot
  permstack explain 'ec2:Delete*' --assets ec2 --operations backup
  permstack explain kms delete s3://invoices/2026.csv
  permstack explain arn:aws:rds:eu-central-1:123456789012:db:orders
  permstack explain policy.json --risk
  aws iam get-role-policy --role-name R --policy-name P | permstack explain -
  permstack explain --risk --assets ec2,s3
  permstack explain --risk --assets rds --output html >risks.html
  permstack explain --risk --profile-file acme.yaml --output sarif >acme.sarif`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !f.risk {
				return usagef("want a question, such as ec2:DeleteSnapshot, or --risk")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.choice.load(cmd); err != nil {
				return err
			}
			f.stdin = cmd.InOrStdin()
			if slices.ContainsFunc(args, question.IsDenial) {
				fmt.Fprintln(cmd.ErrOrStderr(), "permstack: note: this shows what grants the action of the message; "+
					"'permstack why' explains why the request was denied")
			}
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr(), args)
		},
		ValidArgsFunction: f.completeQuestion,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.risk, "risk", false, "show the findings by class, and the statements by risk")
	f.choice.register(cmd, "default: all")
	flags.StringVar(&f.env.Account, "account", "", usageAccount)
	flags.StringVar(&f.env.Region, "region", "", usageRegion)
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", usageControlPlaneRole)
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", usageDataPlaneAccount)
	f.output.register(cmd, "", formatTable, formatJSON, formatYAML, formatCSV, formatSARIF, formatHTML)
	f.choice.complete(cmd)
	return cmd
}

func (f *explainFlags) run(out, notes io.Writer, args []string) error {
	if f.env.Region == "" { // the question names the partition
		for _, arg := range args {
			if p := otherPartition(arg); p != "" {
				f.env.Partition = p
			}
		}
	}
	source, err := f.source(f.choice.selectionOrEverything())
	if err != nil {
		return err
	}
	input, err := f.input(source, args)
	if err != nil {
		return err
	}
	for _, policy := range input.missing {
		fmt.Fprintf(notes, "permstack: warning: the file does not contain the policy %s, which may grant more: "+
			"add AWSManagedPolicy and LocalManagedPolicy to --filter\n", policy)
	}
	report := riskreport.Report{
		CatalogVersion: source.Set.CatalogVersion, Profile: source.Set.Profile,
		Choice: choice.String(source.Selection), File: input.file, Questions: []question.Result{},
		Scope: source.Set.Scope.Entries(),
	}
	if input.file != "" {
		source = input.source(source, f.env.Account)
	}
	statements := source.Grants
	if len(input.questions) > 0 {
		statements = nil
	}
	for _, text := range input.questions {
		result := question.Find(text, source)
		report.Questions = append(report.Questions, result)
		statements = append(statements, result.Granted...)
	}
	report.Statements = explain.Rank(statements)
	report.NotNarrowed = explain.NotNarrowed(source.Set, statements)
	report.Findings = explain.Findings(source.Grants)
	if len(input.questions) > 0 {
		report.Findings = explain.Concerns(report.Findings, statements)
	}
	switch f.output.format {
	case formatCSV, formatSARIF, formatHTML:
		err = report.Write(out, f.output.format)
	default:
		err = write(out, f.output.format, report, func(s terminal.Screen) { f.write(s, report) })
	}
	if err != nil {
		return err
	}
	return status(report)
}

// otherPartition returns the partition of an ARN other than aws, and "" for another text.
func otherPartition(text string) string {
	fields := strings.SplitN(strings.ToLower(question.Normalize(text)), ":", 3)
	if len(fields) < 3 || fields[0] != "arn" || fields[1] == "aws" || !slices.Contains(region.PartitionIDs(), fields[1]) {
		return ""
	}
	return fields[1]
}

// write writes a report as text.
func (f *explainFlags) write(s terminal.Screen, report riskreport.Report) {
	switch {
	case f.risk:
		explain.WriteFindings(s, report.Findings)
		s.Line()
		explain.WriteRisks(s, report.Statements)
	case len(report.Questions) == 0:
		explain.WriteGrants(s, report.Statements)
		s.Text(terminal.Bold, explain.Summary(report.Findings)+" --risk shows them.")
	}
	for _, a := range report.Questions {
		if !a.Known() || f.risk {
			continue
		}
		if len(report.Questions) > 1 {
			s.Text(terminal.Dim, "── "+a.Query)
		}
		a.Write(s)
	}
	explain.WriteScope(s, report.Scope, report.NotNarrowed)
}

// status returns the exit status of a report as an error: 2 with the unknown questions, 1 if one has no grant.
func status(report riskreport.Report) error {
	var problems []string
	found := len(report.Questions) > 0 || len(report.Statements) > 0
	for _, a := range report.Questions {
		if !a.Known() {
			problems = append(problems, unknown(a))
		}
		found = found && a.Found()
	}
	switch {
	case len(problems) > 0:
		return usagef("%s", strings.Join(problems, "\n"))
	case !found:
		return &statusError{status: exitFound}
	}
	return nil
}

// unknown returns the message of a question that names nothing, with similar names.
func unknown(a question.Result) string {
	hint := "; give an action, a service, a role, an asset, or the ARN of a resource"
	if len(a.Similar) > 0 {
		hint = "; did you mean " + strings.Join(a.Similar, ", ") + "?"
	}
	return "unknown question " + cmp.Or(a.Query, `""`) + ": " + a.Problem + hint
}

// source returns what questions about a selection are answered from.
func (f *explainFlags) source(sel policies.Selection) (question.Source, error) {
	set, grants, err := f.grants(sel)
	if err != nil {
		return question.Source{}, err
	}
	_, all, err := f.grants(f.choice.everything())
	if err != nil {
		return question.Source{}, err
	}
	return question.Source{Set: set, Selection: sel, Grants: grants, All: all, Others: f.others}, nil
}

// others returns everything that the other profiles can grant.
func (f *explainFlags) others() map[string]question.Source {
	out := map[string]question.Source{}
	for _, name := range policies.ProfileNames() {
		if name == f.choice.profile {
			continue
		}
		profile, _ := policies.Profile(name)
		sel := choice.Everything(profile)
		env := choice.Example(sel, policies.Environment{})
		if set, err := policies.Synthesize(sel, env); err == nil {
			grants := explain.Grants(set, sel, explain.NewDescriber(sel, env))
			out[name] = question.Source{Set: set, Selection: sel, Grants: grants, All: grants}
		}
	}
	return out
}

// grants synthesizes a choice and returns the set and its grants.
func (f *explainFlags) grants(sel policies.Selection) (policies.Set, []explain.Grant, error) {
	env := choice.Example(sel, f.env)
	set, err := f.choice.synthesize(sel, env)
	if err != nil {
		return policies.Set{}, nil, err
	}
	return set, explain.Grants(set, sel, explain.NewDescriber(sel, env)), nil
}

// completeQuestion completes a question with known names.
func (f *explainFlags) completeQuestion(
	cmd *cobra.Command, _ []string, typed string,
) ([]string, cobra.ShellCompDirective) {
	if f.choice.load(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sel := f.choice.everything()
	profile, _ := policies.Profile(f.choice.profile)
	_, all, err := f.grants(sel)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, q := range question.KnownNames(profile, all) {
		if strings.HasPrefix(strings.ToLower(q), strings.ToLower(typed)) {
			out = append(out, q)
		}
	}
	return out, cobra.ShellCompDirectiveDefault // a question may be a file
}
