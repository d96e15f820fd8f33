// Questions to the HTTP interface of Prometheus: raw samples of a selector, never rate() or increase(), which extrapolate.
import * as z from 'zod'
import { AigateError } from '../../errors.ts'

const TIMEOUT = 30_000
const SHOWN = 300
/** More series than this are no counters of two arms. */
const MOST_SERIES = 20_000

const Sample = z.tuple([z.number(), z.string()])
const Series = z.looseObject({ metric: z.record(z.string(), z.string()), values: z.array(Sample) })
const Answer = z.looseObject({
  status: z.string(),
  error: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  data: z.looseObject({ resultType: z.string(), result: z.array(Series) }).optional(),
})

/** Samples in order of time: milliseconds since 1970 and the value, which is finite. `odd`: samples that were not. */
export type RawSeries = { labels: Readonly<Record<string, string>>; samples: [number, number][]; odd: number }
export type Server = { url: string; token: string | undefined; signal: AbortSignal; note: (text: string) => void }

/** Name and labels of a plain selector. Throws AigateError `usage` for anything else. */
function partsOf(selector: string): { name: string; labels: string } {
  const match = /^\s*([A-Za-z_:][\w:]*)?\s*(?:\{([^]*)\}\s*)?$/.exec(selector)
  const [, name = '', inside = ''] = match ?? []
  if (!match || (name === '' && inside.trim() === ''))
    throw new AigateError('usage', {
      problem: `${selector} is no plain selector of a counter.`,
      mend: 'Write its name with labels, as in http_requests_total{job="app"}: no rate(), no sum(), no time range.',
    })
  return { name, labels: inside.trim().replace(/,$/, '') }
}

/** The selector with one more label. Throws AigateError `usage` for what is no plain selector. */
export function withLabel(selector: string, label: string, value: string): string {
  const { name, labels } = partsOf(selector)
  return `${name}{${labels}${labels === '' ? '' : ', '}${label}=${JSON.stringify(value)}}`
}

/** The selector as it stands, for both arms together. Throws AigateError `usage` where it is no plain one. */
export function plainSelector(selector: string): string {
  const { name, labels } = partsOf(selector)
  return `${name}{${labels}}`
}

/**
 * The raw samples of a selector between two times (milliseconds since 1970). A range in brackets is asked at its end: it
 * gives every sample that was scraped, where query_range would give at most 11,000 made ones. Throws `source_failed`.
 */
export async function rawSamples(server: Server, selector: string, from: number, until: number): Promise<RawSeries[]> {
  const query = `${selector}[${Math.max(1, until - from)}ms]`
  const { result, warnings } = await ask(server, query, until)
  for (const warning of warnings) server.note(`Prometheus warns: ${warning.slice(0, SHOWN)}`)
  if (result.length > MOST_SERIES)
    throw failure(`${selector} matches ${result.length} series, more than ${MOST_SERIES}`, 'Narrow the selector.')
  return result.map(({ metric, values }) => {
    const samples = values.map(([time, value]): [number, number] => [Math.round(time * 1000), Number(value)])
    const finite = samples.filter(([, value]) => Number.isFinite(value))
    return { labels: metric, samples: finite, odd: samples.length - finite.length }
  })
}

async function ask({ url, token, signal }: Server, query: string, time: number) {
  const base = new URL(url)
  const path = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/query`, base)
  const body = new URLSearchParams({ query, time: (time / 1000).toFixed(3) })
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  let response: Response
  let text: string
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)])
    response = await fetch(path, { method: 'POST', body, headers, signal: either, redirect: 'error' })
    text = await response.text()
  } catch (error) {
    signal.throwIfAborted()
    const late = error instanceof Error && error.name === 'TimeoutError'
    const what = late ? `did not answer within ${TIMEOUT / 1000} s` : 'cannot be reached'
    throw failure(`Prometheus at ${base.host} ${what}`, 'Check `source.url` and that it runs.')
  }
  if (response.status === 401 || response.status === 403)
    throw failure(
      `Prometheus at ${base.host} refuses access (${response.status})`,
      'Name the environment variable with the right token in `source.token_env`.',
    )
  const answer = Answer.safeParse(parsed(text)).data
  const said = (answer?.error ?? text).replace(/\s+/g, ' ').trim()
  const shown = (token === undefined ? said : said.replaceAll(token, '[REDACTED]')).slice(0, SHOWN)
  if (answer?.status === 'error' && response.status === 400)
    throw failure(`Prometheus cannot read the query ${query}: ${shown}`, 'Correct the selector in `source`.')
  if (!response.ok || answer?.status === 'error')
    throw failure(
      `Prometheus at ${base.host} answered ${response.status}: ${shown}`,
      'Look at its log, then try again.',
    )
  if (answer?.data === undefined)
    throw failure(`${base.host} answered with something that is not of Prometheus: ${shown}`, 'Check `source.url`.')
  return { result: answer.data.result, warnings: answer.warnings ?? [] }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function failure(problem: string, mend: string): AigateError {
  return new AigateError('source_failed', { problem: problem.replace(/[.\s]+$/, ''), mend })
}
