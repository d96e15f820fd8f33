// Checks the Liquid templates of a prompt without rendering them: syntax, filters, and the variables they use.
import type { Liquid } from 'liquidjs'
import type { LoadedPrompt } from '../ports.ts'
import { plainTemplate } from '../plain-template.ts'
import { didYouMean, type Fault } from './faults.ts'

/** Tags that read other files: a prompt is one file. */
const FILE_TAGS = ['include', 'render', 'layout', 'block']

/**
 * Everything that is wrong with the templates of one prompt. `at` is a place in the file, `atInput` the place of an
 * entry of `input`. Unused variables are only told when all templates could be read.
 */
export async function templateFaults(
  messages: LoadedPrompt['messages'],
  input: readonly string[],
  at: (line: number, column: number) => Fault['place'],
  atInput: (index: number) => Fault['place'],
): Promise<Fault[]> {
  if (isFaultless(messages, input)) return []
  const { Liquid } = await import('liquidjs')
  const engine = new Liquid({ strictFilters: true, strictVariables: true })
  for (const tag of FILE_TAGS) delete engine.tags[tag]
  const faults: Fault[] = []
  const used = new Set<string>()
  let readable = true
  for (const { template, line } of messages) {
    try {
      for (const { name, row, column } of variablesOf(engine, template)) {
        if (!input.includes(name) && !used.has(name))
          faults.push({
            problem: `the variable "${name}" is not in \`input\`${didYouMean(name, input)}`,
            mend: `Add "${name}" to \`input\` in the front matter, or correct the name.`,
            place: at(line + row - 1, column),
          })
        used.add(name)
      }
    } catch (error) {
      readable = false
      faults.push(syntaxFault(error, line, at))
    }
  }
  const unused = readable ? input.flatMap((name, index) => (used.has(name) ? [] : [{ name, index }])) : []
  faults.push(
    ...unused.map(({ name, index }) => ({
      problem: `the variable "${name}" of \`input\` is not used`,
      mend: `Write {{ ${name} }} in a message, or remove it from \`input\`.`,
      place: atInput(index),
    })),
  )
  return faults
}

/** Plain templates that use exactly what `input` names have nothing wrong. */
function isFaultless(messages: LoadedPrompt['messages'], input: readonly string[]): boolean {
  const used = new Set<string>()
  for (const { template } of messages) {
    const plain = plainTemplate(template)
    if (!plain) return false
    for (const { name } of plain.variables) used.add(name)
  }
  return used.size === new Set(input).size && input.every((name) => used.has(name))
}

function variablesOf(engine: Liquid, template: string): { name: string; row: number; column: number }[] {
  const { globals } = engine.analyzeSync(engine.parse(template), { partials: false })
  return Object.values(globals).flatMap((uses) =>
    uses.map(({ segments, location }) => ({ name: String(segments[0]), row: location.row, column: location.col })),
  )
}

/** liquidjs ends its sentences with `, line:2, col:14`, counted from the start of the template. */
function syntaxFault(error: unknown, line: number, at: (line: number, column: number) => Fault['place']): Fault {
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const [, sentence = message, row = '1', column = '1'] =
    /^(.*?)(?:, file:.*?)?, line:(\d+), col:(\d+)$/.exec(message) ?? []
  const file = FILE_TAGS.some((tag) => sentence.includes(`tag "${tag}"`))
  const filter = /undefined filter: (\S+)/.exec(sentence)?.[1]
  return {
    problem: `the template cannot be read: ${filter === undefined ? sentence : `unknown filter "${filter}"`}`,
    mend: file
      ? 'A prompt is one file: write the text here.'
      : 'Correct the Liquid syntax; text with {{ or {% that is meant literally goes between {% raw %} and {% endraw %}.',
    place: at(line + Number(row) - 1, Number(column)),
  }
}
