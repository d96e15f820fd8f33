// Prometheus itself, scraping an application that restarts; and the answers that a server may give on a bad day.
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { SourceRequest } from '../../ports.ts'
import type { SourceConfig } from '../../schema/rollout.ts'
import { newFolder, planWith, START } from '../observe-testing.ts'
import { prometheusSource } from './prometheus.ts'
import { increasesOf, spanOf } from './prometheus-counters.ts'
import { withLabel } from './prometheus-query.ts'

const BINARY = '/usr/bin/prometheus'
const SECRET = 'token-5b1f09'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function planFor(url: string, source: object = {}, more: object = {}) {
  return planWith({
    assignment: { unit: 'request' },
    metrics: { error_rate: { bad: 'error' }, latency: { value: 'duration_ms', tail_at: 500 } },
    source: {
      type: 'prometheus',
      url,
      requests: 'requests_total{job="app"}',
      bad: { error_rate: 'errors_total{job="app"}' },
      histogram: { latency: 'latency_seconds_bucket{job="app"}' },
      step: '5s',
      lateness: 0,
      ...source,
    },
    ...more,
  })
}

function read(url: string, request: Partial<SourceRequest> = {}, source: object = {}, more: object = {}) {
  const plan = planFor(url, source, more)
  return prometheusSource(plan.source as Extract<SourceConfig, { type: 'prometheus' }>, {
    root: '/',
    env: { TOKEN: SECRET },
  }).read({
    plan,
    cursor: null,
    since: START,
    until: START + 60_000,
    closed: null,
    folder: newFolder(),
    changes: [],
    limits: {},
    signal: AbortSignal.timeout(30_000),
    ...request,
  })
}

/** An application whose counters know how many requests each arm had. */
type Counts = Record<'baseline' | 'candidate', { requests: number; bad: number }>
const zero = (): Counts => ({ baseline: { requests: 0, bad: 0 }, candidate: { requests: 0, bad: 0 } })
const exposition = (counts: Counts): string =>
  Object.entries(counts)
    .flatMap(([arm, { requests, bad }]) => [
      `requests_total{arm="${arm}"} ${requests}`,
      `errors_total{arm="${arm}"} ${bad}`,
      `latency_seconds_bucket{arm="${arm}",le="0.1"} 0`,
      `latency_seconds_bucket{arm="${arm}",le="0.5"} ${requests - bad}`,
      `latency_seconds_bucket{arm="${arm}",le="+Inf"} ${requests}`,
    ])
    .join('\n')

it.skipIf(!existsSync(BINARY) && !process.env.CI)(
  'counts what a real Prometheus scraped, over a restart',
  { timeout: 60_000 },
  async () => {
    let counts = zero()
    const total = zero()
    const scraped: string[] = []
    const app = await serve((_, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4')
      response.end(`${exposition(counts)}\n`)
      scraped.push('')
    })
    const folder = newFolder()
    const probe = await serve((_, response) => response.end())
    const port = Number(new URL(probe).port) + 1
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: app, static_configs: [{targets: ["${new URL(app).host}"]}]}]\n`,
    )
    const child = spawn(
      BINARY,
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const untilScrapes = async (more: number) => {
      const goal = scraped.length + more
      while (scraped.length < goal) await sleep(50)
    }
    await untilScrapes(2)
    const since = Date.now() - 5_000
    for (let round = 0; round < 6; round += 1) {
      // The application restarts: its counters begin at 0, and the candidate soon has more than before.
      if (round === 3) {
        counts = zero()
        await untilScrapes(2)
      }
      for (const side of [counts, total]) {
        side.baseline.requests += 90
        side.baseline.bad += 2
        side.candidate.requests += 10
        side.candidate.bad += 5
      }
      await untilScrapes(1)
    }
    await untilScrapes(2)
    const url = `http://127.0.0.1:${port}`
    const until = Date.now() + 10_000
    const reading = await read(url, { since, until, limits: { latency: [100, 500] } })
    const sum = (arm: 'baseline' | 'candidate') => {
      const all = reading.blocks.map(({ arms }) => arms[arm])
      const of = (name: string) => all.map(({ metrics }) => metrics[name])
      return {
        requests: all.reduce((n, { requests }) => n + requests, 0),
        bad: of('error_rate').reduce((n, metric) => n + (metric?.bad ?? 0), 0),
        slow: of('latency').reduce((n, metric) => n + (metric?.bad ?? 0), 0),
        over: [0, 1].map((index) => of('latency').reduce((n, metric) => n + (metric?.over[index] ?? 0), 0)),
      }
    }
    expect(sum('baseline')).toEqual({ requests: 540, bad: 12, slow: 12, over: [540, 12] })
    expect(sum('candidate')).toEqual({ requests: 60, bad: 30, slow: 30, over: [60, 30] })
    expect(total.candidate).toEqual({ requests: 60, bad: 30 })
    expect(reading.newest).not.toBeNull()
    const again = await read(url, {
      since,
      until: until + 5_000,
      cursor: reading.cursor,
      closed: Date.parse(reading.until),
    })
    expect(again.blocks).toEqual([])

    await expect(
      read(url, { since, until }, {}, { metrics: { latency: { value: 'duration_ms', tail_at: 50 } } }),
    ).rejects.toThrow(/latency asks for 50, but the histogram has only the boundaries 100, 500/)
    await expect(read(url, {}, { requests: 'requests_total{job=}' })).rejects.toMatchObject({
      code: 'source_failed',
      message: expect.stringMatching(/cannot read the query .*parse error/),
    })
    const empty = await read(url, { since, until }, { requests: 'nothing_total' })
    expect(empty).toMatchObject({ blocks: [], newest: null, events: 0 })
    expect(empty.notes.join('\n')).toMatch(/nothing_total\{arm="baseline"\} gives no data/)
    const half = await read(url, { since, until }, { bad: { error_rate: 'nothing_total' } })
    expect(half.blocks[0]?.arms.baseline.metrics.error_rate).toMatchObject({ n: 0, bad: 0 })
  },
)

const samples = (values: [number, number][], labels: Record<string, string> = {}) => ({
  labels,
  samples: values,
  odd: 0,
})

it('finds restarts series by series, and leaves out what nobody can place', () => {
  const last = new Map()
  expect(
    increasesOf(
      samples([
        [0, 100],
        [1000, 130],
        [2000, 20],
        [3000, 25],
      ]),
      last,
    ).map(({ added }) => added),
  ).toEqual([30, 20, 5])
  expect(
    increasesOf(
      samples([
        [3000, 25],
        [4000, 26],
      ]),
      last,
    ),
  ).toEqual([{ from: 3000, to: 4000, added: 1 }])
  expect(
    increasesOf(
      samples([
        [900_000, 99],
        [901_000, 100],
      ]),
      last,
    ),
  ).toEqual([{ from: 900_000, to: 901_000, added: 1 }])
  expect(increasesOf(samples([[5000, 7]], { pod: 'new' }), last)).toEqual([])

  const plan = planWith({ control: { type: 'flagd', path: 'f', settle: '10s' } })
  const request = { plan, since: 0, changes: [{ at: 60_500, generation: 1, ppm: 1 }] } as unknown as SourceRequest
  const span = (from: number, to: number) => spanOf(request, { from, to, added: 1 }, 60_000)
  expect(span(59_000, 60_000)).toEqual({ start: 0, length: 60_000, generation: 0 })
  expect(span(60_000, 60_400)).toEqual({ start: 60_000, length: 500, generation: 0 })
  expect(span(60_000, 61_000)).toBeUndefined()
  expect(span(70_000, 71_000)).toBeUndefined()
  expect(span(71_000, 72_000)).toEqual({ start: 60_500, length: 59_500, generation: 1 })
  expect(span(-1, 1000)).toBeUndefined()
})

it('puts the arm into a plain selector and takes no other', () => {
  expect(withLabel('a_total', 'arm', 'x"y')).toBe('a_total{arm="x\\"y"}')
  expect(withLabel(' a_total { job="b", } ', 'arm', 'c')).toBe('a_total{job="b", arm="c"}')
  expect(() => withLabel('rate(a_total[5m])', 'arm', 'c')).toThrow(/no plain selector/)
  expect(() => withLabel('{}', 'arm', 'c')).toThrow(/no plain selector/)
})

const matrix = (values: [number, string][]) =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'matrix', result: values.length > 0 ? [{ metric: { arm: 'a' }, values }] : [] },
  })

it('takes NaN and infinity for no sample', async () => {
  const url = await serve((_, response) => {
    const at = START / 1000
    response.end(
      matrix([
        [at, '10'],
        [at + 1, 'NaN'],
        [at + 2, '+Inf'],
        [at + 3, '14'],
      ]),
    )
  })
  const reading = await read(url, {}, {}, { metrics: { error_rate: { bad: 'error' } } })
  expect(reading.blocks.map(({ arms }) => arms.baseline.requests)).toEqual([4])
  expect(reading.unreadable).toBeGreaterThan(0)
})

it.each<[string, number, string, RegExp]>([
  ['no access', 401, 'no', /refuses access \(401\)/],
  [
    'busy',
    503,
    `{"status":"error","errorType":"unavailable","error":"starting ${SECRET}"}`,
    /answered 503: starting \[REDACTED\]/,
  ],
  ['another server', 200, '<html>hello</html>', /not of Prometheus: <html>hello/],
  [
    'a vector',
    200,
    '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}',
    /not of Prometheus/,
  ],
])('says what is wrong: %s', async (_, status, body, sentence) => {
  const seen: (string | undefined)[] = []
  const url = await serve((request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(status).end(body)
  })
  const failed = await read(url, {}, { token_env: 'TOKEN' }).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 'source_failed', message: expect.stringMatching(sentence) })
  expect(String(failed)).not.toContain(SECRET)
  expect(seen[0]).toBe(`Bearer ${SECRET}`)
})

it('counts what says no arm, and takes it for the baseline before the rollout', async () => {
  const series = (metric: object, added: number) => ({
    metric,
    values: [
      [START / 1000 + 1, '5'],
      [START / 1000 + 3, String(5 + added)],
    ],
  })
  const url = await serve((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      const query = new URLSearchParams(body).get('query') ?? ''
      const added = query.startsWith('errors') ? 2 : 20
      const result = query.includes('arm="candidate"')
        ? [series({ arm: 'candidate' }, added)]
        : query.includes('arm=""')
          ? [series({}, added * 2)]
          : []
      response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }))
    })
  })
  const metrics = { error_rate: { bad: 'error' } }
  const now = await read(url, {}, {}, { metrics })
  expect(now.blocks).toMatchObject([
    {
      arms: { baseline: { requests: 0 }, candidate: { requests: 20 } },
      armless: { requests: 40, bad: { error_rate: 4 } },
    },
  ])
  expect(now.without_arm).toBe(40)
  const before = await read(url, { past: true }, {}, { metrics })
  expect(before.blocks[0]).toMatchObject({
    arms: { baseline: { requests: 40, metrics: { error_rate: { n: 40, bad: 4 } } } },
  })
  expect(before.blocks[0]?.armless).toBeUndefined()
})

it('refuses what counters cannot say', async () => {
  const url = 'http://127.0.0.1:9'
  await expect(read(url, {}, { token_env: 'NOT_SET' })).rejects.toThrow(/NOT_SET with the token/)
  await expect(read(url)).rejects.toThrow(/127\.0\.0\.1:9 cannot be reached/)
  await expect(read(url, {}, {}, { assignment: { unit: 'user' } })).rejects.toThrow(/no users or sessions/)
  await expect(read(url, {}, {}, { metrics: { cost: { mean: 'cost_usd' } } })).rejects.toThrow(/mean of values/)
  await expect(read(url, {}, { bad: {} })).rejects.toThrow(/source\.bad names no counter for error_rate/)
})

it('asks page by page for a long time, and never for the same twice', async () => {
  const asked: number[] = []
  const url = await serve((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      asked.push(Number(new URLSearchParams(body).get('time')))
      response.end(matrix([]))
    })
  })
  const reading = await read(url, { until: START + 7_200_000 }, {}, { metrics: {} })
  expect(asked.length).toBe(3 * 7)
  asked.length = 0
  await read(url, { until: START + 7_260_000, cursor: reading.cursor }, {}, { metrics: {} })
  expect(asked).toEqual([START / 1000 + 7260, START / 1000 + 7260, START / 1000 + 7260])
})

it('knows a boundary however it is written, and compares no histogram that lacks it', async () => {
  const at = START / 1000
  const series = (le: string, from: number, to: number) => ({
    metric: { le },
    values: [
      [at + 1, String(from)],
      [at + 3, String(to)],
    ],
  })
  const answer = (candidate: readonly string[]) =>
    serve((request, response) => {
      let body = ''
      request.on('data', (piece: Buffer) => (body += piece.toString()))
      request.on('end', () => {
        const query = new URLSearchParams(body).get('query') ?? ''
        const arm = /arm="(\w*)"/.exec(query)?.[1]
        const [first = '', last = ''] = arm === 'candidate' ? candidate : ['0.5', '+Inf']
        const result =
          arm === ''
            ? []
            : query.startsWith('latency')
              ? [series(first, 0, 18), series(last, 0, 20)]
              : [series('', 0, 20)]
        response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }))
      })
    })
  const metrics = { latency: { value: 'duration_ms', tail_at: 500 } }
  const of = async (candidate: readonly string[]) => {
    const { blocks, notes } = await read(await answer(candidate), {}, {}, { metrics })
    const [block] = blocks
    return { notes, baseline: block?.arms.baseline.metrics.latency, candidate: block?.arms.candidate.metrics.latency }
  }
  const same = await of(['5e-1', 'Inf'])
  expect(same).toMatchObject({ baseline: { n: 20, bad: 2 }, candidate: { n: 20, bad: 2 } })
  const other = await of(['0.4', '+Inf'])
  expect(other).toMatchObject({ baseline: { n: 20, bad: 2 }, candidate: { n: 0, bad: 0, blank: 20 } })
  expect(same.candidate?.blank).toBeUndefined()
  expect(other.notes.join()).toContain('some histograms have no boundary at 0.5')
})
