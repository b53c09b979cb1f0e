package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lidrlab/lidr"
	"lidrlab/lidr/tracking"
)

// named are the flags whose value is the name of a file, a folder or a model.
var named = []string{"dir", "out", "prompts", "eval", "model"}

// runFlags adds the flags of how a run works, which change no result, and returns the options that they make.
func runFlags(cmd *cobra.Command) func() ([]lidr.Option, error) {
	var s tracking.Settings
	var memory string
	cmd.Flags().StringVar(&memory, "memory", "",
		"what the process may take while it trains, like 8GB: more is refused (default: what the machine has)")
	cmd.Flags().StringSliceVar(&s.To, "track", nil,
		"send curves to tensorboard (files in DIR/tracking, which trackio imports too), mlflow=ADDRESS")
	cmd.Flags().Float64Var(&s.PeakTFLOPS, "peak-tflops", 0,
		"what the processors can do, in 10^12 operations a second: --track then tells the MFU")
	return func() ([]lidr.Option, error) {
		track, err := tracking.Option(s)
		if err != nil {
			return nil, err
		}
		options := []lidr.Option{lidr.WithProgress(lidr.ShowProgress()), track}
		if memory == "" {
			return options, nil
		}
		limit, err := humanize.ParseBytes(memory)
		if err != nil || limit == 0 || limit > math.MaxInt {
			return nil, fmt.Errorf("--memory %s: expected a size, like 8GB or 800MiB", memory)
		}
		return append(options, func(r *lidr.Run) { r.LimitMemory(int(limit)) }), nil
	}
}

// refuseEmptyNames is an error for an argument or a flag that names nothing, such as a variable of the shell that is
// not set: the current folder would be taken for it. It comes before cobra's own check of flags that have to be there.
func refuseEmptyNames(cmd *cobra.Command, args []string) error {
	err := missingFlag(cmd)
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if slices.Contains(named, flag.Name) && flag.Value.String() == "" {
			err = fmt.Errorf("--%s is empty, expected %s; leave the flag out for the default", flag.Name, flag.Usage)
		}
	})
	if len(args) > 0 && args[0] == "" {
		err = fmt.Errorf("the first argument of lidr %s is empty, expected what %q says", cmd.Name(), cmd.UseLine())
	}
	return err
}
