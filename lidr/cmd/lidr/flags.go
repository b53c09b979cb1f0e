package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// named are the flags whose value is the name of a file, a folder or a model.
var named = []string{"dir", "out", "prompts", "eval", "model"}

// refuseEmptyNames is an error for an argument or a flag that names nothing, such as a variable of the shell that is
// not set: the current folder would be taken for it.
func refuseEmptyNames(cmd *cobra.Command, args []string) (err error) {
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
