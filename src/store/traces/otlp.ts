// Spans out of OpenTelemetry traces as JSON lines: the form of the Collector's file exporter, one `{resourceSpans}` a line.
// Format: opentelemetry.io/docs/specs/otel/protocol/file-exporter and opentelemetry-proto's JSON encoding.
import { stat } from 'node:fs/promises'
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
  events: { name: string; attributes: Readonly<Record<string, unknown>> }[]
}

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

/**
 * All spans of some files. A line that is no JSON, or no trace, and a span without id or times are counted in `unread`.
 * Throws AigateError `cannot_read`, and `bad_file` for a file without a single span.
 */
export async function readSpans(files: readonly string[]): Promise<{ spans: Span[]; unread: number }> {
  const spans: Span[] = []
  let unread = 0
  for (const file of files) {
    const before = spans.length
    if ((await stat(file).catch(() => null))?.isDirectory())
      throw new AigateError('bad_file', { problem: 'This is a folder.', mend: 'Name the files in it.' }, { file })
    for await (const line of readLines(file)) {
      if (line.text.trim() === '') continue
      const value = parseJson(line.text)
      const resources = isRec(value) ? list(value['resourceSpans']) : []
      if (resources.length === 0) unread += 1
      for (const one of resources) {
        const resource = isRec(one['resource']) ? attributesOf(one['resource']['attributes']) : {}
        for (const scope of list(one['scopeSpans'] ?? one['instrumentationLibrarySpans']))
          for (const span of list(scope['spans'])) {
            const read = spanOf(span, resource)
            if (read) spans.push(read)
            else unread += 1
          }
      }
    }
    if (spans.length === before) {
      const problem = 'This file holds no spans of OpenTelemetry.'
      const mend = 'Name JSON lines as the file exporter of the Collector writes them: {"resourceSpans": […]} a line.'
      throw new AigateError('bad_file', { problem, mend }, { file })
    }
  }
  return { spans, unread }
}
