package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// refuseUnknown fails on the keys that are left and may change the computation. All of them are named at once, so that
// nobody mends a file key by key.
func (p *parser) refuseUnknown() {
	var unknown []string
	for _, key := range slices.Sorted(maps.Keys(p.keys)) {
		if raw := p.keys[key]; !changesNothing(key, raw) {
			unknown = append(unknown, fmt.Sprintf("%q (%.60s)", key, raw))
		}
	}
	if more := len(unknown) - 8; more > 0 {
		unknown = append(unknown[:8], fmt.Sprintf("and %d more", more))
	}
	switch len(unknown) {
	case 0:
	case 1:
		p.fail("unknown key %s may change the computation; remove it if the model's documentation says that it does not",
			unknown[0])
	default:
		p.fail("unknown keys %s may change the computation; remove those of which the model's documentation says that they "+
			"do not", strings.Join(unknown, ", "))
	}
}

// changesNothing reports whether a key with this value leaves the forward pass of a trained model as it is. null counts
// as absent everywhere.
func changesNothing(key string, raw json.RawMessage) bool {
	value, only := neutral[key]
	return string(raw) == "null" || harmless[key] || only && string(raw) == value ||
		slices.ContainsFunc(harmlessBegins, func(s string) bool { return strings.HasPrefix(key, s) }) ||
		slices.ContainsFunc(harmlessEnds, func(s string) bool { return strings.HasSuffix(key, s) })
}

// harmlessBegins are the beginnings of names that no model's computation depends on, whatever follows.
var harmlessBegins = []string{
	// What transformers keeps for itself of how a model was loaded: _name_or_path, _model_name_or_path, _commit_hash,
	// _attn_implementation. Of all such names the models that we compute read one, _attn_implementation, which chooses
	// among kernels of equal results, and 4.44 also _pre_quantization_dtype, for a cast (searched in the modeling files
	// and the shared modules of 4.44.2, 4.51.3, 4.57.3, 5.0.0 and 5.23.0). A setting that its maker wants to be used is
	// a parameter of the configuration class, and none of these begins so.
	"_",
	"output_",  // what is returned beside the logits: attentions, hidden states, scores
	"unsloth_", // its version and what it mended before saving
}

// harmlessEnds are the ends of such names.
var harmlessEnds = []string{
	"_token_id", // which token means what: the tokenizer's and generation's matter (those that count are read above)
	"_version",
	"_dropout", "_pdrop", // training alone, and we train without
}

// neutral are keys of transformers' PretrainedConfig that change the computation unless they have this value, their
// default, or that we do not compute otherwise.
var neutral = map[string]string{
	"add_cross_attention": "false",
	"is_encoder_decoder":  "false",
	"pruned_heads":        "{}",
	"rope_interleaved":    "false", // in SmolLM's files
	"tie_encoder_decoder": "false",
}

// harmless are the keys that do not change the forward pass of a trained model. They are those of PretrainedConfig and
// GenerationConfig in transformers 4.44.2, 4.51.3, 4.57.3, 5.0.0 and 5.23.0 (configuration_utils.py,
// generation/configuration_utils.py), the families' own that only training reads, and what other programs leave.
var harmless = set(
	// Bookkeeping, and how the class was made.
	`auto_map cache_dir commit_message custom_pipelines finetuning_task force_download gguf_file
	id2label is_composition label2id local_files_only model_name name_or_path num_labels prefix problem_type
	proxies repo_id resume_download revision subfolder task_specific_params token tokenizer_class
	trust_remote_code use_auth_token`,

	// Settings of training and of runtimes, of equal results: chunks of the feed-forward layer, tensor-parallel parts,
	// caches, precompiled graphs, TPUs, TensorFlow's loss, and what is returned. is_decoder means something to encoders.
	`attn_implementation base_model_ep_plan base_model_fsdp_plan base_model_pp_plan base_model_tp_plan
	chunk_size_feed_forward cross_attention_hidden_size ep_plan experts_implementation gradient_checkpointing
	ignore_keys_at_rope_validation initializer_range is_decoder max_window_layers pretraining_tp return_dict
	tf_legacy_loss tie_last_hidden_states torchscript use_bfloat16 use_cache use_return_dict xla_device`,

	// Generation, from the days when config.json held it.
	`assistant_confidence_threshold assistant_early_exit assistant_ensemble_weight assistant_lookbehind bad_words_ids
	begin_suppress_tokens cache_config cache_implementation compile_config constraints continuous_batching_config
	disable_compile diversity_penalty do_sample dola_layers early_stopping encoder_no_repeat_ngram_size
	encoder_repetition_penalty epsilon_cutoff eta_cutoff exponential_decay_length_penalty force_words_ids
	forced_decoder_ids generation_kwargs guidance_scale is_assistant length_penalty low_memory max_cache_len max_length
	max_matching_ngram_size max_new_tokens max_time min_length min_new_tokens min_p no_repeat_ngram_size
	num_assistant_tokens num_assistant_tokens_schedule num_beam_groups num_beams num_return_sequences penalty_alpha
	prefill_chunk_size prompt_lookup_num_tokens remove_invalid_values renormalize_logits repetition_penalty
	return_dict_in_generate return_legacy_cache return_unused_kwargs sequence_bias speculation_type stop_strings
	suppress_tokens target_lookbehind temperature token_healing top_h top_k top_p typical_p use_mtp watermarking_config`,

	// Other programs and older conversions.
	`is_llama_config max_sequence_length neftune_noise_alpha tokenizer_model_max_length transformers.js_config
	use_flash_attention_2 use_flash_attn`,
)

func set(lists ...string) map[string]bool {
	s := map[string]bool{}
	for _, list := range lists {
		for _, name := range strings.Fields(list) {
			s[name] = true
		}
	}
	return s
}
