// Package datasets reads the published files that Language Imbalance Driven Rewarding starts from: parallel prompts
// (Alpagasus, GSM8K, MGSM, X-AlpacaEval, our own prompts.jsonl), published answers and published translations. It also
// holds the one rule by which a translation is cut out of a model's completion ([ExtractTranslation]).
//
// Every loader is strict. A file's format is recognised by its fields, every record must keep to it, and the first
// mistake ends the load with a one-line error that names the file, the line, the field, what was expected and what was
// found. Nothing is repaired, guessed or dropped.
//
// Languages are ISO 639 codes ("en", "ru"). Prompts of different languages belong together by their ID; the loaders
// refuse a set in which one language lacks a prompt that another has.
//
// Worked examples for few-shot evaluation are read by [LoadExemplars], MT-bench's questions and reference answers by
// [LoadMTBench], and Okapi's multiple-choice suites by [LoadChoices].
//
// Every loader that reads JSONL or JSON reads Parquet too, as the Hugging Face hub gives it (mgsm_de.parquet), in a
// program that imports datasets/parquet. The lidr command and its scripts do; a notebook cell imports it.
//
// Prompts in the dominant language alone become parallel prompts by lidr.TranslatePrompts, which lets the model
// translate them.
//
// AlpacaEval's model_outputs.json and annotations.json are also written ([SaveModelOutputs], [SaveAnnotations]).
//
// [Frame] makes a gota frame with typed columns from any slice of flat structs, and [Rows] is its inverse, which is as
// strict as the loaders.
package datasets
