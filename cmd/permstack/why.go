package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/policies"
	"permstack/internal/policies/choice"
	"permstack/internal/policies/schema"
	"permstack/internal/review/denial"
	"permstack/internal/review/deployed"
	"permstack/internal/review/livecheck"
)

// maxMessage is the most bytes of a message that are read. AWS's encoded messages have up to 10,240 characters.
const maxMessage = 1 << 20

type whyFlags struct {
	choice choiceFlags
	stackFlags
	env    policies.Environment
	role   string
	output outputFlag
}

func newWhy() *cobra.Command {
	var f whyFlags
	cmd := &cobra.Command{
		Use:   "why [MESSAGE]",
		Short: "Explain an error message of AWS that refuses access",
		Long: `Explain an error message of AWS that refuses access to a backup service: which
policy refuses it, which choice or change would allow it, and whether it breaks a
flow that the choice promises, which is then a defect of permstack.

MESSAGE is the text as the AWS CLI, an SDK, the backup service or a CloudFormation
event shows it, with the text around it; CloudTrail's event or events, of which the
first refused one is explained; or the output of 'aws sts
decode-authorization-message'. Without it, or with -, the message is read
from standard input.

Without --stack the choice is that of --assets and the other flags, by default
everything, and nothing is called. With --stack the choice is the stack's, and the
command reads the role and asks IAM's simulator, with your AWS credentials. It
changes nothing. An encoded authorization message is decoded with your credentials,
which must be of the account that the message comes from.

Rights for --stack: cloudformation:DescribeStacks, GetTemplate; iam:GetRole,
GetRolePolicy, ListRolePolicies, ListAttachedRolePolicies, GetPolicy,
GetPolicyVersion, SimulatePrincipalPolicy. Without one of the rights for IAM the
answer says what was not checked. Right for encoded messages:
sts:DecodeAuthorizationMessage.

Exit status: 0 if the reason was found, 1 if permstack does not grant what the
choice promises, 2 if the message is not understood or the command could not run.`,
		Example: `  permstack why 'User: arn:aws:sts::111122223333:assumed-role/ClumioIAMRole-us-east-1-c1/s
    is not authorized to perform: rds:CreateDBSnapshot on resource: ...' --assets ec2
  pbpaste | permstack why --stack backup --region us-east-1
  permstack why --stack backup < cloudtrail-event.json
  permstack why --output json - < message.txt`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.stack, "stack", "", "name or ID of the stack that you launched")
	flags.StringVar(&f.aws.region, "region", "",
		"AWS Region of the stack, or of the access (default: AWS_REGION or the AWS profile's)")
	f.aws.registerProfile(cmd)
	f.registerTimeout(cmd, readTimeout)
	flags.StringVar(&f.role, "role", "", "the vendor's `NAME` of the role, if the message does not name the role")
	f.choice.register(cmd, "default: all")
	flags.StringVar(&f.env.ControlPlaneRoleARN, "control-plane-role", "", usageControlPlaneRole)
	flags.StringVar(&f.env.DataPlaneAccountID, "data-plane-account", "", usageDataPlaneAccount)
	flags.StringSliceVar(&f.env.OtherAccounts, "other-account", nil, "your other `ACCOUNT`s that share resources")
	flags.BoolVar(&f.env.Organization, "organization", false, "allow what your Organization shares")
	f.output.register(cmd, "", formatTable, formatJSON, formatYAML)
	f.choice.complete(cmd)
	return cmd
}

func (f *whyFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.choice.load(cmd); err != nil {
		return err
	}
	text, err := messageText(cmd.InOrStdin(), args)
	if err != nil {
		return err
	}
	m, err := denial.Parse(text)
	if err != nil {
		return usagef("%v: give the whole message, with \"is not authorized to perform\"", err)
	}
	d, err := f.diagnose(cmd, m)
	progress{cmd.ErrOrStderr()}.clear()
	if err != nil {
		return err
	}
	if err := write(cmd.OutOrStdout(), f.output.format, d, d.Write); err != nil {
		return err
	}
	if d.IsDefect() {
		return &statusError{status: exitFound}
	}
	return nil
}

// messageText returns the message of the command line, or of standard input.
func messageText(in io.Reader, args []string) (string, error) {
	if len(args) > 0 && (len(args) > 1 || args[0] != "-") {
		return strings.Join(args, " "), nil
	}
	data, err := io.ReadAll(io.LimitReader(in, maxMessage))
	if err != nil {
		return "", fmt.Errorf("read the message: %w", err)
	}
	if strings.TrimSpace(string(data)) == "" {
		return "", usagef("the message is missing: give it as an argument, or on standard input")
	}
	return string(data), nil
}

func (f *whyFlags) diagnose(cmd *cobra.Command, m denial.Message) (denial.Diagnosis, error) {
	ctx := cmd.Context()
	var cfg aws.Config
	var stack deployed.Stack
	var err error
	encoded := m.Encoded != "" && m.Action == ""
	if f.stack != "" || encoded {
		var cancel context.CancelFunc
		if ctx, cancel, cfg, err = f.loadOptional(cmd); err != nil {
			if encoded {
				err = fmt.Errorf("the message is encoded, and decoding it needs AWS credentials: %w", err)
			}
			return denial.Diagnosis{}, err
		}
		defer cancel()
	}
	if m.Encoded != "" && cfg.Credentials != nil {
		if m, err = f.decode(ctx, cfg, m); err != nil {
			return denial.Diagnosis{}, err
		}
	}
	if f.stack != "" {
		if stack, err = deployed.Read(ctx, cloudformation.NewFromConfig(cfg), f.stack); err != nil {
			return denial.Diagnosis{}, f.aws.explain(err)
		}
	}
	in, ok, err := f.input(m, stack)
	switch {
	case err != nil:
		return denial.Diagnosis{}, err
	case !ok:
		return denial.Outside(m, firstEnvironment(stack.Environment, f.env)), nil
	case f.stack != "":
		name := denial.ParseCaller(m.Principal).Name
		if name == "" {
			name = deployedName(in.Set, in.Role.Entity)
		}
		in.Live = livecheck.Role(ctx, cfg, livecheck.Request{
			Stack: f.stack, Role: name, Action: m.Action, Resource: m.Resource, Context: m.Context,
		})
	}
	return denial.Diagnose(in)
}

// decode decodes an encoded authorization message. A message that has text as well is explained by its text if decoding
// is not allowed.
func (f *whyFlags) decode(ctx context.Context, cfg aws.Config, m denial.Message) (denial.Message, error) {
	out, err := sts.NewFromConfig(cfg).DecodeAuthorizationMessage(ctx,
		&sts.DecodeAuthorizationMessageInput{EncodedMessage: &m.Encoded})
	if err != nil && m.Action != "" {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("decode the message, which needs sts:DecodeAuthorizationMessage in the account of the "+
			"message: %w", f.aws.explain(awserr.Concise(err)))
	}
	decoded, err := denial.Parse(aws.ToString(out.DecodedMessage))
	if err != nil {
		return m, fmt.Errorf("parse the decoded message: %w", err)
	}
	// The text names the policy type, the decoded message the condition keys.
	decoded.By, decoded.PolicyARN = m.By, m.PolicyARN
	decoded.Explicit = decoded.Explicit || m.Explicit
	return decoded, nil
}

// input returns the input of a diagnosis, and false if the principal is no role of a backup service.
func (f *whyFlags) input(m denial.Message, stack deployed.Stack) (denial.Input, bool, error) {
	if m.Expired {
		return denial.Input{}, false, nil
	}
	if m.Action == "" {
		return denial.Input{}, false, usagef("the message names no action: give the whole message with the line that " +
			"names the operation, or CloudTrail's event of the refused call, such as the first one in: " +
			"aws cloudtrail lookup-events --max-results 50 | permstack why")
	}
	in := denial.Input{Message: m, Selection: stack.Selection, Environment: stack.Environment, Now: time.Now()}
	if f.stack == "" {
		in.Environment = f.env
		in.Environment.Region = f.aws.region
	}
	caller := denial.ParseCaller(m.Principal)
	var ok bool
	switch {
	case f.role != "" || m.Principal == "":
		name := cmp.Or(in.Selection.Profile, f.choice.profile)
		if in.Profile, ok = policies.Profile(name); !ok {
			return in, false, usagef("unknown profile %q", name)
		}
		if in.Role, ok = denial.RoleOfProfile(in.Profile, f.role); !ok {
			return in, false, usagef("--role %q: profile %s has the roles %s", f.role, name, roleNames(in.Profile))
		}
	default:
		if in.Profile, in.Role, in.Environment, ok = denial.Identify(caller, in.Environment); !ok {
			return in, false, nil
		}
	}
	if f.stack != "" && in.Profile.Name != in.Selection.Profile {
		return in, false, fmt.Errorf("the message is about a role of profile %s, and stack %s has profile %s",
			in.Profile.Name, f.stack, in.Selection.Profile)
	}
	if err := f.synthesize(&in, caller); err != nil {
		return in, false, err
	}
	return in, true, nil
}

// synthesize completes an input with the choice of the flags, unless it has a stack's, and with its set.
func (f *whyFlags) synthesize(in *denial.Input, caller denial.Caller) error {
	env := in.Environment
	env.ExternalID = "" // that of a stack is masked
	env.Account = cmp.Or(env.Account, caller.Account, iampolicy.AccountInARN(in.Message.Resource), "123456789012")
	env.Region = cmp.Or(env.Region, iampolicy.RegionInARN(in.Message.Resource), "us-east-1")
	env.Partition = policies.Partition(env.Region)
	env.StackNames = append(env.StackNames, f.stack)
	if f.stack == "" {
		env.StackNames = []string{"permstack"}
		f.choice.profile = in.Profile.Name
		in.Selection = f.choice.selectionOrEverything()
		in.Assumed = len(f.choice.assets) == 0 && f.choice.preset == ""
	}
	env = choice.Example(in.Selection, env)
	set, err := policies.Synthesize(in.Selection, env)
	if errors.As(err, new(*policies.InputError)) {
		set, err = policies.Synthesize(in.Selection, withoutUnused(in.Selection, env))
	}
	in.Environment, in.Set = env, set
	return err
}

func firstEnvironment(a, b policies.Environment) policies.Environment {
	if a.Account != "" {
		return a
	}
	return b
}

func roleNames(p schema.Profile) string {
	var out []string
	for _, r := range p.Roles {
		out = append(out, r.Entity)
	}
	return strings.Join(out, ", ")
}

// deployedName returns the name of a role of a set by the vendor's name.
func deployedName(set policies.Set, entity string) string {
	for _, r := range set.Roles {
		if r.Entity == entity {
			return r.Name
		}
	}
	return ""
}
