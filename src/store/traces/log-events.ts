// Log records joined to the spans that they are events of; where nobody exported the spans, what the records tell stands alone.
import type { LogEvent, Span } from './otlp.ts'

const keyOf = (trace: string, span: string): string => `${trace} ${span}`

/**
 * The spans with the events that their log records tell, in the order of their times. An event that a span has already (some
 * instrumentations write both) is not added again. Events of a span that is not there make one of their own, without a duration.
 */
export function withLogEvents(spans: readonly Span[], events: readonly LogEvent[]): Span[] {
  if (events.length === 0) return [...spans]
  const told = new Map<string, LogEvent[]>()
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const key = keyOf(event.trace, event.span)
    told.set(key, [...(told.get(key) ?? []), event])
  }
  const joined = spans.map((span) => {
    const key = keyOf(span.trace, span.id)
    const own = told.get(key)
    if (own === undefined) return span
    told.delete(key)
    return { ...span, events: added(span.events, own) }
  })
  return [...joined, ...[...told.values()].map(alone)]
}

function added(events: Span['events'], own: readonly LogEvent[]): Span['events'] {
  const all = new Set(events.map((event) => event.name))
  // A span that tells events of this name itself tells all of them.
  return [...events, ...own.filter(({ name }) => !all.has(name)).map(({ name, attributes }) => ({ name, attributes }))]
}

function alone(own: readonly LogEvent[]): Span {
  const [first, last] = [own[0], own.at(-1)]
  return {
    trace: first?.trace ?? '',
    id: first?.span ?? '',
    parent: undefined,
    name: '',
    start: first?.at ?? 0,
    end: last?.at ?? 0,
    failed: undefined,
    attributes: Object.assign({}, ...own.map(({ attributes }) => attributes)) as Span['attributes'],
    events: own.map(({ name, attributes }) => ({ name, attributes })),
    untimed: true,
  }
}
