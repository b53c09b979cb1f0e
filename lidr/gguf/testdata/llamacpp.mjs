// Tokenizes texts and continues them greedily with llama.cpp:
//
//   node llamacpp.mjs NODE_MODULES JOBS.json >RESULTS.json
//
// JOBS is a list of {file, tokens, prompts}; the result has for each prompt {ids, next}: its tokens, and as many that follow.
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [modules, jobs] = process.argv.slice(2);
const entry = createRequire(resolve(modules, "x.js")).resolve("node-llama-cpp");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(entry));
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
const results = [];
for (const {file, tokens, prompts} of JSON.parse(readFileSync(jobs, "utf8"))) {
    const model = await llama.loadModel({modelPath: file});
    const context = await model.createContext({contextSize: 512, threads: 1, flashAttention: false,
        experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});
    const sequence = context.getSequence();
    const out = [];
    for (const prompt of prompts) {
        await sequence.clearHistory();
        const ids = model.tokenize(prompt, true), next = [];
        for await (const token of sequence.evaluate(ids, {temperature: 0, yieldEogToken: true})) {
            next.push(token);
            if (next.length === tokens || model.isEogToken(token)) break;
        }
        out.push({ids, next});
    }
    results.push(out);
    await context.dispose();
    await model.dispose();
}
process.stdout.write(JSON.stringify(results));
process.exit(0);
