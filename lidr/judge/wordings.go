package judge

import "lidrlab/lidr/lm"

// AlpacaEval returns settings with the wording of alpaca_eval 0.6.6, whose weighted annotator
// (weighted_alpaca_eval_gpt4_turbo, prompt alpaca_eval_clf_gpt4_turbo) made the published win rates of AlpacaEval 2.
// It asks for no language, unlike [Defaults]. The words are those of its authors, github.com/tatsu-lab/alpaca_eval,
// under the Apache License 2.0; in them the fields of the instruction and of the two answers are replaced by ours,
// and nothing else.
//
// The paper does not print the words of its ratings; [RatingDefaults] are our own. FastChat's are read from its own
// file, by [LoadFastChat] and [LoadFastChatPairs].
func AlpacaEval() Settings {
	return Settings{
		System: "You are a highly efficient assistant, who evaluates and selects the best large language model " +
			"(LLMs) based on the quality of their responses to a given instruction. This process will be " +
			"used to create a leaderboard reflecting the most accurate and human-preferred answers.",
		Template: "I require a leaderboard for various large language models. I'll provide you with prompts given " +
			"to these models and their corresponding outputs. Your task is to assess these responses, and " +
			"select the model that produces the best output from a human perspective.\n" +
			"\n## Instruction\n\n{\n    \"instruction\": \"\"\"{{.Instruction}}\"\"\",\n" +
			"}\n\n## Model Outputs\n\nHere are the unordered outputs from the models. Each output is associated " +
			"with a specific model, identified by a unique model identifier.\n" +
			"\n{\n    {\n        \"model_identifier\": \"m\",\n        \"output\": \"\"\"{{.First}}\"\"\"\n" +
			"    },\n    {\n        \"model_identifier\": \"M\",\n        \"output\": \"\"\"{{.Second}}\"\"\"\n" +
			"    }\n}\n\n## Task\n\nEvaluate the models based on the quality and relevance of their outputs, and " +
			"select the model that generated the best output. Answer by providing the model identifier of " +
			"the best model. We will use your output as the name of the best model, so make sure your " +
			"output only contains one of the following model identifiers and nothing else (no quotes, no " +
			"spaces, no new lines, ...): m or M.\n\n## Best Model Identifier",
		Sampling: lm.Sampling{Temperature: 1, MaxTokens: 1},
	}
}
