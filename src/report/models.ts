// The model registry as text: a table of all models, one model in full, and what the providers say.
import { oneLine } from './safe-text.ts'

export type ModelRow = {
  name: string
  provider: string
  id: string
  state: string
  status?: string | undefined
  rollback_to?: string | undefined
}

/** A table with one line a model, wide as its longest entries. */
export function modelTable(rows: readonly ModelRow[]): string {
  if (rows.length === 0) return 'The registry is empty: there is nothing under `models` in aigate.yaml.\n'
  const head = ['model', 'pin', 'id', 'provider', 'status', 'rollback to']
  const cells = rows.map(({ name, state, id, provider, status, rollback_to }) =>
    [name, state, id, provider, status ?? '–', rollback_to ?? '–'].map((cell) => oneLine(cell)),
  )
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')
  return [head, ...cells].map((row) => `${line(row).trimEnd()}\n`).join('')
}

/** One model in full: each fact on a line, in the order of the facts; what is undefined is left out. */
export function modelText(name: string, facts: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([key]) => key.length))
  const say = (value: unknown) => oneLine(typeof value === 'string' ? value : JSON.stringify(value))
  return [`${oneLine(name)}\n`, ...known.map(([key, value]) => `  ${key.padEnd(width)}  ${say(value)}\n`)].join('')
}

const marks: Readonly<Record<string, string>> = { pass: '✓', fail: '✗', invalid: '!' }

/** What was found about each model: a line each, the findings below. */
export function healthText(
  models: readonly {
    name: string
    id: string
    outcome: string
    findings: readonly { outcome: string; sentence: string }[]
  }[],
): string {
  if (models.length === 0) return modelTable([])
  return models
    .map(({ name, id, outcome, findings }) => {
      const lines = findings.map((one) => `    ${oneLine(one.sentence)}\n`)
      return `${marks[outcome] ?? '·'} ${oneLine(name)} (${oneLine(id)})\n${lines.join('')}`
    })
    .join('')
}
