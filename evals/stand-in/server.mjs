// A scripted assistant (and a scripted judge, judge.mjs) behind the OpenAI chat API, from which our own recordings and baselines were made. It is no model: it
// answers from the excerpt in its system message, is careless in a few cases, and gets vague without the line about amounts.
//   node evals/stand-in/server.mjs [seed]      then, for example:  npx aigate eval --record
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { judge } from './judge.mjs'

const seed = process.argv[2] ?? 'first session'
const port = 40111
const asked = new Map()

const tutorial = [
  [/^Summarize/, 'Revenue rose 32% to $4.2M while costs held steady at $1.1M.'],
  [/^Extract/, '{"name": "Maria Lopez", "age": 34}'],
  [/refund policy/, 'You can get a refund within 30 days when you bring the receipt.'],
  [/^Is this spam/, 'Yes'],
  [/^Translate/, 'La réunion commence à neuf heures.'],
]

/** A number in [0, 1) that depends on its arguments alone. */
function draw(...parts) {
  const hash = createHash('sha256').update(parts.join('\0')).digest()
  return hash.readUInt32BE(0) / 2 ** 32
}

const vague = (text) =>
  text
    .replace(/\b[A-Z]-\d+\b/g, 'a short form')
    .replace(/\d[\d.,:]*( to \d+| x \d+| x \d+ x \d+)?%?/g, 'a few')
    .replace(/\b(photo|receipt|seal|store credit)\b/g, 'the usual')

function answer(system, question) {
  const excerpt = /Excerpt: ([\s\S]*)$/.exec(system)?.[1]?.trim()
  if (excerpt === undefined) return tutorial.find(([pattern]) => pattern.test(question))?.[1] ?? 'I do not know.'
  const key = `${system}\0${question}`
  const time = (asked.get(key) ?? 0) + 1
  asked.set(key, time)
  const exact = /exactly as the excerpt/.test(system)
  const shaky = draw('shaky', question) < 0.06 // a few questions go wrong now and then, whatever the prompt
  const careless = exact ? (shaky ? 0.3 : 0.004) : draw('loses', question) < 0.3 ? 0.8 : 0.05
  const body = draw(seed, key, time) < careless ? vague(excerpt) : excerpt
  const opening = exact ? '' : 'Thank you for asking! '
  return `${opening}${body} ${draw(seed, key, time, 'tail') < 0.5 ? 'Is there anything else?' : ''}`.trim()
}

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
    response.writeHead(404).end('{}')
    return
  }
  const { messages, model } = JSON.parse(Buffer.concat(chunks).toString())
  const system = messages.find(({ role }) => role === 'system')?.content ?? ''
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const content = judge(system, question) ?? answer(system, question)
  const tokens = (text) => Math.ceil(text.length / 4)
  const usage = { prompt_tokens: tokens(system + question), completion_tokens: tokens(content) }
  await new Promise((resolve) => setTimeout(resolve, 5 + 20 * draw(seed, question, asked.size)))
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      id: 'chatcmpl-stand-in',
      object: 'chat.completion',
      created: 0,
      model,
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
    }),
  )
})
server.listen(port, '127.0.0.1', () => process.stderr.write(`stand-in on http://127.0.0.1:${port}/v1\n`))
