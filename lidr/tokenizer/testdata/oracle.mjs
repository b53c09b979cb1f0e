// Runs texts and conversations through Hugging Face's transformers.js (npm @huggingface/transformers) with the tokenizers of
// the folders named, and writes what it says:
//   node oracle.mjs PATH/TO/node_modules STRINGS.json CHATS.json OUT.json FOLDER...
import fs from "fs";
import path from "path";
const [modules, stringsFile, chatsFile, outFile, ...folders] = process.argv.slice(2);
const lib = path.resolve(modules, "@huggingface/transformers");
const { AutoTokenizer, env } = await import(path.join(lib, "dist/transformers.node.mjs"));
env.allowRemoteModels = false;
env.localModelPath = "";
const strings = JSON.parse(fs.readFileSync(stringsFile));
const chats = JSON.parse(fs.readFileSync(chatsFile));
const out = { version: JSON.parse(fs.readFileSync(path.join(lib, "package.json"))).version };
for (const folder of folders) {
  const t = await AutoTokenizer.from_pretrained(path.isAbsolute(folder) ? folder : "./" + folder);
  const decode = (ids, skip) => (ids.length ? t.decode(ids, { skip_special_tokens: skip, clean_up_tokenization_spaces: false }) : "");
  const chat = (messages, add_generation_prompt) => {
    // Llama 3.2's template prints a date; ours have no clock.
    const options = { add_generation_prompt, date_string: "26 Jul 2024" };
    try {
      return {
        text: t.apply_chat_template(messages, { ...options, tokenize: false }),
        ids: t.apply_chat_template(messages, { ...options, tokenize: true, return_tensor: false, return_dict: false }),
      };
    } catch (e) {
      return { error: String(e.message) };
    }
  };
  out[path.basename(folder)] = {
    ids: strings.map((s) => t.encode(s, { add_special_tokens: false })),
    document: strings.slice(0, 3).map((s) => t.encode(s)),
    // Every other id of the text: broken characters, and special tokens skipped.
    decoded: strings.map((s) => decode(t.encode(s, { add_special_tokens: false }).filter((_, i) => i % 2 == 0), true)),
    chats: chats.flatMap((messages) => [true, false].map((add) => ({ messages, add, ...chat(messages, add) }))),
  };
}
fs.writeFileSync(outFile, JSON.stringify(out) + "\n");
