package checkpoint

// published has the keys and values of config.json as the families publish it, with their sizes.
var published = map[string]string{
	"gemma-3-270m": `{"_sliding_window_pattern":6,"architectures":["Gemma3ForCausalLM"],"attention_bias":false,` +
		`"attention_dropout":0.0,"attn_logit_softcapping":null,"bos_token_id":2,"eos_token_id":1,` +
		`"final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh","hidden_size":640,` +
		`"initializer_range":0.02,"intermediate_size":2048,"layer_types":["sliding_attention","sliding_attention",` +
		`"sliding_attention","sliding_attention","sliding_attention","full_attention"],"max_position_embeddings":32768,` +
		`"model_type":"gemma3_text","num_attention_heads":4,"num_hidden_layers":6,"num_key_value_heads":1,"pad_token_id":0,` +
		`"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_local_base_freq":10000.0,"rope_scaling":null,` +
		`"rope_theta":1000000.0,"sliding_window":512,"torch_dtype":"bfloat16","transformers_version":"4.55.0.dev0",` +
		`"use_bidirectional_attention":false,"use_cache":true,"vocab_size":262144}`,
	"gemma-3-1b-it": `{"architectures":["Gemma3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"attn_logit_softcapping":null,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":[1,106],` +
		`"final_logit_softcapping":null,"head_dim":256,"hidden_activation":"gelu_pytorch_tanh","hidden_size":1152,` +
		`"initializer_range":0.02,"intermediate_size":6912,"max_position_embeddings":32768,"model_type":"gemma3_text",` +
		`"num_attention_heads":4,"num_hidden_layers":26,"num_key_value_heads":1,"pad_token_id":0,` +
		`"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_local_base_freq":10000,"rope_scaling":null,` +
		`"rope_theta":1000000,"sliding_window":512,"sliding_window_pattern":6,"torch_dtype":"bfloat16",` +
		`"transformers_version":"4.50.0.dev0","use_cache":true,"vocab_size":262144}`,
	"gemma-2-2b-it": `{"architectures":["Gemma2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"attn_logit_softcapping":50.0,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":[1,107],` +
		`"final_logit_softcapping":30.0,"head_dim":256,"hidden_act":"gelu_pytorch_tanh",` +
		`"hidden_activation":"gelu_pytorch_tanh","hidden_size":2304,"initializer_range":0.02,"intermediate_size":9216,` +
		`"max_position_embeddings":8192,"model_type":"gemma2","num_attention_heads":8,"num_hidden_layers":26,` +
		`"num_key_value_heads":4,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,"rope_theta":10000.0,` +
		`"sliding_window":4096,"torch_dtype":"bfloat16","transformers_version":"4.42.4","use_cache":true,` +
		`"vocab_size":256000}`,
	"OLMo-2-1124-7B": `{"architectures":["Olmo2ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"eos_token_id":100257,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":11008,` +
		`"max_position_embeddings":4096,"model_type":"olmo2","num_attention_heads":32,"num_hidden_layers":32,` +
		`"num_key_value_heads":32,"pad_token_id":100277,"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":500000,` +
		`"tie_word_embeddings":false,"torch_dtype":"float32","transformers_version":"4.47.0.dev0","use_cache":false,` +
		`"vocab_size":100352}`,
	"granite-3.1-2b-instruct": `{"architectures":["GraniteForCausalLM"],"attention_bias":false,"attention_dropout":0.1,` +
		`"attention_multiplier":0.015625,"bos_token_id":0,"embedding_multiplier":12.0,"eos_token_id":0,"hidden_act":"silu",` +
		`"hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"logits_scaling":8.0,` +
		`"max_position_embeddings":131072,"mlp_bias":false,"model_type":"granite","num_attention_heads":32,` +
		`"num_hidden_layers":40,"num_key_value_heads":8,"pad_token_id":0,"residual_multiplier":0.22,"rms_norm_eps":1e-05,` +
		`"rope_scaling":null,"rope_theta":5000000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16",` +
		`"transformers_version":"4.47.0.dev0","use_cache":true,"vocab_size":49155}`,
	"SmolLM3-3B": `{"architectures":["SmolLM3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":null,"eos_token_id":128012,"hidden_act":"silu","hidden_size":2048,"initializer_range":0.02,` +
		`"intermediate_size":11008,"layer_types":["full_attention","full_attention","full_attention","full_attention"],` +
		`"max_position_embeddings":65536,"max_window_layers":28,"mlp_bias":false,"model_type":"smollm3",` +
		`"no_rope_layer_interval":4,"no_rope_layers":[1,1,1,0],"num_attention_heads":16,"num_hidden_layers":4,` +
		`"num_key_value_heads":4,"pad_token_id":128004,"pretraining_tp":2,"rms_norm_eps":1e-06,"rope_scaling":null,` +
		`"rope_theta":5000000.0,"sliding_window":null,"torch_dtype":"bfloat16","transformers_version":"4.54.0.dev0",` +
		`"use_cache":false,"use_sliding_window":false,"vocab_size":128256}`,
	"Phi-3-mini-4k-instruct": `{"_name_or_path":"Phi-3-mini-4k-instruct","architectures":["Phi3ForCausalLM"],` +
		`"attention_bias":false,"attention_dropout":0.0,"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config",` +
		`"AutoModelForCausalLM":"modeling_phi3.Phi3ForCausalLM"},"bos_token_id":1,"embd_pdrop":0.0,"eos_token_id":32000,` +
		`"hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,` +
		`"max_position_embeddings":4096,"model_type":"phi3","num_attention_heads":32,"num_hidden_layers":32,` +
		`"num_key_value_heads":32,"original_max_position_embeddings":4096,"pad_token_id":32000,"resid_pdrop":0.0,` +
		`"rms_norm_eps":1e-05,"rope_scaling":null,"rope_theta":10000.0,"sliding_window":2047,"tie_word_embeddings":false,` +
		`"torch_dtype":"bfloat16","transformers_version":"4.40.2","use_cache":true,"vocab_size":32064}`,
	// The factors of the published one are 48 each.
	"Phi-4-mini-instruct": `{"architectures":["Phi3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"auto_map":{"AutoConfig":"configuration_phi3.Phi3Config","AutoModelForCausalLM":"modeling_phi3.Phi3ForCausalLM",` +
		`"AutoTokenizer":"Xenova/gpt-4o"},"bos_token_id":199999,"embd_pdrop":0.0,"eos_token_id":199999,"full_attn_mod":1,` +
		`"head_dim":4,"hidden_act":"silu","hidden_size":3072,"initializer_range":0.02,"intermediate_size":8192,` +
		`"interpolate_factor":1,"lm_head_bias":false,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"phi3",` +
		`"num_attention_heads":24,"num_hidden_layers":32,"num_key_value_heads":8,"original_max_position_embeddings":4096,` +
		`"pad_token_id":199999,"partial_rotary_factor":0.5,"resid_pdrop":0.0,"rms_norm_eps":1e-05,` +
		`"rope_scaling":{"long_factor":[1.5],"short_factor":[1],"type":"longrope"},` +
		`"rope_theta":10000.0,"sliding_window":262144,"tie_word_embeddings":true,"torch_dtype":"bfloat16",` +
		`"transformers_version":"4.45.0","use_cache":true,"vocab_size":200064}`,
	"aya-expanse-8b": `{"architectures":["CohereForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":5,"eos_token_id":255001,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,` +
		`"intermediate_size":14336,"layer_norm_eps":1e-05,"logit_scale":0.125,"max_position_embeddings":8192,` +
		`"model_type":"cohere","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"pad_token_id":0,` +
		`"rope_theta":10000,"torch_dtype":"float16","transformers_version":"4.44.0","use_cache":true,"use_qk_norm":false,` +
		`"vocab_size":256000}`,
	"c4ai-command-r7b-12-2024": `{"_attn_implementation_autoset":true,"architectures":["Cohere2ForCausalLM"],` +
		`"attention_bias":false,"attention_dropout":0.0,"bos_token_id":5,"cache_implementation":"hybrid",` +
		`"eos_token_id":255001,"head_dim":128,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,` +
		`"intermediate_size":14336,"layer_norm_eps":1e-05,"layer_switch":4,"logit_scale":0.25,` +
		`"max_position_embeddings":132096,"model_type":"cohere2","num_attention_heads":32,"num_hidden_layers":32,` +
		`"num_key_value_heads":8,"order_of_interleaved_layers":"local_attn_first","pad_token_id":0,` +
		`"position_embedding_type":"rope_gptj","rope_scaling":null,"rope_theta":50000,"rotary_pct":1.0,` +
		`"sliding_window":4096,"sliding_window_pattern":4,"torch_dtype":"bfloat16","transformers_version":"4.48.0.dev0",` +
		`"use_cache":true,"use_embedding_sharing":true,"use_gated_activation":true,"use_parallel_block":true,` +
		`"use_parallel_embedding":true,"vocab_size":256000}`,
	"Mistral-7B-v0.1": `{"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,` +
		`"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":14336,` +
		`"max_position_embeddings":32768,"model_type":"mistral","num_attention_heads":32,"num_hidden_layers":32,` +
		`"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,` +
		`"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.34.0.dev0","use_cache":true,` +
		`"vocab_size":32000}`,
	"Qwen1.5 with its window in use": `{"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"eos_token_id":9,` +
		`"hidden_act":"silu","hidden_size":1024,"intermediate_size":2816,"max_position_embeddings":32768,` +
		`"max_window_layers":3,"model_type":"qwen2","num_attention_heads":16,"num_hidden_layers":5,` +
		`"num_key_value_heads":16,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":16384,` +
		`"tie_word_embeddings":true,"torch_dtype":"bfloat16","use_cache":true,"use_sliding_window":true,` +
		`"vocab_size":151936}`,
	"Llama-2-7b": `{"architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,` +
		`"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,"intermediate_size":11008,` +
		`"max_position_embeddings":4096,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":32,` +
		`"num_key_value_heads":32,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":null,` +
		`"tie_word_embeddings":false,"torch_dtype":"float16","transformers_version":"4.31.0.dev0","use_cache":true,` +
		`"vocab_size":32000}`,
	"SmolLM2-135M-Instruct": `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,` +
		`"initializer_range":0.041666666666666664,"intermediate_size":1536,"is_llama_config":true,` +
		`"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama","num_attention_heads":9,` +
		`"num_hidden_layers":30,"num_key_value_heads":3,"pad_token_id":2,"pretraining_tp":1,"rms_norm_eps":1e-05,` +
		`"rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,` +
		`"torch_dtype":"bfloat16","transformers.js_config":{"kv_cache_dtype":{"q4f16":"float16","fp16":"float16"}},` +
		`"transformers_version":"4.42.3","use_cache":true,"vocab_size":49152}`,
	"Llama-3.1-8B": `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":128000,"eos_token_id":[128001,128008,128009],"hidden_act":"silu","hidden_size":4096,` +
		`"initializer_range":0.02,"intermediate_size":14336,"max_position_embeddings":131072,"mlp_bias":false,` +
		`"model_type":"llama","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"pretraining_tp":1,` +
		`"rms_norm_eps":1e-05,"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,` +
		`"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,"tie_word_embeddings":false,` +
		`"torch_dtype":"bfloat16","transformers_version":"4.42.3","use_cache":true,"vocab_size":128256}`,
	"Llama-3.2-1B": `{"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":128000,"eos_token_id":[128001,128008,128009],"head_dim":64,"hidden_act":"silu",` +
		`"hidden_size":2048,"initializer_range":0.02,"intermediate_size":8192,"max_position_embeddings":131072,` +
		`"mlp_bias":false,"model_type":"llama","num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,` +
		`"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_scaling":{"factor":32.0,"high_freq_factor":4.0,` +
		`"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0,` +
		`"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.45.0.dev0","use_cache":true,` +
		`"vocab_size":128256}`,
	"Qwen2.5-7B": `{"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,` +
		`"eos_token_id":151643,"hidden_act":"silu","hidden_size":3584,"initializer_range":0.02,"intermediate_size":18944,` +
		`"max_position_embeddings":131072,"max_window_layers":28,"model_type":"qwen2","num_attention_heads":28,` +
		`"num_hidden_layers":28,"num_key_value_heads":4,"rms_norm_eps":1e-06,"rope_theta":1000000.0,` +
		`"sliding_window":131072,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.40.1",` +
		`"use_cache":true,"use_mrope":false,"use_sliding_window":false,"vocab_size":152064}`,
	"Qwen3-8B": `{"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":151643,"eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":4096,` +
		`"initializer_range":0.02,"intermediate_size":12288,"max_position_embeddings":40960,"max_window_layers":36,` +
		`"model_type":"qwen3","num_attention_heads":32,"num_hidden_layers":36,"num_key_value_heads":8,` +
		`"rms_norm_eps":1e-06,"rope_scaling":null,"rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":false,` +
		`"torch_dtype":"bfloat16","transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,` +
		`"vocab_size":151936}`,
	"Qwen3 by transformers 5": `{"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,` +
		`"bos_token_id":null,"dtype":"bfloat16","eos_token_id":151645,"head_dim":128,"hidden_act":"silu",` +
		`"hidden_size":1024,"initializer_range":0.02,"intermediate_size":3072,"layer_types":["full_attention",` +
		`"full_attention"],"max_position_embeddings":40960,"max_window_layers":2,"model_type":"qwen3",` +
		`"num_attention_heads":16,"num_hidden_layers":2,"num_key_value_heads":8,"pad_token_id":null,"rms_norm_eps":1e-06,` +
		`"rope_parameters":{"rope_theta":1000000,"rope_type":"default"},"sliding_window":null,"tie_word_embeddings":true,` +
		`"transformers_version":"5.0.0","use_cache":true,"use_sliding_window":false,"vocab_size":151936}`,
	"Mistral-7B-v0.3": `{"architectures":["MistralForCausalLM"],"attention_dropout":0.0,"bos_token_id":1,` +
		`"eos_token_id":2,"head_dim":null,"hidden_act":"silu","hidden_size":4096,"initializer_range":0.02,` +
		`"intermediate_size":14336,"max_position_embeddings":32768,"model_type":"mistral","num_attention_heads":32,` +
		`"num_hidden_layers":32,"num_key_value_heads":8,"rms_norm_eps":1e-05,"rope_theta":1000000.0,` +
		`"sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.42.0.dev0",` +
		`"use_cache":true,"vocab_size":32768}`,
}
