// JavaScript one-liners of promptfoo whose meaning can be read off; they are compared with known forms, and never run.
import type { Data } from '../parts.ts'

const TEXT = /(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\$]|\\.)*)`)/.source
const OUTPUT = /output(?:\.trim\(\))?/.source
const LOWER = `${OUTPUT}\\.toLowerCase\\(\\)(?:\\.trim\\(\\))?`
type Form = [RegExp, (groups: (string | undefined)[]) => Data | undefined]
const form = (source: string, make: Form[1]): Form => [new RegExp(`^${source}$`), make]

const text = (groups: (string | undefined)[], at = 0): string | undefined => {
  const raw = groups[at] ?? groups[at + 1] ?? groups[at + 2]
  return raw?.replaceAll(/\\(.)/g, (_, sign: string) => ({ n: '\n', t: '\t' })[sign] ?? sign)
}
const value = (name: string) => (groups: (string | undefined)[]) => {
  const said = text(groups)
  return said === undefined || said === '' ? undefined : { [name]: said }
}
/** Lower case text is found in lower case text: the same as without regard to case. */
const lower = (name: string) => (groups: (string | undefined)[]) => {
  const said = text(groups)
  return said === undefined || said === '' || said !== said.toLowerCase() ? undefined : { [name]: said }
}
const size = (least: string, most: string) => (groups: (string | undefined)[]) => {
  const limit = Number(groups[1])
  return {
    '<': { [most]: limit - 1 },
    '<=': { [most]: limit },
    '>': { [least]: limit + 1 },
    '>=': { [least]: limit },
  }[groups[0] ?? '']
}

const forms: readonly Form[] = [
  form(`${OUTPUT}\\.includes\\(${TEXT}\\)`, value('contains')),
  form(`!${OUTPUT}\\.includes\\(${TEXT}\\)`, value('not_contains')),
  form(`${LOWER}\\.includes\\(${TEXT}\\)`, lower('icontains')),
  form(`!${LOWER}\\.includes\\(${TEXT}\\)`, lower('not_icontains')),
  form(`${OUTPUT}\\.startsWith\\(${TEXT}\\)`, value('starts_with')),
  form(`${OUTPUT}\\.endsWith\\(${TEXT}\\)`, value('ends_with')),
  form(`${OUTPUT} ?={2,3} ?${TEXT}`, value('equals')),
  form(`${OUTPUT} ?!==? ?${TEXT}`, value('not_equals')),
  form(`output\\.length ?(<=?|>=?) ?(\\d+)`, size('min_characters', 'max_characters')),
  form(`output\\.(?:trim\\(\\)\\.)?split\\((?:' '|" "|/\\\\s\\+/)\\)\\.length ?(<=?|>=?) ?(\\d+)`, size('min_words', 'max_words')),
  form(`/((?:[^/\\\\\\n]|\\\\.)+)/([imsu]*)\\.test\\(output\\)`, ([pattern = '', flags = '']) => ({
    regex: flags === '' ? pattern : { pattern, flags },
  })),
  form(`JSON\\.parse\\(output\\)((?:\\.[A-Za-z_]\\w*|\\[\\d+\\])+) ?={2,3} ?(?:${TEXT}|(-?\\d+(?:\\.\\d+)?|true|false))`, (groups) => ({
    json_path: { path: `$${groups[0] ?? ''}`, equals: text(groups, 1) ?? (JSON.parse(groups[4] ?? 'null') as unknown) },
  })),
] // biome-ignore format: one table

/** Parts of a condition that every text fulfils, or every text but the empty one, which the others then exclude. */
const given = /^(?:output|typeof output ===? ?['"]string['"]|output !==? ?(?:null|undefined))$/
/** Several forms in one "or": any of these texts. */
const anyOf: Readonly<Record<string, string>> = { contains: 'contains_any', icontains: 'icontains_any' }

/** The assertions that a line of JavaScript means; undefined where only running it would tell. */
export function knownForm(code: string): Data[] | undefined {
  const lines = code.split('\n').filter((one) => !/^\s*\/\//.test(one))
  const line = withoutReturn(lines.join(' '))
  if (line.length > 1_000) return undefined
  const whole = oneForm(line)
  if (whole !== undefined) return [whole]
  // A "&&" or "||" inside of a text makes parts that are no known forms.
  const parts = line.split(/\s*&&\s*/).filter((part) => !given.test(part.trim()))
  const read = parts.map((part) => oneForm(part) ?? alternatives(part))
  return read.length > 0 && read.every((one) => one !== undefined) ? read : undefined
}

const withoutReturn = (code: string) =>
  code
    .trim()
    .replace(/^return\s+/, '')
    .replace(/;$/, '')
    .trim()

function alternatives(line: string): Data | undefined {
  const read = line.split(/\s*\|\|\s*/).map(oneForm)
  const [kind = ''] = Object.keys(read[0] ?? {})
  const key = anyOf[kind]
  if (read.length < 2 || key === undefined || !read.every((one) => one !== undefined && kind in one)) return undefined
  return { [key]: read.map((one) => one?.[kind]) }
}

function oneForm(line: string): Data | undefined {
  const plain = line.trim()
  for (const [pattern, make] of forms) {
    const found = pattern.exec(plain)
    if (found) return make(found.slice(1))
  }
  return undefined
}

/** The JSONPath of a transform such as `JSON.parse(output).total` or `output.total`; undefined for any other code. */
export function knownPath(code: string): string | undefined {
  const line = withoutReturn(code)
  const found = /^(?:JSON\.parse\(output\)|output)((?:\.[A-Za-z_]\w*|\[\d+\])+)$/.exec(line)
  return found === null ? undefined : `$${found[1] ?? ''}`
}
