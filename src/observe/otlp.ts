// Source of OTLP JSON lines, as the file exporter of the OpenTelemetry Collector writes them.
import type { Source } from '../ports.ts'
import type { SourceConfig } from '../schema/rollout.ts'
import type { RawEvent } from './events.ts'
import { jsonlSource } from './jsonl.ts'
import type { World } from './world.ts'

/** Spans of model calls and log records, one export a line. */
export function otlpSource(config: Extract<SourceConfig, { type: 'otlp' }>, world: World): Source {
  return jsonlSource(config, world, unpackOtlp)
}

/**
 * The events of one export: spans with an operation or an arm, judgements among their span events, and log records.
 * Attributes of the resource stand below those of the record. Metrics are passed over. Undefined: it is no OTLP.
 * Format: opentelemetry-proto, JSON encoding (64-bit integers may be texts, times are nanoseconds).
 */
export function unpackOtlp(value: RawEvent): RawEvent[] | undefined {
  const { resourceSpans, resourceLogs, resourceMetrics } = value
  if (resourceSpans === undefined && resourceLogs === undefined && resourceMetrics === undefined) return undefined
  return [
    ...inside(resourceSpans, 'scopeSpans', 'spans', spanEvents),
    ...inside(resourceLogs, 'scopeLogs', 'logRecords', logEvents),
  ]
}

function inside(
  resources: unknown,
  scopes: string,
  records: string,
  read: (record: RawEvent, resource: RawEvent) => RawEvent[],
): RawEvent[] {
  return listOf(resources).flatMap((one) => {
    const resource = attributesOf(objectOf(one.resource).attributes)
    return listOf(one[scopes]).flatMap((scope) => listOf(scope[records]).flatMap((record) => read(record, resource)))
  })
}

function spanEvents(span: RawEvent, resource: RawEvent): RawEvent[] {
  const own = attributesOf(span.attributes)
  const [start, end] = [nanoseconds(span.startTimeUnixNano), nanoseconds(span.endTimeUnixNano)]
  const failed = objectOf(span.status).code === 2 || objectOf(span.status).code === 'STATUS_CODE_ERROR'
  const base = { ...resource, ...own, trace_id: span.traceId, span_id: span.spanId }
  const nested = listOf(span.events).flatMap((event) => {
    if (event.name !== 'gen_ai.evaluation.result') return []
    const at = milliseconds(event.timeUnixNano)
    return [{ ...base, ...attributesOf(event.attributes), 'event.name': event.name, ts: at }]
  })
  const model = ['gen_ai.operation.name', 'openinference.span.kind', 'aigate.arm', 'feature_flag.result.variant']
  if (!model.some((name) => own[name] !== undefined)) return nested
  const ts = milliseconds(span.endTimeUnixNano)
  const spanned = start === undefined || end === undefined ? {} : { duration_ms: Number(end - start) / 1e6 }
  const error = failed && own['error.type'] === undefined ? { 'error.type': '_OTHER' } : {}
  return [{ ...spanned, ...error, ...base, ts }, ...nested]
}

function logEvents(record: RawEvent, resource: RawEvent): RawEvent[] {
  const named =
    typeof record.eventName === 'string' && record.eventName !== '' ? { 'event.name': record.eventName } : {}
  const body = valueOf(record.body)
  const fields = typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as RawEvent) : {}
  const ids = { trace_id: record.traceId, span_id: record.spanId }
  const ts = milliseconds(record.timeUnixNano) ?? milliseconds(record.observedTimeUnixNano)
  return [{ ...resource, ...fields, ...ids, ...named, ...attributesOf(record.attributes), ts }]
}

function attributesOf(list: unknown): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const { key, value } of listOf(list)) if (typeof key === 'string') found[key] = valueOf(value)
  return found
}

function valueOf(written: unknown): unknown {
  const one = objectOf(written)
  if (one.stringValue !== undefined) return one.stringValue
  if (one.boolValue !== undefined) return one.boolValue
  if (one.intValue !== undefined) return Number(one.intValue)
  if (one.doubleValue !== undefined) return Number(one.doubleValue)
  if (one.kvlistValue !== undefined) return attributesOf(objectOf(one.kvlistValue).values)
  if (one.arrayValue !== undefined) return listOf(objectOf(one.arrayValue).values).map(valueOf)
  return undefined
}

function nanoseconds(value: unknown): bigint | undefined {
  if (typeof value === 'number' && value > 0) return BigInt(Math.round(value))
  return typeof value === 'string' && /^[1-9]\d*$/.test(value) ? BigInt(value) : undefined
}
function milliseconds(value: unknown): number | undefined {
  const found = nanoseconds(value)
  return found === undefined ? undefined : Number(found / 1_000_000n)
}
const isObject = (value: unknown): value is RawEvent => typeof value === 'object' && value !== null
const objectOf = (value: unknown): RawEvent => (isObject(value) ? value : {})
const listOf = (value: unknown): RawEvent[] => (Array.isArray(value) ? value.filter(isObject) : [])
