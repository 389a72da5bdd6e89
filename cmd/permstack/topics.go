package main

import "github.com/spf13/cobra"

// topics are pages of help that belong to no one command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{
			Use:   "choices",
			Short: "How a choice is written",
			Long: `A choice is a backup service (the profile), what it protects (assets), what it
does (operations), and options. 'synth' and 'explain' take it as flags, 'diff' and
the review page as one word:

  PROFILE[@RELEASE][:ASSETS[:OPERATIONS[:OPTIONS]]]

  clumio                        everything that the profile can give
  clumio:ec2,s3                 two assets, every operation, no option
  clumio:ec2:backup             one asset, one operation
  clumio:rds::support-role      every operation, and an option
  clumio@1:ec2                  as release 1 of the catalogue had it
  cpm:::minimal                 a choice that the profile names (a preset)

The lists have commas. An empty list of assets is all of them, and with them every
option unless options are given; an empty list of operations is all of them.
docs/permissions lists what each profile has; the shell completes it.`,
		},
		{
			Use:   "risk",
			Short: "How 'explain --risk' ranks what is granted",
			Long: `The risk of a statement is what its actions could do in the wrong hands. The
gravest counts:

  high      changes permissions, passes or takes roles, runs commands, deletes,
            sends data out of the account
  medium    uses encryption keys, reads content, writes
  low       changes tags, reads
  minimal   lists

A condition takes one level off, named resources take one, and so does a principal
that is named (of a trust policy or a topic). What an action does follows from the
access level in AWS's own list, and from a short list of actions that do more than
their level says: iam:PassRole, ssm:SendCommand, sharing a snapshot, and others.

It is a help for reading, not a verdict: read the conditions.`,
		},
		{
			Use:   "exit-status",
			Short: "What the commands exit with, and the environment that they heed",
			Long: `  0   done; for 'explain' something grants it, for 'diff' no access is new
  1   failed; for 'explain' nothing grants it, for 'diff' access grows
  2   the command line makes no sense; for 'diff' also: it could not compare

Environment:

  COLUMNS     width of tables, where it is not the terminal's
  NO_COLOR    set to anything: no colour
  TERM        dumb: no colour
  AWS_…       credentials and Region of commands that call AWS, as the AWS CLI
              reads them`,
		},
	}
}
