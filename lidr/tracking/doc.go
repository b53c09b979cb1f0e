// Package tracking sends the curves of trainings and evaluations to the programs that people look at them with, while
// they grow: TensorBoard, MLflow, trackio. It listens to a run's progress:
//
//	track, err := tracking.Option(tracking.Settings{To: []string{"tensorboard", "mlflow=http://127.0.0.1:5000"}})
//	run, err := lidr.Open("runs/first", lidr.MiniatureSettings(), lidr.WithProgress(lidr.ShowProgress()), track)
//
// or lidr demo --track tensorboard,mlflow=http://127.0.0.1:5000.
//
// The numbers have the names that TRL and transformers' callbacks give them, so that a curve from here lies upon one
// from there: loss, rewards/chosen, rewards/accuracies, logps/chosen, learning_rate and so on. Beside them stand
// perf/tokens_per_second, perf/mfu, perf/padding, perf/memory_bytes and perf/seconds of every step, and of an
// evaluation eval/METRIC/LANGUAGE with its standard error, by round.
//
//	<run>/tracking/steps.jsonl        time, speed and memory of every step: what depends on the clock, and no run's bytes
//	<run>/tracking/tensorboard/M1     one event file a model, one for the evaluations: tensorboard --logdir runs
//
// trackio imports that folder: trackio.import_tf_events("runs/first/tracking/tensorboard", project="first"). (Its
// import_csv cuts names after ten letters, so that rewards/chosen and rewards/rejected are one.) W&B gets the curves of
// a training that is handed off, by the report_to of [lidrlab/lidr/handoff].
//
// MLflow has a run for the folder, with the evaluations, and below it one for every model, in the experiment lidr.
// MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD are read as
// MLflow's own client does.
//
// A program that does not answer stops nothing: the reader is told once, the attempts are counted, and what it lacks is
// sent when it answers again, at the latest when the same command runs again. A step is sent once, also where a killed
// training takes it again. A training with other pairs or settings is another curve, M1-2. What was trained before
// anybody tracked, or by another program ([lidrlab/lidr/handoff]), is sent from the run's files, without speed.
package tracking
