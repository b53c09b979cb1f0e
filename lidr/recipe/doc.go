// Package recipe makes one file one run: a recipe says everything of an experiment, and [Run] takes it to its report.
//
//	preset: paper
//	model:
//	  path: Qwen/Qwen2-7B-Instruct
//	  endpoints: [http://localhost:8000/v1]
//	rounds: 2
//	trained: [es, ru, de, fr]
//	prompts: {source: data/alpagasus, n: 1000}
//	trainer: {program: llama-factory, template: qwen, gpus: 4}
//	judge: {path: gpt-4o-2024-08-06, endpoints: [https://api.openai.com/v1], prices: {prompt: 2.5, answer: 10}}
//	instructions: {source: data/x-alpacaeval, matches: [M1-M0, M2-M0]}
//
// What a file does not say is the preset's. Its keys are the fields of [Recipe], those of lidr.Settings among them, by
// their json tags; an unknown one is an error with its line and the key that was meant.
//
//	lidr recipe                                      the shipped recipes, one for each experiment of the paper
//	lidr recipe arithmetic --print                   the whole recipe, with the source of every value
//	lidr recipe arithmetic --dry                     requests, tokens, dollars, memory, disk; what the items can show
//	lidr recipe arithmetic --small                   in seconds, on the embedded model
//	lidr recipe arithmetic --set train.beta=0.5 --dir runs/beta
//	lidr runs                                        the run folders, with how far they are
//
// The shell completes runs, models, recipes and fields after "source <(lidr completion bash)".
//
// From a script or a notebook an ablation is a recipe and a sweep:
//
//	r, err := recipe.Load("sft_baseline", "model.path=miniature")
//	cells := []lidr.SweepCell{{Name: "sft", Settings: r.Settings}}
//
// Prices of a judge are dollars for a million tokens, and have their source and date beside them in the shipped files.
// A judge whose prices are not known is refused where its server may be paid for: no cap in dollars would hold.
//
// # Several answers, several judges
//
// With scoring, a round's pairs are chosen among several answers by scorers of package lidr/scorers, under the names of
// [Scorers]; with panel, further judges judge every comparison; mt_bench.matches compares two models turn by turn.
//
//	generate: {samples: 8, sampling: {temperature: 1}}
//	scoring: {scorers: {round-trip: 1, language: 0.5}, selection: {rule: max-min}}
//
// Losses, curricula, the mix of languages and adapters are fields of train.
//
// # A run that waits
//
// Where the models are behind servers, one of them is served at a time, as M0, M1 and so on. The same command goes on
// each time: it says which model to serve where, or what to train where, asks nothing again of a model that is done,
// and ends with exit code 75 until all is there. [Step] does one step on the run folder, as lidr generate, translate,
// pairs, train, handoff, eval and judge do.
//
// [Drive], lidr drive, waits for nobody: it serves each model by a command, lidr serve or vLLM's, stops it for the
// training and serves the next. It can be killed and started again anywhere. launch says where that is: on this
// machine, or as jobs of Slurm, Kubernetes or SkyPilot (package lidr/recipe/launch, with an example recipe of each):
//
//	launch:
//	  serve: {on: slurm, gpus: 1, replicas: 2}
//	  train: {on: slurm, minutes: 1440}
//	  slurm: {options: [--partition=gpu], container: apptainer exec --nv vllm.sif}
//
// Servers announce in launch/endpoints where they answer, and the driver follows them while it asks: one that is moved
// is found again. Other clients can follow the same folder, as model.endpoints.
//
// # Files
//
// Beside what its steps write, a run folder has
//
//	recipe.yaml                              the whole recipe, which is loaded again by its path
//	stages.json                              the stages that are done, each under the key of its recipe
//	serve.log                                what the last server printed that lidr drive has started here
//	launch/NAME.sh, NAME.yaml, NAME.log      jobs of a cluster; NAME.id of those that are not over
//	launch/endpoints/NAME.json               where a server answers, while it does
//	M0/measures/published-TABLE.json         what was measured beside what was published, for the report
//	M1/measures/detectable.json              the smallest change that the problems can show
//	M1/measures/detectable-seeds.json        that the seeds can show, in the first seed's folder
//
// A recipe with seeds or cells has a run folder for each, and in its own a report that compares them.
package recipe
