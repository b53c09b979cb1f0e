// Package handoff lets LLaMA-Factory or TRL train a round in the place of [lidr.Train]: for models that are too large
// for the machine that makes the pairs, or that only a server holds.
//
//	trainer := handoff.LlamaFactory()
//	trainer.Nodes, trainer.GPUs = 2, 8
//	m1, err := handoff.Round(ctx, run, m0, trainer)
//
// [Train] takes pairs that are made already, and [Round] makes them first, as [lidr.Round] does. Both write M1/handoff:
//
//	pairs.jsonl, dataset_info.json   the pairs as LLaMA-Factory reads them, or
//	data/train.jsonl                 as TRL does
//	dpo.yaml, sft.yaml               the run's settings in the program's names; one of the two
//	deepspeed.json                   ZeRO-3, where LLaMA-Factory trains all weights
//	accelerate.yaml                  the same for TRL, or one process on the CPU
//	merge.yaml                       makes the model of adapters
//	train.sh                         starts the program
//	check.py, check.json             what train.sh --check runs
//	trainer.log                      what it prints
//	handoff.json                     what was handed off, written last
//
// Where the program is installed, train.sh is started and followed, and the checkpoint that it leaves in M1/model
// becomes the run's M1. A run that is cancelled ends the program and all that it has started, and called again it goes
// on from the program's last checkpoint; a model that is there already is taken, and nothing is started again.
//
// The programs train on what [lidr.Train] trains on, in its order where there is one epoch: a step has the same pairs,
// and its loss and learning rate are the same. [Trainer].GPUs 0 trains on the CPU, in float32.
//
// # Versions
//
// LLaMA-Factory 0.9.5 (with Transformers 5.6.0, TRL 0.24.0, PEFT 0.18.1) and TRL 1.16.0 (with Transformers 5.23.0)
// were tried, on a CPU. train.sh --check says in seconds whether the program that is installed takes what is handed
// off, and if not, what to do: it looks at the version, the GPUs, the settings by the program's own parsers, its
// losses and chat template, and whether it renders the first pair to the tokens that the run does. [Train] asks it
// before it trains. TRL before 1.0 is refused: it ends an answer twice, and with Transformers 5 counts the prompt's
// tokens as the answer's.
//
// # Elsewhere, and on several machines
//
// Where the program is not installed, or takes several machines, the error wraps [ErrElsewhere] and says what to run:
//
//	NODE_RANK=0 MASTER_ADDR=10.0.0.1 sh runs/first/M1/handoff/train.sh   # on the first machine
//	NODE_RANK=1 MASTER_ADDR=10.0.0.1 sh runs/first/M1/handoff/train.sh   # on the second
//
// and sh runs/first/M1/handoff/train.sh --check on any of them before. Slurm's srun, SkyPilot, torchrun and Kubeflow's
// trainer, and an indexed job of Kubernetes, tell each machine its number and the first one's address by variables of
// their own, which train.sh reads: sh train.sh is enough there. It refuses to start on more or fewer machines, or on
// fewer GPUs, than it was written for. [TrainBy] lets a function of the caller's start it.
//
// The machines share the folder M1. It can also be copied to the machines that train, and back when train.sh has ended,
// together with the base model: dpo.yaml names a base inside the run folder, such as M0/model, by a relative path, and
// one outside of it by its absolute path or its name on the hub, which [Trainer].Base can say. Once the checkpoint is
// in M1/model, the same call as before takes it, and so does [TakeBack], which needs no pairs.
//
// Where M0 is behind a server, the weights of M1 are not loaded: it is known by a hash of its files. Serve M1/model and
// go on with [lidr.Run.Use]:
//
//	server, err := remote.Open(ctx, remote.Options{Model: "M1", Endpoints: []string{"http://gpu:8000/v1"}})
//	m1, err := run.Use("M1", server)
//
// # LoRA
//
// With the run's train.lora, LLaMA-Factory trains adapters, leaves them in M1/adapter in PEFT's form, and train.sh
// merges them into M1/model. TRL has no command that merges, so it is refused.
//
// # What is refused
//
// Before the first file is written: fields of [Trainer] that cannot work; machines and GPUs whose passes do not make
// up train.batch_pairs; a base that is neither a folder nor a name on the hub; a chat template that LLaMA-Factory has
// no known name for; a pair longer than train.max_length, which the programs would cut; pairs or settings other than
// those that M1 was trained with; and every setting that the program has no equal of, by its name: a train.loss that
// it has no name for, moments in 8 bits, replay, train.without_tail, an order or a mixture of the pairs, weight_decay
// (it would decay the embeddings too), the NLL in a normalisation that is not the program's (under objective "sft" that
// is the mean over the tokens of a step), and adapters that it cannot merge. train.micro_batch, dtype and checkpointing
// are about memory, which the programs manage by themselves.
package handoff
