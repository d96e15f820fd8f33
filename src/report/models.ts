// The model registry as text: a table of all models, one model in full, and what the providers say.
import { oneLine } from './safe-text.ts'
import { statusCell } from './status-cell.ts'

/** `status` and `keep_until`: by the releases, or by aigate.yaml where nothing was released. */
export type ModelRow = {
  name: string
  provider: string
  id: string
  state: string
  status: string | null
  keep_until: string | null
  /** What aigate.yaml says, where the releases say something else. */
  declared?: string | undefined
  rollback_to?: string | undefined
}

/** A table with one line a model, wide as its longest entries. */
export function modelTable(rows: readonly ModelRow[]): string {
  if (rows.length === 0) return 'The registry is empty: there is nothing under `models` in aigate.yaml.\n'
  const head = ['model', 'pin', 'id', 'provider', 'status', 'rollback to']
  const cells = rows.map(({ name, state, id, provider, rollback_to, ...stands }) =>
    [name, state, id, provider, statusOf(stands), rollback_to ?? '–'].map((cell) => oneLine(cell)),
  )
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')
  return [head, ...cells].map((row) => `${line(row).trimEnd()}\n`).join('')
}

type Stands = Pick<ModelRow, 'status' | 'keep_until' | 'declared'>

const statusOf = (stands: Stands): string => statusText(stands) ?? '–'

/** The status of a model with its last day, and what aigate.yaml says where that differs; null: there is nothing to say. */
export function statusText({ declared, ...stands }: Stands): string | null {
  const status = statusCell(stands)
  return declared === undefined ? status : `${status ?? '–'} (aigate.yaml: ${declared})`
}

/** One model in full: each fact on a line, in the order of the facts; what is undefined is left out. */
export function modelText(name: string, facts: Readonly<Record<string, unknown>>): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([key]) => key.length))
  const say = (value: unknown) => oneLine(typeof value === 'string' ? value : JSON.stringify(value))
  return [`${oneLine(name)}\n`, ...known.map(([key, value]) => `  ${key.padEnd(width)}  ${say(value)}\n`)].join('')
}

const marks: Readonly<Record<string, string>> = { pass: '✓', fail: '✗', inconclusive: '?', invalid: '!' }

/** What was found about each model: a line each, the findings below. */
export function healthText(
  models: readonly (Stands & {
    name: string
    id: string
    outcome: string
    findings: readonly { outcome: string; sentence: string }[]
  })[],
): string {
  if (models.length === 0) return modelTable([])
  return models
    .map(({ name, id, outcome, findings, ...stands }) => {
      const known = statusText(stands)
      const status = known === null ? '' : `  ${oneLine(known)}`
      const lines = findings.map((one) => `    ${oneLine(one.sentence)}\n`)
      return `${marks[outcome] ?? '·'} ${oneLine(name)} (${oneLine(id)})${status}\n${lines.join('')}`
    })
    .join('')
}
