// Package datasets reads the published files that Language Imbalance Driven Rewarding starts from: parallel prompts
// (Alpagasus, GSM8K, MGSM, X-AlpacaEval, our own prompts.jsonl), published answers and published translations. It also
// holds the one rule by which a translation is cut out of a model's completion ([ExtractTranslation]).
//
// Every loader is strict. A file's format is recognised by its fields, every record must keep to it, and the first
// thing that is wrong ends the load with one line that names the file, the line, the field, what was expected and what
// stands there. Nothing is repaired, guessed or dropped in silence.
//
// Languages are ISO 639 codes ("en", "ru"). Prompts of different languages belong together by their ID; the loaders
// refuse a set in which one language lacks a prompt that another has.
//
// Worked examples for few-shot evaluation are read by [LoadExemplars], MT-bench's questions and reference answers by
// [LoadMTBench], and Okapi's multiple-choice suites by [LoadChoices].
//
// What is read as JSONL or JSON is read as Parquet too, where a program imports datasets/parquet.
//
// AlpacaEval's model_outputs.json and annotations.json are also written ([SaveModelOutputs], [SaveAnnotations]).
//
// Frames are a view at the edge: [Frame] builds typed gota columns from any slice of flat structs, and [Rows] brings
// them back, strictly.
package datasets
