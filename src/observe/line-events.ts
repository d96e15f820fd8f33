// Events read off the bytes of their lines: the same fields, with nobody building an object first.
import { eventReader, type EventReader } from './event-reader.ts'
import { fieldsOf, inside, scalar, type Field, type Mapping } from './events.ts'
import { lineScanner, type LineScanner } from './line-scanner.ts'
import type { SourceRequest } from '../ports.ts'

/** `reader` reads what `scanner` found last; the event that it is given says nothing. */
export type LineEvents = { scanner: LineScanner; reader: EventReader }

/** Undefined where the names of the fields cannot be looked for in bytes. Throws as `eventReader` does. */
export function lineEvents({ plan, limits, whole }: SourceRequest, mapping: Mapping): LineEvents | undefined {
  const names: string[] = []
  const values: unknown[] = []
  const slotOf = (name: string): number => {
    const known = names.indexOf(name)
    return known === -1 ? names.push(name) - 1 : known
  }
  const one = (name: string): Field => {
    const [head = '', ...steps] = name.split('.')
    const slot = slotOf(name)
    if (steps.length === 0) return () => scalar(values[slot])
    const top = slotOf(head)
    return () => {
      const flat = values[slot]
      if (flat !== undefined) return scalar(flat)
      return values[top] === undefined ? undefined : inside(values[top], steps)
    }
  }
  const reader = eventReader(plan, fieldsOf(mapping, one), limits, whole)
  const scanner = lineScanner(names, values)
  return scanner && { scanner, reader }
}
