package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lidrlab/lidr/input"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/serve"
)

// keyEnv names the environment variable that holds the API key of lidr serve.
const keyEnv = "LIDR_API_KEY"

// serveCommand serves a model until it is interrupted.
func serveCommand() *cobra.Command {
	o := serve.Options{MaxBatch: 64, MaxQueue: 256, Piece: local.PromptPiece}
	var listen, keyFile, quantize string
	cmd := &cobra.Command{
		Use:   "serve MODEL",
		Short: "Serve a model over OpenAI's API",
		Long: `Serve a model over OpenAI's API: chat and raw completions, streamed or whole. MODEL is "miniature", a Hugging
Face folder, ORG/NAME in its cache, a GGUF file or a model of Ollama on this disk.

Only this machine can reach it, unless an API key is given in $` + keyEnv + ` or a file. The connection is not
encrypted: beyond a trusted network, put a proxy with TLS in front of it.

A request waits until there is memory for its longest answer, in three quarters of what the machine has beside the
weights; one for which there never will be gets status 400, and one beyond --max-queue status 429.`,
		Example: "  lidr serve runs/demo/M1/model",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Key, err = apiKey(keyFile); err != nil {
				return err
			}
			if o.Name == "" {
				o.Name = filepath.Base(args[0])
			}
			l, err := serve.Listen(cmd.Context(), listen, o.Key)
			if err != nil {
				return listenError(listen, err)
			}
			defer l.Close()
			s, err := load(args[0], quantize, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(stdout, "serving %s at http://%s/v1\n", o.Name, l.Addr())
			return s.Serve(cmd.Context(), l)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8000", "address and port; port 0 takes a free one")
	flags.StringVar(&o.Name, "name", "", "the model's id for clients (default: the folder's or file's name)")
	flags.StringVar(&quantize, "quantize", "", "compute faster and less exactly: with integers by a GGUF file's blocks "+
		"as they are (\"stored\") or by all matrices, rounded to 8 bits where they are in none (\"q8\"), or with bfloat16 "+
		"by a model's matrices in bfloat16 (\"bf16\")")
	flags.IntVar(&o.MaxBatch, "max-batch", o.MaxBatch, "answers computed at once")
	flags.IntVar(&o.MaxQueue, "max-queue", o.MaxQueue, "requests that may wait; more get status 429")
	flags.IntVar(&o.Piece, "prompt-piece", o.Piece, "tokens of prompts that are read between two tokens of answers under "+
		"way")
	flags.StringVar(&keyFile, "key-file", "", "file with the API key, instead of $"+keyEnv)
	return cmd
}

// apiKey reads the key from the file, if one is named, or the environment.
func apiKey(file string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(keyEnv)), nil
	}
	data, err := input.ReadFile(file)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(data))
	if key == "" {
		return "", fmt.Errorf("%s is empty, expected an API key", file)
	}
	return key, nil
}

func load(path, quantize string, o serve.Options) (*serve.Server, error) {
	m, err := loadModel(path)
	if err == nil && quantize != "" {
		m, err = m.Quantized(quantize)
	}
	if err != nil {
		return nil, err
	}
	return serve.New(local.New(m.Engine(), m.Weights(), m.Tokenizer()), m.Tokenizer(), o)
}
