// One number or text in a YAML or JSON text: where it stands, what it is, and the text with another in its place.
import { controlFailed } from './failure.ts'

/** `kind`: what the value is, as a number or as a text. */
export type GitPlace = { path: string; pointer: string; push: boolean; kind: 'number' | 'text' }
type Scalar = { value: string | number; from: number; to: number; write: (value: string | number) => string }

/** The text with `value` at the place; comments and all else are kept. Throws `control_failed` where there is no such value. */
export async function withScalar(
  text: string,
  parts: readonly string[],
  place: GitPlace,
  value: string | number,
): Promise<string> {
  const { from, to, write } = await scalarIn(text, parts, place)
  return text.slice(0, from) + write(value) + text.slice(to)
}

/** Where the value stands in a YAML or JSON text. The first document that has it counts. Throws `control_failed`. */
export async function scalarIn(
  text: string,
  parts: readonly string[],
  { path, pointer, kind }: GitPlace,
): Promise<Scalar> {
  const { parseAllDocuments, isScalar, stringify } = await import('yaml')
  const wanted = kind === 'number' ? 'number' : 'string'
  for (const document of parseAllDocuments(text)) {
    if ('errors' in document && document.errors.length > 0) break
    const node: unknown = 'getIn' in document ? document.getIn(parts, true) : undefined
    if (!isScalar(node) || !node.range) continue
    const { value, type } = node
    if ((typeof value !== 'number' && typeof value !== 'string') || (kind === 'number' && typeof value !== wanted))
      continue
    const write = (next: string | number) => {
      if (typeof next === 'number') return String(next)
      // In quotes as it was: YAML would take 1.10 or 2026-11-21 for something else.
      return type === 'PLAIN' ? stringify(next, { lineWidth: 0 }).trimEnd() : JSON.stringify(next)
    }
    const said = kind === 'text' && typeof value === 'number' ? text.slice(node.range[0], node.range[1]) : value
    return { value: said, from: node.range[0], to: node.range[1], write }
  }
  throw controlFailed(`${path} has no ${kind} at ${pointer}`, 'Correct the file or the pointer to it.')
}
