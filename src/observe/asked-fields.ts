// Which fields the metrics of a plan ask for, and which of them no event had so far: a misspelt name must not pass for "all is well".
import type { RolloutPlan } from '../schema/rollout.ts'
import { isLabelPath, type Field, type Fields, type RawEvent } from './events.ts'
import { parseExpression, pathsOf } from './expression.ts'

/** What events usually have, by our names: those of OpenTelemetry and our own. */
export const commonFields: readonly string[] = [
  'error.type',
  'duration_ms',
  'cost_usd',
  'feedback',
  'user.id',
  'session.id',
  'feature_flag.context.id',
  'feature_flag.result.variant',
  'aigate.arm',
  'aigate.rollout',
  'aigate.segment',
  'aigate.cost_usd',
  'aigate.feedback',
  'aigate.prompt.version',
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.response.id',
  'gen_ai.conversation.id',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.evaluation.name',
]

/** After so many requests, or judgements and feedback, a field that none of them had is said to be missing. */
export const ENOUGH = 100

/** `label`: judgements and feedback have it, requests do not. */
export type AskedField = { metric: string; path: string; label: boolean }
/** What was seen until now, kept between looks: paths that some event had, those that were said to be missing, and how many events. */
export type SeenFields = { had: string[]; said: string[]; requests: number; labels: number }
export const noFields = (): SeenFields => ({ had: [], said: [], requests: 0, labels: 0 })

/** Every field of every metric, each path once. Throws AigateError `usage` for a condition that cannot be read. */
export function askedFields(metrics: RolloutPlan['metrics']): AskedField[] {
  const found = new Map<string, AskedField>()
  for (const [metric, written] of Object.entries(metrics)) {
    const own =
      'bad' in written
        ? pathsOf(parseExpression(written.bad))
        : ['value' in written ? written.value : 'mean' in written ? written.mean : '']
    const where = written.where === undefined ? [] : pathsOf(parseExpression(written.where))
    // Of a metric of labels the labels alone are counted, so that all of its fields are looked for in them.
    const label = own.some(isLabelPath)
    for (const path of [...own, ...where])
      if (path !== '' && !found.has(path)) found.set(path, { metric, path, label: label || isLabelPath(path) })
  }
  return [...found.values()]
}

export type FieldWatch = { path: string; label: boolean; field: Field }

/** The asked fields as one reader of events finds them. */
export const watchFields = (asked: readonly AskedField[], fields: Fields): FieldWatch[] =>
  asked.map(({ path, label }) => ({ path, label, field: fields(path) }))

/** Takes in an event. Fields that were found are not looked for again. */
export function seeFields(seen: SeenFields, watched: readonly FieldWatch[], event: RawEvent, request: boolean): void {
  if (request) seen.requests += 1
  else seen.labels += 1
  if (seen.had.length === watched.length) return
  for (const { path, field } of watched) if (!seen.had.includes(path) && field(event) !== undefined) seen.had.push(path)
}

/** What to say of fields that nothing had, once each; it is then remembered as said. */
export function missingFields(seen: SeenFields, asked: readonly AskedField[]): string[] {
  const notes: string[] = []
  for (const { metric, path, label } of asked) {
    const many = label ? seen.labels : seen.requests
    if (many < ENOUGH || seen.had.includes(path) || seen.said.includes(path)) continue
    seen.said.push(path)
    notes.push(missingNote({ metric, path, label }, many))
  }
  return notes
}

export function missingNote({ metric, path, label }: AskedField, many: number): string {
  const what = label ? 'judgements and feedbacks' : 'requests'
  return `${metric}: none of ${many} ${what} has the field ${path}. Is it misspelt? A field that is logged only where there is something to say should else be null.`
}
