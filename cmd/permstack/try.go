package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"permstack"
	"permstack/internal/e2e/demo"
	"permstack/internal/fakeaws/standalone"
	"permstack/internal/policies/schema"
)

func newTry() *cobra.Command {
	var assets []string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Live through launch, tampering, update, failure and delete on an AWS of its own",
		Long: `Launch the stack on an embedded AWS, look at what was granted, let somebody tamper
with it and read the alert, drop an asset, let a second launch fail and roll back,
and delete everything. Each step is checked through the APIs that you would use. Nothing leaves this machine; it takes
seconds and needs no AWS account. The exit status is 0 only if every step held.`,
		Example: `  permstack try
  permstack try --assets ec2,s3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return try(cmd, assets, verbose) },
	}
	cmd.Flags().StringSliceVar(&assets, "assets", []string{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"}, "what is protected; the update drops the last")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show what the function writes to its log")
	return cmd
}

func try(cmd *cobra.Command, assets []string, verbose bool) error {
	var list []schema.Asset
	for _, a := range assets {
		list = append(list, schema.Asset(a))
	}
	if err := demo.Check(list); err != nil {
		return err
	}
	options, err := laptopOptions()
	if err != nil {
		return err
	}
	if verbose {
		options.FunctionLog = cmd.ErrOrStderr()
	}
	aws, err := standalone.Start("127.0.0.1:0", options)
	if err != nil {
		return err
	}
	defer aws.Close()
	url, err := aws.UploadTemplate(cmd.Context(), launchTemplate, permstack.Template)
	if err != nil {
		return err
	}
	return demo.Run(cmd.Context(), demo.Options{
		Endpoint: aws.Endpoint, TemplateURL: url, Assets: list,
		Mails: func(topic string) []demo.Mail {
			var mails []demo.Mail
			for _, m := range aws.SNS().Messages(topic) {
				mails = append(mails, demo.ParseMail(m.Subject, m.Body))
			}
			return mails
		},
		Out: cmd.OutOrStdout(), Color: colored(cmd.OutOrStdout()),
	})
}

// colored says whether w is a terminal that takes colour.
func colored(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
