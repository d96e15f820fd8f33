// What `aigate serve` answers: routes and texts for Argo Rollouts, Flagger, Prometheus and people; pure, without a server.
import type { Decision } from '../schema/rollout-journal.ts'
import { type ServedRollout, servedMetrics, type Verdict } from './served-metrics.ts'

/** `find` gives undefined for a rollout that was never started. `stage`: only whether that stage was passed. */
export type Served = {
  version: string
  find(name: string, stage?: number): (Verdict & { metrics: Decision['metrics'] }) | undefined
  /** `unreadable`: rollouts whose journal cannot be read. */
  all(): { known: ServedRollout[]; unreadable: string[] }
}
export type Asked = { method: string; path: string; query: URLSearchParams; body: string }
export type Answer = { status: number; type: string; text: string; allow?: string }

const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  text: `${JSON.stringify(value)}\n`,
})
const refuse = (status: number, error: string): Answer => json(status, { error })

/** When each hook of Flagger answers 200; anything else means no to it. */
const hooks: Readonly<Record<string, Verdict['verdict']>> = {
  rollback: 'fail',
  'confirm-traffic-increase': 'pass',
  'confirm-promotion': 'pass',
}

/**
 * Answers one request. GET /verdict/<rollout>[?stage=n], /metrics, /healthz; POST /flagger/<hook>. A verdict is always 200
 * (Argo's web provider takes another status for an error of the measurement); an unknown rollout or path is 404, another
 * method 405, a body that is no JSON object 400, a verdict that is not what a hook waits for 409.
 */
export function answerTo({ method, path, query, body }: Asked, served: Served): Answer {
  const [, room = '', ...rest] = path.split('/')
  const wanted = room === 'flagger' ? 'POST' : 'GET'
  if (!['verdict', 'metrics', 'healthz', 'flagger'].includes(room)) return refuse(404, 'There is nothing here.')
  if (method !== wanted && !(method === 'HEAD' && wanted === 'GET'))
    return { ...refuse(405, `Use ${wanted}.`), allow: wanted }
  if (room === 'flagger') return hookAnswer(rest.join('/'), body, served)
  if (room === 'verdict') return verdictAnswer(decoded(rest.join('/')), query, served)
  if (rest.length > 0) return refuse(404, 'There is nothing here.')
  if (room === 'healthz') return json(200, { status: 'ok', version: served.version })
  const { known, unreadable } = served.all()
  return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text: servedMetrics(known, unreadable) }
}

function verdictAnswer(name: string | undefined, query: URLSearchParams, served: Served): Answer {
  const stage = query.get('stage')
  if (stage !== null && !/^\d{1,4}$/.test(stage)) return refuse(400, '`stage` is a number from 0.')
  const found = name === undefined ? undefined : served.find(name, stage === null ? undefined : Number(stage))
  if (!found) return refuse(404, 'No such rollout was started.')
  const { verdict, reasons, mode, ppm, at, metrics } = found
  const last_look = at === null ? null : new Date(at).toISOString()
  return json(200, { rollout: name, verdict, reasons, mode, stage: found.stage, share: ppm / 1e6, last_look, metrics })
}

/** The body of Flagger's webhooks: name and namespace of the canary, its phase, and the metadata of the hook. */
function hookAnswer(hook: string, body: string, served: Served): Answer {
  const wanted = Object.hasOwn(hooks, hook) ? hooks[hook] : undefined
  if (wanted === undefined) return refuse(404, `There is no such hook; there are ${Object.keys(hooks).join(', ')}.`)
  const payload = objectIn(body)
  if (!payload) return refuse(400, 'The body is no JSON object.')
  const { metadata } = payload as { metadata?: unknown }
  const named =
    typeof metadata === 'object' && metadata !== null && 'rollout' in metadata ? metadata.rollout : undefined
  const name = named ?? ('name' in payload ? payload.name : undefined)
  const found = typeof name === 'string' ? served.find(name) : undefined
  if (!found) return refuse(404, 'No such rollout was started: name it as `rollout` in the metadata of the hook.')
  const { verdict, reasons } = found
  return json(verdict === wanted ? 200 : 409, { rollout: name, verdict, reasons })
}

function objectIn(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
