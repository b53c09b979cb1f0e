// OpenAI's JavaScript client, unmodified, against a server of the miniature at the base URL that is given.
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 })
const models = await client.models.list()
assert.deepEqual(models.data.map((m) => [m.id, m.owned_by]), [['miniature', 'lidr']])
assert.equal((await client.models.retrieve('miniature')).id, 'miniature')

const body = {
  model: 'miniature', temperature: 0, max_completion_tokens: 60, logprobs: true, top_logprobs: 2,
  messages: [{ role: 'user', content: 'Anna has 3 apples. Anna buys 4 apples. How many apples does Anna have?' }],
}
const whole = await client.chat.completions.create(body)
const choice = whole.choices[0]
assert.ok(choice.message.content.length > 10)
assert.equal(choice.finish_reason, 'stop')
assert.equal(choice.logprobs.content.length, whole.usage.completion_tokens)
assert.ok(choice.logprobs.content.every((t) => t.top_logprobs.length === 2 && t.logprob <= 0))

let text = '', reason = null, usage = null, chunks = 0
for await (const chunk of await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } })) {
  chunks++
  text += chunk.choices[0]?.delta.content ?? ''
  reason ??= chunk.choices[0]?.finish_reason ?? null
  usage ??= chunk.usage
}
assert.equal(text, choice.message.content)
assert.equal(reason, 'stop')
assert.deepEqual(usage, whole.usage)
assert.ok(chunks > 3)

// The client's own helper for streams, which puts the chunks together again.
const streamed = await client.chat.completions.stream(body).finalChatCompletion()
assert.equal(streamed.choices[0].message.content, text)

const drawn = { ...body, temperature: 1, seed: 7, stop: ['='] }
const draws = await Promise.all(Array.from({ length: 32 }, () => client.chat.completions.create(drawn)))
assert.equal(new Set(draws.map((d) => d.choices[0].message.content)).size, 1)
assert.ok(!draws[0].choices[0].message.content.includes('='))

const raw = await client.completions.create({ model: 'miniature', prompt: 'Anna has', temperature: 0, max_tokens: 8, logprobs: 1 })
assert.equal(raw.choices[0].logprobs.tokens.length, raw.usage.completion_tokens)
let rawText = ''
for await (const chunk of await client.completions.create({ model: 'miniature', prompt: 'Anna has', temperature: 0, max_tokens: 8, stream: true })) {
  rawText += chunk.choices[0].text
}
assert.equal(rawText, raw.choices[0].text)

const two = await client.chat.completions.create({ ...body, n: 2 })
assert.deepEqual(two.choices.map((c) => c.message.content), [text, text])

await assert.rejects(client.chat.completions.create({ ...body, n: 0 }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'n')
await assert.rejects(client.chat.completions.create({ ...body, model: 'gpt-x' }), OpenAI.NotFoundError)

const leaving = await client.chat.completions.create({ ...body, temperature: 1e9, max_completion_tokens: 2000, stream: true })
for await (const chunk of leaving) if (chunk.choices[0].delta.content) break // the client closes the connection
assert.equal((await client.chat.completions.create(body)).choices[0].message.content, text)
console.log(`openai for JavaScript: ${JSON.stringify(text)} in ${chunks} chunks, equal to the whole answer`)
