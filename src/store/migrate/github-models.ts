// GitHub Models: `.prompt.yml` with messages, test data and evaluators.
import { fromNunjucks } from './templates/nunjucks.ts'
import { judgeProblem } from './judges.ts'
import { renderText, variablesOf } from './liquid-text.ts'
import { type Made, type MadeMessage, nothingMade, roles, type Role } from './made.ts'
import { addModel, unnamedModel } from './model.ts'
import { onceOnly, slug } from './names.ts'
import {
  changed,
  child,
  type Data,
  entries,
  isMap,
  isScalar,
  items,
  type Job,
  leaveOthers,
  left,
  type Part,
  textOf,
} from './parts.ts'
import { gradedBy } from './promptfoo/cases.ts'
import { problemOf } from './promptfoo/assertions.ts'

const known = [
  'name',
  'description',
  'model',
  'modelParameters',
  'responseFormat',
  'jsonSchema',
  'messages',
  'testData',
  'evaluators',
]

export async function readGithubModels(job: Job, root: Part, base: string): Promise<Made> {
  leaveOthers(job, root, known)
  const made = nothingMade()
  const name = slug(base, 'prompt')
  const messages = messagesOf(job, root)
  if (messages.length === 0) return made
  const input = [...new Set((await Promise.all(messages.map(({ template }) => variablesOf(template)))).flat())]
  const model = child(root, 'model')
  const id = textOf(model)
  const modelName =
    model === undefined || id === undefined
      ? unnamedModel(job, made, root)
      : addModel(job, made, { id, at: model }, child(root, 'modelParameters'))
  const description = textOf(child(root, 'description'))
  made.prompts.push({ name, version: '1.0.0', ...(description === undefined ? {} : { description }), input, messages })
  const cases = await casesOf(job, root, input)
  if (cases.length === 0) {
    changed(job, root, 'it has no test data, so that there is no suite for it yet', 'testData')
    return made
  }
  const format = formatOf(job, root)
  const target = {
    prompt: `${name}@1.0.0`,
    model: modelName,
    ...(format === undefined ? {} : { response_format: format }),
  }
  made.suites.push({ suite: name, ...(description === undefined ? {} : { description }), target, cases })
  return made
}

function messagesOf(job: Job, root: Part): MadeMessage[] {
  return items(child(root, 'messages')).flatMap((one): MadeMessage[] => {
    leaveOthers(job, one, ['role', 'content'])
    const role = textOf(child(one, 'role'))?.toLowerCase()
    const liquid = fromNunjucks(textOf(child(one, 'content')) ?? '')
    if (role === undefined || !(roles as readonly string[]).includes(role)) left(job, one, 'no role of a prompt')
    else if ('problem' in liquid) left(job, one, `the template uses what Liquid cannot say: ${liquid.problem}`)
    else if (liquid.text.trim() !== '') return [{ role: role as Role, template: liquid.text }]
    return []
  })
}

/** `json_schema` stands as JSON in a text. */
function formatOf(job: Job, root: Part): Data | undefined {
  const format = child(root, 'responseFormat')
  const schema = child(root, 'jsonSchema')
  const type = textOf(format)
  if (type === 'json_object') return { type }
  if (type !== 'json_schema') {
    if (format !== undefined && type !== 'text') left(job, format, 'no form of the answer that aigate knows')
    return undefined
  }
  try {
    const json: unknown = typeof schema?.value === 'string' ? JSON.parse(schema.value) : schema?.value
    if (isMap(json)) return { type, json_schema: json }
  } catch {
    // Named below.
  }
  left(job, schema ?? root, 'the schema is no JSON', 'jsonSchema')
  return undefined
}

async function casesOf(job: Job, root: Part, input: readonly string[]) {
  const evaluators = items(child(root, 'evaluators'))
  const once = onceOnly()
  const judged = (one: Part) => child(one, 'llm') !== undefined || child(one, 'uses') !== undefined
  for (const one of evaluators)
    if (judged(one)) left(job, one, judgeProblem('llm') ?? '', `evaluator ${textOf(child(one, 'name')) ?? ''}`)
  const strings = evaluators.filter((one) => !judged(one))
  const rows = items(child(root, 'testData'))
  const usedBy = JSON.stringify(strings.map((one) => one.value))
  return Promise.all(
    rows.map(async (row, i) => {
      const values: Data = Object.fromEntries(entries(row).map(([key, one]) => [key, one.value]))
      for (const key of input)
        if (values[key] === undefined)
          changed(job, row, `the prompt uses "${key}", which this row does not give: it is the empty text`)
      for (const [key, one] of entries(row))
        if (!input.includes(key) && !new RegExp(`\\{\\{\\s*${key.replaceAll(/\W/g, '.')}\\b`).test(usedBy))
          left(job, one, 'neither the prompt nor a string evaluator uses this value')
      const assert = (await Promise.all(strings.map((one) => stringAssertions(job, one, values)))).flat()
      const first = Object.values(values)
        .filter(isScalar)
        .map(String)
        .find((value) => value.trim() !== '')
      return {
        id: once(slug(first ?? '', `row-${i + 1}`)),
        vars: Object.fromEntries(input.map((key) => [key, values[key] ?? ''])),
        assert: gradedBy(job, row, assert),
      }
    }),
  )
}

/** gh models compares without regard to case, but for `equals`, and looks at the first condition only. */
async function stringAssertions(job: Job, part: Part, values: Data): Promise<Data[]> {
  leaveOthers(job, part, ['name', 'string'])
  const string = child(part, 'string')
  const name = textOf(child(part, 'name'))
  const key = ['equals', 'contains', 'startsWith', 'endsWith'].find((one) => (textOf(child(string, one)) ?? '') !== '')
  if (string === undefined || key === undefined) {
    left(job, part, 'no string evaluator that aigate knows', `evaluator ${name ?? ''}`)
    return []
  }
  leaveOthers(job, string, [key])
  const text = await filled(textOf(child(string, key)) ?? '', values)
  const plain = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const made: Data =
    {
      equals: { equals: text },
      contains: { icontains: text },
      startsWith: { regex: { pattern: `^${plain}`, flags: 'i' } },
      endsWith: { regex: { pattern: `${plain}$`, flags: 'i' } },
    }[key] ?? {}
  const whole = { ...made, ...(name === undefined || name === '' ? {} : { name }) }
  const problem = problemOf(job, whole)
  if (problem === null) return [whole]
  left(job, part, problem, `evaluator ${name ?? ''}`)
  return []
}

async function filled(text: string, values: Data): Promise<string> {
  const liquid = fromNunjucks(text)
  return 'problem' in liquid ? text : renderText(liquid.text, values)
}
