package main

import "github.com/spf13/cobra"

// topics returns the help topics that belong to no single command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{
			Use:   "choices",
			Short: "The syntax of a choice",
			Long: `A choice is a vendor profile (the backup service) with assets, operations and
options. 'synth', 'explain' and 'launch-url' take it as flags. 'diff' and the review
page take it as one word:

  PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]]

  clumio                        everything that the profile can grant
  clumio:ec2,s3                 two assets, every operation, no option
  clumio:ec2:backup             one asset, one operation
  clumio:rds::support-role      every operation, and an option
  clumio@1:ec2                  with release 1 of the catalogue
  cpm:::minimal                 a preset, a named choice of the profile

Elements of a list are separated by commas. An empty list of assets means all
assets, and also all options unless options are given. An empty list of operations
means all operations. docs/permissions lists the names of each profile; shell
completion completes them ('permstack completion --help').`,
		},
		{
			Use:   "risk",
			Short: "The findings of 'explain --risk', and how it ranks statements",
			Long: `The risk of a statement is what its actions allow an attacker to do. The highest
applies:

  high      changes permissions, passes or assumes roles, runs commands, deletes,
            sends data out of the account
  medium    uses encryption keys, reads content, writes
  low       changes tags, reads
  minimal   lists

Each of these lowers the level by one: a condition that limits the role, named
resources, and a named principal (in a trust policy or a topic). What an action does
is its access level in AWS's Service Authorization Reference, and for some actions a
higher one: iam:PassRole, ssm:SendCommand, sharing a snapshot, and others.

A condition limits nothing, and is shown as "no limit", if the role can meet it by
itself (a tag of the resource that another statement lets the role set, a tag in its
own request, a value that is *), or if it is always true (the role's own account or
tags). "aws:ResourceAccount is this account" keeps the role out of other accounts: it
limits what leaves, not what happens to your own resources.

'explain --risk' begins with findings: what the role could do, by class. They are
those of the tool cloudsplaining: privilege escalation, data exfiltration, credentials
exposure, data destruction, resource exposure. Chains of calls are followed: passing a
role and launching an instance with it; changing an instance's user data and starting
it; sharing a snapshot, which another account copies. Each finding has the statements
that grant its calls, the limits that hold, the conditions that are no limit, what the
profile states as remaining, and what would close it.

The rank is an aid for review, not a decision: read the conditions. docs/risk.md has
the rules and the differences from cloudsplaining.`,
		},
		{
			Use:   "exit-status",
			Short: "Exit statuses, and the environment variables that the commands read",
			Long: `Exit statuses:

  0   success
  1   the command ran and found something: 'diff' more access, 'drift' a difference,
      'explain' that nothing grants it, 'try' a step that failed, 'profile lint'
      a problem, 'check' a flow that would fail, 'why' a defect of permstack
  2   the command could not run or could not finish: a wrong command line, missing
      AWS credentials, a failed AWS call, output that could not be written

Results are written to stdout, messages to stderr.

Environment variables:

  COLUMNS        width of the text in characters (default: the terminal's, or 80)
  NO_COLOR       any value turns colour off
  TERM           "dumb" turns colour off
  AWS_PROFILE, AWS_REGION, AWS_ACCESS_KEY_ID and the others of the AWS SDKs
                 credentials and Region of the commands that call AWS; --aws-profile
                 and --region take precedence

The format of a result is --output in every command: table (for people), json, yaml (the
fields of json), csv, sarif, html; a command lists those that it has. Long work shows its
progress on stderr, on a terminal only.`,
		},
	}
}
