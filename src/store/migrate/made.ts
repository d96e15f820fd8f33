// What a migration makes: prompts, models, suites; and the text of their files.
import { stringify } from 'yaml'
import type { Data } from './parts.ts'

export const roles = ['system', 'developer', 'user', 'assistant'] as const
export type Role = (typeof roles)[number]
export type MadeMessage = { role: Role; template: string }
export type MadePrompt = {
  name: string
  version: string
  description?: string | undefined
  input: readonly string[]
  output?: Data | undefined
  messages: readonly MadeMessage[]
}
export type MadeCase = {
  id: string
  description?: string | undefined
  category?: string | undefined
  tags?: readonly string[] | undefined
  vars: Data
  messages?: readonly Data[] | undefined
  assert: readonly Data[]
  threshold?: number | undefined
}
export type MadeSuite = {
  suite: string
  description?: string | undefined
  target: Data
  trials?: number | undefined
  assert?: readonly Data[] | undefined
  cases: readonly MadeCase[]
}
export type Made = {
  providers: Record<string, Data>
  models: Record<string, Data>
  prompts: MadePrompt[]
  suites: MadeSuite[]
}
export type MadeFile = { path: string; text: string }

export const nothingMade = (): Made => ({ providers: {}, models: {}, prompts: [], suites: [] })

/** More cases than this stand in a file of their own. */
const MOST_INLINE = 40
const SCHEMA = '# yaml-language-server: $schema=../node_modules/aigate/schema/suite.schema.json\n'
const yaml = (data: Data) => stringify(withoutGaps(data), { lineWidth: 0, aliasDuplicateObjects: false })

/** An assertion that any answer but an empty one passes: for cases of which nothing is known. */
export const notEmpty: Data = { min_characters: 1 }

export function filesOf({ prompts, suites }: Made): MadeFile[] {
  return [
    ...prompts.map((one) => ({ path: `prompts/${one.name}/${one.version}.md`, text: promptText(one) })),
    ...suites.flatMap(suiteFiles),
  ]
}

function promptText({ messages, ...head }: MadePrompt): string {
  const body = messages.map(({ role, template }) => `${role}:\n${withoutRoleLines(template)}\n`)
  return `---\n${yaml(head)}---\n${body.join('\n')}`
}

/** A line of text that looks like a role is written so that it is none. */
const withoutRoleLines = (template: string) =>
  template
    .replaceAll('\r\n', '\n')
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd()
    .replaceAll(/^((?:system|developer|user|assistant):)([^\S\n]*)$/gm, "{{ '$1' }}$2")

function suiteFiles({ cases, ...suite }: MadeSuite): MadeFile[] {
  const path = `evals/${suite.suite}.suite.yaml`
  const { suite: name, ...rest } = suite
  const head = { suite: name, version: '1.0.0', ...rest }
  if (cases.length <= MOST_INLINE) return [{ path, text: `${SCHEMA}${yaml({ ...head, cases: cases.map(plainCase) })}` }]
  const lines = cases.map((one) => `${JSON.stringify(plainCase(one))}\n`).join('')
  return [
    { path, text: `${SCHEMA}${yaml({ ...head, cases_from: [`${name}.cases.jsonl`] })}` },
    { path: `evals/${name}.cases.jsonl`, text: lines },
  ]
}

const plainCase = ({ vars, ...one }: MadeCase): Data =>
  withoutGaps({ ...one, ...(Object.keys(vars).length > 0 ? { vars } : {}) })

/** Without parts that are undefined or empty lists, which YAML would write out. */
const withoutGaps = (data: Data): Data =>
  Object.fromEntries(
    Object.entries(data).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  )
