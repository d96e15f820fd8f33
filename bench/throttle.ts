// How close a run comes to the limit of an API that throttles: real HTTP on loopback, the shipped provider and engine.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { newBudget, runPass } from '../src/run/engine.ts'
import { openaiProvider } from '../src/run/providers/openai.ts'
import { OpenAiProvider } from '../src/schema/config.ts'

type Throttle = {
  rpm: number
  burst: number
  calls: number
  concurrency: number
  latency: number
  told: Told
  own?: number
  /** So many calls under way are taken. */
  under?: number
}
/** What the API says: everything, only how long to wait (to the millisecond, or in whole seconds), or nothing. */
type Told = 'headers' | 'retry-after-ms' | 'retry-after' | 'nothing'

/** A bucket of `burst` requests that refills `rpm` times a minute, as OpenAI's does, or a number of calls under way. */
function api({ rpm, burst, latency, told, under = Infinity }: Throttle) {
  const ends = new Set<{ at: number }>()
  let level = burst
  let at = performance.now()
  const seen = { requests: 0, refused: 0, first: 0, last: 0 }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const now = performance.now()
    level = Math.min(burst, level + ((now - at) * rpm) / 60_000)
    at = now
    seen.requests += 1
    if (seen.requests === 1) seen.first = now
    const isFull = ends.size >= under
    const admitted = level >= 1 && !isFull
    if (admitted) level -= 1
    else seen.refused += 1
    const soonest = isFull ? Math.min(...[...ends].map((end) => end.at)) - now : 0
    const wait = Math.max(soonest, ((1 - level) * 60_000) / rpm, 1)
    const limits = {
      'x-ratelimit-limit-requests': String(rpm),
      'x-ratelimit-remaining-requests': String(Math.floor(level)),
      'x-ratelimit-reset-requests': `${(((burst - level) / rpm) * 60).toFixed(3)}s`,
    }
    const headers = {
      ...(told === 'headers' && limits),
      ...(!admitted && told !== 'nothing' && { 'retry-after': String(Math.ceil(wait / 1000)) }),
      ...(!admitted &&
        (told === 'headers' || told === 'retry-after-ms') && { 'retry-after-ms': String(Math.ceil(wait)) }),
    }
    const end = { at: now + latency }
    if (admitted) ends.add(end)
    request.resume().on('end', () => {
      if (!admitted) {
        send(response, 429, { error: { message: 'Rate limit reached.', type: 'requests' } }, headers)
        return
      }
      setTimeout(() => {
        ends.delete(end)
        seen.last = performance.now()
        const message = { role: 'assistant', content: 'fine' }
        const usage = { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 }
        send(response, 200, { model: 'm', choices: [{ message, finish_reason: 'stop' }], usage }, headers)
      }, latency)
    })
  }
  return { seen, server: createServer(answer) }
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string>): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

async function measure(throttle: Throttle) {
  const { seen, server } = api(throttle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const clock = { monotonic: () => performance.now() }
  const written = {
    type: 'openai',
    base_url: `http://127.0.0.1:${port}/v1`,
    concurrency: throttle.concurrency,
    ...(throttle.own !== undefined && { rpm: throttle.own }),
  }
  const provider = openaiProvider('bench', OpenAiProvider.parse(written), { env: {}, clock })
  const requests = Array.from({ length: throttle.calls }, (_, i) => ({
    key: `k${i}`,
    case: { id: `c${i}`, tags: [], critical: false, vars: {}, assert: [] },
    trial: 1,
    messages: [{ role: 'user' as const, content: `question ${i}` }],
    model: { id: 'm', params: {} },
  }))
  let answered = 0
  const start = performance.now()
  const { stopped } = await runPass({
    requests,
    provider,
    seed: 1,
    signal: new AbortController().signal,
    clock,
    budget: newBudget(),
    onCompletion: (_request, { outcome }) => void (answered += outcome === 'answered' ? 1 : 0),
  })
  const took = performance.now() - start
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return { took, answered, stopped, ...seen }
}

const wide: Omit<Throttle, 'rpm' | 'burst' | 'calls'> = { concurrency: 50, latency: 0, told: 'headers' }
const SAID = {
  'retry-after-ms': 'only retry-after-ms',
  'retry-after': 'only Retry-After in whole seconds',
  nothing: 'told nothing',
}
const table: [string, Throttle][] = [
  ['300 rpm, bursts of 5', { ...wide, rpm: 300, burst: 5, calls: 100 }],
  ['1,200 rpm, bursts of 20', { ...wide, rpm: 1200, burst: 20, calls: 200 }],
  ['300 rpm, bursts of 5, 400 ms an answer', { ...wide, rpm: 300, burst: 5, calls: 100, latency: 400 }],
  ['300 rpm written in aigate.yaml', { ...wide, rpm: 300, burst: 5, calls: 100, own: 300 }],
  ['6,000 rpm, bursts of 100', { ...wide, rpm: 6000, burst: 100, calls: 1000 }],
  ...(['retry-after-ms', 'retry-after', 'nothing'] as const).flatMap((told): [string, Throttle][] => [
    [`300 rpm, bursts of 5, ${SAID[told]}`, { ...wide, rpm: 300, burst: 5, calls: 100, told }],
    [`1,200 rpm, bursts of 20, ${SAID[told]}`, { ...wide, rpm: 1200, burst: 20, calls: 200, told }],
  ]),
  ...(['retry-after-ms', 'retry-after', 'nothing'] as const).map((told): [string, Throttle] => [
    `6 at once, 200 ms an answer, ${SAID[told]}`,
    { ...wide, rpm: 1e9, burst: 1e6, calls: 300, latency: 200, under: 6, told },
  ]),
]

/** Prints one row a throttle; `--only n` measures one row. @returns the exit code: 1 when a call was lost. */
export async function main(flags: string[]): Promise<number> {
  const only = flags[0] === '--only' ? Number(flags[1]) : undefined
  let lost = 0
  console.log('| limit | calls | limit needs | took | ratio | refused | lost |\n|---|---|---|---|---|---|---|')
  for (const [i, [name, throttle]] of table.entries()) {
    if (only !== undefined && only !== i + 1) continue
    const { took, answered, requests, refused, stopped } = await measure(throttle)
    const { calls, burst, rpm, latency, under } = throttle
    const needs = under ? (calls * latency) / under : (Math.max(0, calls - burst) * 60_000) / rpm + latency
    lost += calls - answered
    const share = ((100 * refused) / requests).toFixed(1)
    console.log(
      `| ${name} | ${calls} | ${(needs / 1000).toFixed(2)} s | ${(took / 1000).toFixed(2)} s | ${(took / needs).toFixed(3)} | ${refused} (${share} %) | ${calls - answered}${stopped ? `: ${stopped.message}` : ''} |`,
    )
  }
  return lost === 0 ? 0 : 1
}
