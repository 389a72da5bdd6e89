package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"permstack/internal/policies"
)

// externalIDVariable is the environment variable of the external ID. Unlike a flag, it
// is not shown to other users in the list of processes, nor kept in a shell's history.
const externalIDVariable = "PERMSTACK_EXTERNAL_ID"

// maxExternalIDFile is the largest file of --external-id-file in bytes: an external ID
// has at most 1,224 characters (STS API Reference, AssumeRole), and white space around
// it is removed.
const maxExternalIDFile = 4096

// externalIDFlags are the ways to give an external ID.
type externalIDFlags struct{ value, file string }

func (f *externalIDFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.value, "external-id", "",
		"external `ID` that the vendor must send to assume the role, a secret; - reads it from standard input "+
			"(default: the environment variable "+externalIDVariable+")")
	flags.StringVar(&f.file, "external-id-file", "",
		"`FILE` that contains the external ID, which other users then do not see in the list of processes")
}

// read returns the external ID, and warns on stderr if it can be guessed.
func (f *externalIDFlags) read(cmd *cobra.Command) (string, error) {
	id, err := f.find(cmd.InOrStdin())
	if err != nil {
		return "", err
	}
	if weakness := policies.ExternalIDWeakness(id); weakness != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "permstack: warning: the external ID %s: another customer of the vendor could "+
			"guess it. If you can choose it, use 'permstack external-id'\n", weakness)
	}
	return id, nil
}

func (f *externalIDFlags) find(stdin io.Reader) (string, error) {
	switch {
	case f.value != "" && f.file != "":
		return "", usagef("--external-id cannot be combined with --external-id-file")
	case f.value == "-" || f.file == "-":
		return readExternalID("standard input", stdin)
	case f.file != "":
		file, err := os.Open(f.file)
		if err != nil {
			return "", fmt.Errorf("read the external ID: %w", err)
		}
		defer file.Close()
		return readExternalID(f.file, file)
	case f.value != "":
		return f.value, nil
	}
	return os.Getenv(externalIDVariable), nil
}

func readExternalID(name string, from io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxExternalIDFile+1))
	if err != nil {
		return "", fmt.Errorf("read the external ID: %w", err)
	}
	if len(data) > maxExternalIDFile {
		return "", fmt.Errorf("read the external ID: %s has more than %d bytes", name, maxExternalIDFile)
	}
	id := strings.TrimSpace(string(data))
	if id == "" {
		return "", errors.New("read the external ID: " + name + " is empty")
	}
	return id, nil
}

func newExternalID() *cobra.Command {
	return &cobra.Command{
		Use:   "external-id",
		Short: "Generate an external ID that cannot be guessed",
		Long: `Generate an external ID: 26 random characters, which is more than 128 bits.

The external ID is the secret that the vendor sends when it assumes the role. It
prevents that another customer of the vendor names your role as theirs. Most vendors
choose it for you; generate one if yours lets you choose.

Exit status: 0.`,
		Example: `  permstack external-id >external-id
  permstack synth --assets ec2 --control-plane-role arn:aws:iam::111122223333:role/Control \
    --external-id-file external-id`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), rand.Text())
			return err
		},
	}
}
