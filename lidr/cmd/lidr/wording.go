package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lidrlab/lidr"
	"lidrlab/lidr/printable"
)

// Errors of a command line say what is expected there, in place of what a library found.

// expectArguments has commands that are given too few or too many arguments name them, with an example.
func expectArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		expectArguments(sub)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		_, expected, _ := strings.Cut(cmd.UseLine(), cmd.CommandPath())
		expected = strings.TrimSpace(strings.ReplaceAll(expected, "[flags]", ""))
		if expected == "" || strings.HasPrefix(expected, "--") {
			return fmt.Errorf("%s takes flags alone, and was given %s; %s --help has them", name, words(args), cmd.CommandPath())
		}
		return fmt.Errorf("%s was given %s, expected %s; for example: %s", name, words(args), expected, example(cmd))
	}
}

// example is the first one of a command, or how it is used.
func example(cmd *cobra.Command) string {
	if cmd.Example == "" {
		return cmd.UseLine()
	}
	first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
	return first
}

// words are arguments as a shell takes them.
func words(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = printable.Word(arg)
	}
	return strings.Join(quoted, " ")
}

// missingFlag is an error for a flag that a command cannot do without.
func missingFlag(cmd *cobra.Command) (err error) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if err == nil && !flag.Changed && flag.Annotations[cobra.BashCompOneRequiredFlag] != nil {
			err = fmt.Errorf("--%s is missing: %s; for example: %s", flag.Name, flag.Usage, example(cmd))
		}
	})
	return err
}

// kinds are what a flag's value has to be, by the type of the flag.
var kinds = map[string]string{
	"int": "a whole number", "int64": "a whole number", "float64": "a number", "bool": "true or false",
	"duration": "a time such as 90s or 2h",
}

// flagError says of a wrong flag what is expected.
func flagError(cmd *cobra.Command, err error) error {
	if wrong := (*pflag.InvalidValueError)(nil); errors.As(err, &wrong) {
		flag := wrong.GetFlag()
		if kind := kinds[flag.Value.Type()]; kind != "" {
			return fmt.Errorf("--%s is %s, expected %s: %s", flag.Name, printable.Word(wrong.GetValue()), kind, flag.Usage)
		}
	}
	return fmt.Errorf("%w; %s --help has the flags", err, cmd.CommandPath())
}

// listenError says what to do where nothing can listen at the address of --listen.
func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(address) // it was an address
		return fmt.Errorf("another program listens at %s already; name another port, or 0 for a free one: --listen %s",
			address, net.JoinHostPort(host, "0"))
	}
	if wrong := (*net.AddrError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("--listen is %s, expected an address and a port, such as 127.0.0.1:8000 (%s)",
			printable.Word(address), wrong.Err)
	}
	return err
}

// loadModel is [lidr.LoadModel], whose error for a name that means nothing says which models the runs here have made.
func loadModel(name string) (*lidr.Model, error) {
	m, err := lidr.LoadModel(name)
	if _, there := os.Stat(name); err == nil || !errors.Is(there, fs.ErrNotExist) {
		return m, err
	}
	made := modelsOfRuns()
	if len(made) == 0 {
		return nil, err
	}
	return nil, fmt.Errorf("%w; the runs here have made %s", err, strings.Join(made, ", "))
}
