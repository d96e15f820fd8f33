// What a script does that only asks: OpenAI's client, 50 at once. `node bench/bare-loop.mjs <base url> <count>`.
import { OpenAI } from 'openai'

const [, , baseURL, count] = process.argv
const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 })
let next = 0

async function worker() {
  while (next < Number(count)) {
    const content = `Answer shortly: What is the answer to question ${next++}?`
    const { choices } = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] })
    if (choices[0].message.content === '') process.exit(1)
  }
}
await Promise.all(Array.from({ length: 50 }, worker))
