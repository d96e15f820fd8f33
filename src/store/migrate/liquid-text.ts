// Liquid at the time of a migration: which variables a template uses, and what it says with given values.
import type { Liquid } from 'liquidjs'
import type { Data } from './parts.ts'

const LIMITS = { parseLimit: 2_000_000, renderLimit: 1_000, memoryLimit: 10_000_000 }
const FILE_TAGS = ['include', 'render', 'layout', 'block']
let engine: Liquid | undefined

/** Strict, bounded, without files: nothing of a template is ever run as code. */
async function liquid(): Promise<Liquid> {
  if (engine !== undefined) return engine
  const { Liquid: Engine } = await import('liquidjs')
  engine = new Engine({
    ...LIMITS,
    strictVariables: false,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    outputEscape: (value: unknown) =>
      (typeof value === 'object' && value !== null ? JSON.stringify(value) : value) as string,
  })
  for (const tag of FILE_TAGS) delete engine.tags[tag]
  return engine
}

/** The variables that a Liquid template is given from outside, in the order of their use. Throws Error for bad syntax. */
export async function variablesOf(template: string): Promise<string[]> {
  const one = await liquid()
  const { globals } = one.analyzeSync(one.parse(template), { partials: false })
  return Object.keys(globals)
}

/** The text of a Liquid template with values. Throws Error where it cannot be rendered. */
export async function renderText(template: string, values: Data): Promise<string> {
  const one = await liquid()
  return String(one.renderSync(one.parse(template), values))
}

/** Text that is meant as it stands, as a Liquid template. */
export function literally(text: string): string {
  if (!/\{\{|\{%/.test(text)) return text
  return text.includes('endraw') ? text.replaceAll(/\{(?=[{%])/g, "{{ '{' }}") : `{% raw %}${text}{% endraw %}`
}
