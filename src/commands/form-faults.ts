// JSON Schemas that do not compile, found before an answer is paid for: of prompts, of response_format, of tools.
import { resolve } from 'node:path'
import { AigateError, type Place } from '../errors.ts'
import type { LoadedSuite, Project } from '../ports.ts'
import type { Json } from '../schema/values.ts'
import { placesIn } from '../store/case-places.ts'
import { headPlace, listPrompts, parsePrompt } from '../store/prompts.ts'
import { readText, sourceFile } from '../store/source-text.ts'

type Schema = Record<string, Json>
const isRecord = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function compileProblem(schema: Schema): Promise<string | null> {
  const { compileSchema } = await import('../score/json-schema-compiler.ts')
  try {
    compileSchema(schema)
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
  }
}

const fault = (what: string, problem: string, place: Place): AigateError =>
  new AigateError(
    'bad_file',
    { problem: `${what} is no JSON Schema that compiles: ${problem}.`, mend: 'Correct the schema.' },
    place,
  )

/** The schema of the target of a suite: that of its prompt, of `response_format`, and those of its tools. */
export async function formFaults(suite: LoadedSuite): Promise<AigateError[]> {
  const { target, file, dir } = suite
  if (target.kind !== 'prompt') return []
  const { prompt, tools = [] } = target
  const found: AigateError[] = []
  const own = prompt.output?.schema
  const wrong = own && (await compileProblem(own))
  if (wrong) {
    const root = resolve(dir, ...file.split('/').slice(1).map(() => '..')) // biome-ignore format: one path
    found.push(fault('output.schema', wrong, await outputPlace(root, prompt)))
  }
  const places = async (path: readonly PropertyKey[]): Promise<Place> =>
    (await placesIn(suite))?.suite(path) ?? { file }
  const format = target.response_format ?? target.params['response_format']
  const inner = isRecord(format) ? format['json_schema'] : undefined
  const asked = isRecord(inner) && isRecord(inner['schema']) ? inner['schema'] : undefined
  const broken = asked && (await compileProblem(asked))
  if (broken) {
    const path = ['target', ...(target.response_format ? [] : ['params']), 'response_format', 'json_schema', 'schema']
    found.push(fault('the schema of response_format', broken, await places(path)))
  }
  for (const [index, { name, parameters }] of tools.entries()) {
    if (parameters === undefined) continue
    const { brokenSchema } = await import('../score/json-schema-compiler.ts')
    const problem = brokenSchema(parameters)
    if (problem !== null)
      found.push(
        fault(`parameters of the tool ${name}`, problem, await places(['target', 'tools', index, 'parameters'])),
      )
  }
  return found
}

async function outputPlace(root: string, { file }: { file: string }): Promise<Place> {
  try {
    const source = sourceFile(root, file)
    return headPlace(await readText(source), file, ['output', 'schema'])
  } catch {
    return { file }
  }
}

/** The schemas of prompts that no suite asks. */
export async function promptFormFaults(project: Project, suites: readonly LoadedSuite[]): Promise<AigateError[]> {
  const used = new Set(suites.flatMap(({ target }) => (target.kind === 'prompt' ? [target.prompt.file] : [])))
  const found: AigateError[] = []
  for (const entry of await listPrompts(project)) {
    if (used.has(entry.file)) continue
    const text = await readText(sourceFile(project.root, entry.file)).catch(() => '')
    // Most prompts say nothing about the form of the answer; what else is wrong in one is told elsewhere.
    if (!/^output:/m.test(text)) continue
    const prompt = await parsePrompt(text, entry.file, entry).catch(() => null)
    const schema = prompt?.output?.schema
    const wrong = schema && (await compileProblem(schema))
    if (wrong) found.push(fault('output.schema', wrong, headPlace(text, entry.file, ['output', 'schema'])))
  }
  return found
}
