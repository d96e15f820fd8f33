// Templates: Liquid, strict, without files, clocks or chance, and bounded in time and memory.
import type { Liquid } from 'liquidjs'

const LIMITS = { parseLimit: 10_000_000, renderLimit: 2_000, memoryLimit: 50_000_000 }
/** Tags that read other templates: a prompt file is whole in itself. */
const READING_TAGS = ['include', 'render', 'layout', 'block']

/**
 * A Liquid engine. A missing variable or filter throws; objects and lists are written as JSON. One pass: what a
 * variable holds is never read as a template. Loads the package when it is first called.
 */
export async function strictLiquid(): Promise<Liquid> {
  const { Liquid } = await import('liquidjs')
  const engine = new Liquid({
    ...LIMITS,
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    // Dates would otherwise depend on the machine.
    timezoneOffset: 0,
    outputEscape: (value: unknown) =>
      (typeof value === 'object' && value !== null ? JSON.stringify(value) : value) as string,
  })
  for (const tag of READING_TAGS) delete engine.tags[tag]
  delete engine.filters.sample
  return engine
}
