// An API that refuses and says nothing of its limits but when to come back: real HTTP, the shipped provider and engine.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { afterEach, expect, it } from 'vitest'
import { OpenAiProvider } from '../../schema/config.ts'
import { newBudget, runPass } from '../engine.ts'
import { openaiProvider } from '../providers/openai.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A bucket of `burst` calls that refills `rpm` times a minute. */
async function throttled({ rpm, burst }: { rpm: number; burst: number }) {
  let [level, at] = [burst, performance.now()]
  const seen = { requests: 0, refused: 0 }
  server = createServer((request, response) => {
    const now = performance.now()
    level = Math.min(burst, level + ((now - at) * rpm) / 60_000)
    at = now
    seen.requests += 1
    const admitted = level >= 1
    if (admitted) level -= 1
    else seen.refused += 1
    const wait = Math.ceil(((1 - level) * 60_000) / rpm)
    request.resume().on('end', () => {
      const head = { 'content-type': 'application/json', ...(!admitted && { 'retry-after-ms': String(wait) }) }
      const choices = [{ message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }]
      const body = admitted ? { model: 'm', choices } : { error: { message: 'Rate limit reached.' } }
      response.writeHead(admitted ? 200 : 429, head).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

it.each([
  { rpm: 1_200, burst: 5, calls: 120 },
  { rpm: 2_400, burst: 20, calls: 200 },
])(
  '$rpm a minute in bursts of $burst, 50 at once: few calls are wasted, none is lost',
  { timeout: 60_000 },
  async (limit) => {
    const { seen, url } = await throttled(limit)
    const clock = { monotonic: () => performance.now() }
    const written = OpenAiProvider.parse({ type: 'openai', base_url: url, concurrency: 50 })
    const requests = Array.from({ length: limit.calls }, (_, i) => ({
      key: `k${i}`,
      case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
      trial: 1,
      messages: [{ role: 'user' as const, content: `question ${i}` }],
      model: { id: 'm', params: {} },
    }))
    let answered = 0
    await runPass({
      requests,
      provider: openaiProvider('p', written, { env: {}, clock }),
      seed: 1,
      signal: new AbortController().signal,
      clock,
      budget: newBudget(),
      onCompletion: (_request, { outcome }) => void (answered += outcome === 'answered' ? 1 : 0),
    })
    expect(answered).toBe(limit.calls)
    expect(seen.refused).toBeLessThanOrEqual(0.06 * limit.calls)
  },
)
