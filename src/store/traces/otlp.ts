// Spans and log records out of OpenTelemetry files: JSON lines of the Collector's file exporter, or one JSON document.
// Format: opentelemetry.io/docs/specs/otel/protocol/file-exporter and opentelemetry-proto's JSON encoding.
import { readFile, stat } from 'node:fs/promises'
import { AigateError } from '../../errors.ts'
import { parseJson, readLines } from '../json-lines.ts'

/** Times in milliseconds since 1970. `attributes` also hold those of the resource; the span's own win. */
export type Span = {
  trace: string
  id: string
  parent: string | undefined
  name: string
  start: number
  end: number
  failed: string | undefined
  attributes: Readonly<Record<string, unknown>>
  events: SpanEvent[]
  /** true: only its log records are there, so that nobody knows how long it took. */
  untimed?: true
}
export type SpanEvent = { name: string; attributes: Readonly<Record<string, unknown>> }

/** A log record that is an event of a span. `attributes` also hold its body, where that is an object, and those of the resource. */
export type LogEvent = SpanEvent & { trace: string; span: string; at: number }

type Rec = Record<string, unknown>
const isRec = (value: unknown): value is Rec => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: unknown): Rec[] => (Array.isArray(value) ? value.filter(isRec) : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** `intValue` is text as protojson writes it, or a number as the JS SDK does; names in snake_case are older. */
function valueOf(value: unknown, depth = 0): unknown {
  if (!isRec(value) || depth > 50) return undefined
  if ('stringValue' in value) return value['stringValue']
  if ('boolValue' in value) return value['boolValue']
  if ('intValue' in value) return Number(value['intValue'])
  if ('doubleValue' in value) return Number(value['doubleValue'])
  if (isRec(value['arrayValue'])) return list(value['arrayValue']['values']).map((one) => valueOf(one, depth + 1))
  if (isRec(value['kvlistValue'])) return attributesOf(value['kvlistValue']['values'], depth + 1)
  return undefined
}

function attributesOf(attributes: unknown, depth = 0): Rec {
  return Object.fromEntries(list(attributes).map(({ key, value }) => [text(key), valueOf(value, depth)]))
}

/** Nanoseconds may be beyond what a number holds. NaN for what is no time. */
function millis(nanos: unknown): number {
  try {
    return Number(BigInt(String(nanos)) / 1000n) / 1000
  } catch {
    return Number.NaN
  }
}

function spanOf(span: Rec, resource: Rec): Span | undefined {
  const [start, end] = [millis(span['startTimeUnixNano']), millis(span['endTimeUnixNano'])]
  const trace = text(span['traceId'])
  if (trace === '' || Number.isNaN(start) || Number.isNaN(end)) return undefined
  const status = isRec(span['status']) ? span['status'] : {}
  const failed = status['code'] === 2 || status['code'] === 'STATUS_CODE_ERROR'
  return {
    trace,
    id: text(span['spanId']),
    parent: text(span['parentSpanId']) || undefined,
    name: text(span['name']),
    start,
    end,
    failed: failed ? text(status['message']) || 'the span says that it failed' : undefined,
    attributes: { ...resource, ...attributesOf(span['attributes']) },
    events: list(span['events']).map((event) => ({
      name: text(event['name']),
      attributes: attributesOf(event['attributes']),
    })),
  }
}

/** An event that says of which span it is; others are logs of something else. */
function eventOf(record: Rec, resource: Rec): LogEvent | 'other' | undefined {
  const own = attributesOf(record['attributes'])
  const name = text(record['eventName']) || text(own['event.name'])
  if (!name.startsWith('gen_ai.')) return 'other'
  const trace = text(record['traceId'])
  const at = [record['timeUnixNano'], record['observedTimeUnixNano']].map(millis).find((one) => one > 0)
  if (trace === '' || at === undefined) return undefined
  const body = valueOf(record['body'])
  const said = typeof body === 'string' ? parseJson(body) : body
  const attributes = { ...resource, ...own, ...(isRec(said) && said) }
  return { trace, span: text(record['spanId']), at, name, attributes }
}

type Telemetry = { spans: Span[]; events: LogEvent[]; unread: number }

/** One JSON value of a file: an export request, a list of them, or what trace stores give out for one trace. */
function take(value: unknown, found: Telemetry): void {
  if (Array.isArray(value)) {
    for (const one of value) take(one, found)
    return
  }
  const whole = isRec(value) ? value : {}
  const inner = isRec(whole['trace']) ? whole['trace'] : whole
  const traced = list(inner['resourceSpans'] ?? inner['batches'])
  const logged = list(inner['resourceLogs'])
  if (traced.length + logged.length === 0) found.unread += 1
  const resourceOf = (one: Rec) => (isRec(one['resource']) ? attributesOf(one['resource']['attributes']) : {})
  for (const one of traced) {
    const resource = resourceOf(one)
    const scopes = list(one['scopeSpans'] ?? one['instrumentationLibrarySpans'])
    for (const span of scopes.flatMap((scope) => list(scope['spans']))) {
      const read = spanOf(span, resource)
      if (read) found.spans.push(read)
      else found.unread += 1
    }
  }
  for (const one of logged) {
    const resource = resourceOf(one)
    for (const record of list(one['scopeLogs']).flatMap((scope) => list(scope['logRecords']))) {
      const read = eventOf(record, resource)
      if (read === undefined) found.unread += 1
      else if (read !== 'other') found.events.push(read)
    }
  }
}

/** A file that is one JSON document over many lines; undefined for JSON lines, the last of which may be torn. */
async function documentIn(file: string, first: string): Promise<unknown> {
  if (!/^\s*[[{]/.test(first) || parseJson(first) !== undefined) return undefined
  const whole = await readFile(file, 'utf8').catch(() => '')
  return parseJson(whole.replace(/^\ufeff/, ''))
}

/**
 * All spans of some files, and the events of their log records (`resourceLogs`). What is no JSON or no telemetry, a span
 * without id or times and an event without a trace are counted in `unread`.
 * Throws AigateError `cannot_read`, and `bad_file` for a file without a single span or event.
 */
export async function readTelemetry(files: readonly string[]): Promise<Telemetry> {
  const all: Telemetry = { spans: [], events: [], unread: 0 }
  for (const file of files) {
    const before = all.spans.length + all.events.length
    if ((await stat(file).catch(() => null))?.isDirectory())
      throw new AigateError('bad_file', { problem: 'This is a folder.', mend: 'Name the files in it.' }, { file })
    let begun = false
    for await (const line of readLines(file)) {
      if (line.text.trim() === '') continue
      const whole = begun ? undefined : await documentIn(file, line.text)
      begun = true
      take(whole ?? parseJson(line.text), all)
      if (whole !== undefined) break
    }
    if (all.spans.length + all.events.length === before) {
      const problem = 'This file holds no spans of OpenTelemetry.'
      const mend =
        'Name files as the file exporter of the Collector writes them: {"resourceSpans": […]} or {"resourceLogs": […]} a line.'
      throw new AigateError('bad_file', { problem, mend }, { file })
    }
  }
  return all
}
