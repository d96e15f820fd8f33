// Source of Prometheus: raw counters of requests, bad events and histogram buckets, differenced here, by block and arm.
import * as z from 'zod'
import { AigateError } from '../../errors.ts'
import type { Source, SourceRequest } from '../../ports.ts'
import type { RolloutPlan, SourceConfig } from '../../schema/rollout.ts'
import type { Reading } from '../../schema/rollout-journal.ts'
import { blocksOf, newTally, type Meter, type Tally } from './prometheus-blocks.ts'
import { increasesOf, spanOf, STALE, type Last } from './prometheus-counters.ts'
import { plainSelector, rawSamples, withLabel, type Server } from './prometheus-query.ts'
import { addTo, type Buckets, plainBoundary, scaleOf } from './prometheus-tails.ts'
import type { World } from '../world.ts'

const FORMAT = 1
/** So much is asked for at once (milliseconds): memory does not grow with the length of a rollout. */
const PAGE = 1_800_000
/** So much before the rollout is read too, to learn what is normal for the baseline. */
const PAST = 3_600_000
type PrometheusConfig = Extract<SourceConfig, { type: 'prometheus' }>

const Cursor = z.strictObject({
  version: z.literal(FORMAT),
  closed: z.number().nullable(),
  newest: z.number().nullable(),
  /** What the baseline did so far: by metric, cumulative by boundary. */
  past: z.record(z.string(), z.record(z.string(), z.number())),
})
type Cursor = z.infer<typeof Cursor>

/**
 * Counts of each arm from counters. Prometheus knows no units: every bad request is a first one, which holds only where
 * requests are assigned one by one; every plan that asks for more is refused with AigateError `usage`.
 */
export function prometheusSource(config: PrometheusConfig, { env }: World): Source {
  return {
    read: async (request) => {
      const meters = metersOf(request, config)
      const notes = new Set<string>()
      const server: Server = {
        url: config.url,
        token: tokenOf(config, env),
        signal: request.signal,
        note: (text) => void notes.add(text),
      }
      const known = knownBefore(request)
      const step = config.step
      const closed = Math.max(Math.floor((request.until - config.lateness) / step) * step, known.closed ?? 0)
      const learn = known.closed === null ? PAST : 0
      const from = Math.max(known.closed ?? 0, request.since - learn)
      const tally = newTally(request, meters, step, server.note)
      let newest = known.newest ?? Number.NEGATIVE_INFINITY
      for (const meter of meters) newest = Math.max(newest, await readMeter(meter, tally, server, config, from))
      const past = structuredClone(known.past)
      const blocks = blocksOf(tally, past, { from: known.closed, closed })
      const shown = blocks.filter(({ start }) => start >= Math.max(known.closed ?? 0, request.closed ?? 0))
      const next: Cursor = { version: FORMAT, closed, newest: Number.isFinite(newest) ? newest : null, past }
      return {
        until: new Date(closed).toISOString(),
        newest: next.newest === null ? null : new Date(next.newest).toISOString(),
        cursor: next,
        blocks: shown,
        events: Math.round(shown.reduce((sum, { arms }) => sum + arms.baseline.requests + arms.candidate.requests, 0)),
        unreadable: tally.odd,
        duplicates: 0,
        late: 0,
        without_arm: Math.round(shown.reduce((sum, { armless }) => sum + (armless?.requests ?? 0), 0)),
        models: [],
        notes: [...notes],
      } satisfies Reading
    },
  }
}

/** Reads one counter of both arms page by page; gives the time of the last request that was seen. */
async function readMeter(meter: Meter, tally: Tally, server: Server, config: PrometheusConfig, from: number) {
  const { request, step } = tally
  let newest = Number.NEGATIVE_INFINITY
  const { arm: label } = config.labels
  for (const side of request.whole ? (['baseline'] as const) : (['baseline', 'candidate', 'none'] as const)) {
    // An empty label matches the series that do not have it.
    const selector = request.whole
      ? plainSelector(meter.selector)
      : withLabel(meter.selector, label, side === 'none' ? '' : config.labels[side])
    // Before the rollout there is no arm to tell.
    const arm = side === 'none' && request.past ? 'baseline' : side
    const last: Last = new Map()
    for (let start = from - STALE; start < request.until; start += PAGE) {
      const end = Math.min(start + PAGE, request.until)
      for (const series of await rawSamples(server, selector, start, end)) {
        tally.odd += series.odd
        tally.seen.add(`${meter.id} ${arm}`)
        for (const increase of increasesOf(series, last)) {
          if (increase.added > 0 && meter.kind === 'requests') newest = Math.max(newest, increase.to)
          tally.add(meter, arm, series.labels.le, increase, spanOf(request, increase, step))
        }
      }
    }
    if (side !== 'none' && !request.past && !tally.seen.has(`${meter.id} ${arm}`))
      server.note(`${selector} gives no data. A counter that starts at 0 with the application is better than none.`)
  }
  return newest
}

function metersOf(request: SourceRequest, config: PrometheusConfig): Meter[] {
  const { plan } = request
  if (plan.assignment.unit !== 'request')
    throw refusal(
      'Prometheus knows no users or sessions, only requests',
      'Write `assignment: {unit: request}` where requests are assigned one by one, or read events instead.',
    )
  const meters: Meter[] = [
    { id: 'requests', kind: 'requests', name: '', selector: config.requests, scale: 1, limits: [] },
  ]
  for (const [name, metric] of Object.entries(plan.metrics))
    meters.push(meterOf(name, metric, config, request.limits[name] ?? []))
  return meters
}

function meterOf(
  name: string,
  metric: RolloutPlan['metrics'][string],
  config: PrometheusConfig,
  limits: readonly number[],
): Meter {
  if ('mean' in metric)
    throw refusal(
      `${name} is a mean of values, which counters cannot give`,
      'Measure its tail by a histogram, or read events instead.',
    )
  const kind = 'bad' in metric ? 'bad' : 'histogram'
  const selector = Object.hasOwn(config[kind], name) ? config[kind][name] : undefined
  if (selector === undefined)
    throw refusal(
      `source.${kind} names no counter for ${name}`,
      `Write \`${kind}: {${name}: <selector>}\` in \`source\`.`,
    )
  if ('bad' in metric) return { id: name, kind: 'bad', name, selector, scale: 1, limits: [] }
  const { tail_at: written } = metric
  const tail =
    typeof written === 'number' ? { limit: written } : { quantile: Number(written.slice('baseline.p'.length)) / 100 }
  return { id: name, kind: 'histogram', name, selector, scale: scaleOf(selector), limits, tail }
}

const refusal = (problem: string, mend: string): AigateError =>
  new AigateError('usage', { problem: `${problem}.`, mend })

function tokenOf({ token_env: name }: PrometheusConfig, env: World['env']): string | undefined {
  if (name === undefined) return undefined
  const token = env[name]
  if (token !== undefined && token !== '') return token
  const problem = `the environment variable ${name} with the token of Prometheus is not set`
  throw new AigateError('source_failed', { problem, mend: `Set ${name}.` })
}

/** What a clock that ran days ahead has closed is open again: it goes on behind the blocks that were returned. */
function knownBefore({ cursor, until, closed }: SourceRequest): Cursor {
  const known = readCursor(cursor)
  if (known.closed === null || known.closed <= until) return known
  return { ...known, closed, past: closed === null ? {} : known.past }
}

function readCursor(written: SourceRequest['cursor']): Cursor {
  const version = z.looseObject({ version: z.number() }).safeParse(written).data?.version ?? FORMAT
  if (version > FORMAT) throw new AigateError('newer_file', { kind: 'a cursor of Prometheus', version, known: FORMAT })
  const read = Cursor.safeParse(written).data
  if (read === undefined) return { version: FORMAT, closed: null, newest: null, past: {} }
  const plain = (buckets: Buckets): Buckets => {
    const merged: Buckets = {}
    for (const [le, added] of Object.entries(buckets)) addTo(merged, plainBoundary(le), added)
    return merged
  }
  const past = Object.entries(read.past).map(([name, buckets]) => [name, plain(buckets)] as const)
  return { ...read, past: Object.fromEntries(past) }
}
