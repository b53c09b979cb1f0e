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
}
