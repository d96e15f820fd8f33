// Templates of nothing but text and variables, as most prompts are: what Liquid makes of them, without loading Liquid.

import type { Json } from './schema/values.ts'

/** A variable with its place in the template, from 1. */
export type Used = { name: string; row: number; column: number }
export type PlainTemplate = {
  variables: readonly Used[]
  /** The text with these values (of JSON); `missing`: the first variable that has none. */
  render(values: Readonly<Record<string, Json>>): string | { missing: Used }
}

const VARIABLE = /\{\{\s*([A-Za-z_]\w*)\s*\}\}/y
/** Names that Liquid does not read as variables. */
const WORDS = new Set(['true', 'false', 'nil', 'null', 'empty', 'blank', 'and', 'or', 'not', 'contains'])
/** Longer ones meet the limits of the engine. */
const LONGEST = 1_000_000

/** undefined: the template has more than variables by their names, and is for Liquid to read. */
export function plainTemplate(template: string): PlainTemplate | undefined {
  if (template.length > LONGEST || template.includes('{%')) return undefined
  const texts: string[] = []
  const variables: Used[] = []
  let done = 0
  for (let at = template.indexOf('{{'); at !== -1; at = template.indexOf('{{', done)) {
    VARIABLE.lastIndex = at
    const [whole, name] = VARIABLE.exec(template) ?? []
    if (whole === undefined || name === undefined || WORDS.has(name)) return undefined
    texts.push(template.slice(done, at))
    variables.push({ name, ...placeOf(template, at + whole.indexOf(name)) })
    done = at + whole.length
  }
  const rest = template.slice(done)
  return {
    variables,
    render: (values) => {
      let text = ''
      for (const [i, used] of variables.entries()) {
        const value = Object.hasOwn(values, used.name) ? values[used.name] : undefined
        if (value === undefined) return { missing: used }
        text += texts[i] + written(value)
      }
      return text + rest
    },
  }
}

/** Objects and lists as JSON, null as nothing. */
function written(value: Json): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function placeOf(text: string, at: number): { row: number; column: number } {
  const lines = text.slice(0, at).split('\n')
  return { row: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}
