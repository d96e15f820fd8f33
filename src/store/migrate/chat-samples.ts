// Data sets of questions: samples of the same shape become one prompt with variables, and a case each.
import { literally } from './liquid-text.ts'
import type { Made, MadeCase, MadeMessage, Role } from './made.ts'
import { onceOnly, slug } from './names.ts'
import { type Data, isMap, type Job, left, type Part } from './parts.ts'
import { contentOf } from './promptfoo/prompts.ts'

/** One sample: what is asked, and what is known about its answer. */
export type Sample = {
  part: Part
  id: string
  said: readonly { role: Role; content: string }[]
  assert: readonly Data[]
  tags?: readonly string[]
}

/** More shapes than these would make a prompt and a suite each that nobody reads. */
const MOST_SHAPES = 5
export const MOST_SAMPLES = 100_000
const roleNames: Readonly<Record<string, Role>> = {
  system: 'system', user: 'user', assistant: 'assistant', developer: 'developer',
} // biome-ignore format: one table

/** The messages of an input: a text is what a user says. Undefined, with a note, for tools, pictures and strange roles. */
export function messagesOf(job: Job, part: Part, input: unknown): Sample['said'] | undefined {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const said: { role: Role; content: string }[] = []
  for (const one of Array.isArray(input) ? (input as unknown[]) : []) {
    const role = isMap(one) && typeof one.role === 'string' ? roleNames[one.role] : undefined
    const content = isMap(one) ? contentOf(one.content) : undefined
    if (role === undefined || content === undefined) {
      left(job, part, 'its input is no text of system, user or assistant')
      return undefined
    }
    if (isMap(one) && one.name !== undefined)
      left(job, part, 'names of speakers (`name` of a message) are not sent', 'name')
    said.push({ role, content })
  }
  if (said.every(({ content }) => content.trim() === '')) {
    left(job, part, 'it asks nothing')
    return undefined
  }
  return said.filter(({ content }) => content.trim() !== '')
}

/** Adds a prompt and a suite for every shape (sequence of roles) of the samples. */
export function addSamples(
  made: Made,
  name: string,
  model: string,
  samples: readonly Sample[],
  about: Data = {},
): void {
  const shapes = new Map<string, Sample[]>()
  for (const one of samples) {
    const shape = one.said.map(({ role }) => role).join(' ')
    shapes.set(shape, [...(shapes.get(shape) ?? []), one])
  }
  const once = onceOnly()
  if (shapes.size <= MOST_SHAPES) {
    for (const group of groups(shapes)) addShape(made, once(name), model, group, about)
    return
  }
  // Conversations of many shapes: what they begin with is the prompt, the rest stands in the cases.
  const byFirst = new Map<string, Sample[]>()
  for (const one of samples)
    byFirst.set(one.said[0]?.role ?? '', [...(byFirst.get(one.said[0]?.role ?? '') ?? []), one])
  for (const group of groups(byFirst)) addShape(made, once(name), model, group, about, 1)
}

/** The largest first: it has the plain name. */
const groups = (by: ReadonlyMap<string, Sample[]>) => [...by.values()].sort((a, b) => b.length - a.length)

function addShape(
  made: Made,
  name: string,
  model: string,
  samples: readonly Sample[],
  about: Data,
  deep = Infinity,
): void {
  const first = samples[0]?.said.slice(0, deep) ?? []
  const nameOf = namesOf(first)
  const messages = first.map(({ role, content }, i): MadeMessage => {
    const constant = samples.length > 1 && samples.every(({ said }) => said[i]?.content === content)
    return { role, template: constant ? literally(content) : `{{ ${nameOf(i)} }}` }
  })
  const input = messages.flatMap(({ template }, i) =>
    template === `{{ ${nameOf(i)} }}` ? [{ i, name: nameOf(i) }] : [],
  )
  const once = onceOnly()
  const cases = samples.map(
    ({ id, said, assert, tags }): MadeCase => ({
      id: once(slug(id, 'sample')),
      ...(tags !== undefined && tags.length > 0 ? { tags } : {}),
      vars: Object.fromEntries(input.map((one) => [one.name, said[one.i]?.content ?? ''])),
      ...(said.length > first.length ? { messages: said.slice(first.length) } : {}),
      assert,
    }),
  )
  made.prompts.push({ name, version: '1.0.0', input: input.map((one) => one.name), messages })
  made.suites.push({ suite: name, ...about, target: { prompt: `${name}@1.0.0`, model }, cases })
}

/** `input` for the last word of the user, the role for others, with a number where a role speaks more than once. */
function namesOf(said: Sample['said']): (i: number) => string {
  const last = said.findLastIndex(({ role }) => role === 'user')
  return (i) => {
    const role = said[i]?.role ?? 'message'
    if (i === last) return 'input'
    const before = said.slice(0, i).filter((one, at) => one.role === role && at !== last).length
    const total = said.filter((one, at) => one.role === role && at !== last).length
    return total > 1 ? `${role}_${before + 1}` : role
  }
}
