// Runs strings.json and two conversations through Hugging Face's transformers.js (npm @huggingface/transformers, version
// in golden.json) with each tokenizer of this folder, and writes golden.json, which the tests compare with:
//   node oracle.mjs PATH/TO/node_modules
import fs from "fs";
import path from "path";
const lib = path.resolve(process.argv[2], "@huggingface/transformers");
const { AutoTokenizer, env } = await import(path.join(lib, "dist/transformers.node.mjs"));
env.allowRemoteModels = false;
env.localModelPath = "";
const strings = JSON.parse(fs.readFileSync("strings.json"));
const chats = [
  [{ role: "user", content: "Hi" }],
  [{ role: "system", content: "Be nice." }, { role: "user", content: " Hi there " }, { role: "assistant", content: "Hello!\n" }, { role: "user", content: "Bye 12 éß日" }],
];
const out = { version: JSON.parse(fs.readFileSync(path.join(lib, "package.json"))).version };
for (const name of ["trained", "qwen2", "llama3", "llama2", "mistral"]) {
  const t = await AutoTokenizer.from_pretrained("./" + name);
  const decode = (ids, skip) => (ids.length ? t.decode(ids, { skip_special_tokens: skip, clean_up_tokenization_spaces: false }) : "");
  out[name] = {
    ids: strings.map((s) => t.encode(s, { add_special_tokens: false })),
    document: strings.slice(0, 3).map((s) => t.encode(s)),
    // Every other id of the text: broken characters, and special tokens skipped.
    decoded: strings.map((s) => decode(t.encode(s, { add_special_tokens: false }).filter((_, i) => i % 2 == 0), true)),
    chats: chats.map((messages) => ({
      messages,
      text: t.apply_chat_template(messages, { tokenize: false, add_generation_prompt: true }),
      ids: t.apply_chat_template(messages, { tokenize: true, add_generation_prompt: true, return_tensor: false, return_dict: false }),
    })),
  };
}
fs.writeFileSync("golden.json", JSON.stringify(out) + "\n");
