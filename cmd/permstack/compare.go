package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"permstack/internal/e2e/recording"
	"permstack/internal/terminal"
)

// compareRecording replays a recording of try --aws against an embedded AWS of its own
// and lists where that responds differently.
func compareRecording(cmd *cobra.Command, file string, verbose bool) error {
	recorded, err := recording.Read(file)
	if err != nil {
		return err
	}
	aws, err := startEmbedded(cmd, verbose)
	if err != nil {
		return err
	}
	defer aws.Close()
	differences, err := recording.Compare(cmd.Context(), recorded, aws.Endpoint)
	out := terminal.NewWriter(cmd.OutOrStdout())
	for _, d := range differences {
		fmt.Fprintln(out, d)
	}
	if err != nil {
		return fmt.Errorf("compare %s: %w", file, err)
	}
	calls := terminal.Count(len(recorded.Calls), "recorded call", "recorded calls")
	if len(differences) == 0 {
		fmt.Fprintf(out, "The embedded AWS responds to %s as AWS did on %s.\n", calls, recorded.Begin.Format("2006-01-02"))
		return nil
	}
	fmt.Fprintf(out, "%s in %s of %s.\n", terminal.Count(len(differences), "difference", "differences"), calls,
		recorded.Begin.Format("2006-01-02"))
	return &statusError{status: exitFound}
}
