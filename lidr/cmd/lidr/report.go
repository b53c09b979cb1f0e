package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lidrlab/lidr"
)

// reportCommand writes the report of a run again, or one that sets several runs side by side.
func reportCommand() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "report FOLDER...",
		Short: "Write the report of a run folder again, or one report that compares several runs",

		Example:           "  lidr report runs/demo",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeRuns,
		RunE: func(cmd *cobra.Command, args []string) error {
			runs := make([]*lidr.Run, len(args))
			for i, dir := range args {
				run, err := lidr.Reopen(dir, lidr.WithProgress(lidr.ShowProgress()))
				if err != nil {
					return err
				}
				runs[i] = run
			}
			if len(runs) == 1 {
				return printReport(cmd.Context(), runs[0])
			}
			path, err := lidr.CompareRuns(cmd.Context(), out, runs)
			if err != nil {
				return err
			}
			fmt.Fprintln(stdout, "report:", path)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "runs/comparison", "folder for the report of several runs")
	return cmd
}

func printReport(ctx context.Context, run *lidr.Run) error {
	data, err := lidr.ReportData(run)
	if err != nil {
		return err
	}
	path, err := lidr.Report(ctx, run)
	if err != nil {
		return err
	}
	for _, figure := range data.KeyFigures {
		fmt.Fprintf(stdout, "%-32s %-26s %s\n", figure.Label, figure.Value, figure.Detail)
	}
	for _, warning := range data.Health {
		fmt.Fprintf(stdout, "look at this: %s: %s\n", warning.Where, warning.Text)
	}
	fmt.Fprintln(stdout, "report:", path)
	return nil
}
