// The form that answers must have: what the prompt or response_format asks for, and whether an answer has it.
import type { ResolvedTarget } from '../ports.ts'
import type { Completion, Observation } from '../schema/run.ts'
import type { Json } from '../schema/values.ts'
import { parseJson } from './json-value.ts'
import { schemaProblem } from './json-schema.ts'

/** JSON, an object of it where the API promises one, that fits every schema. */
export type OutputForm = { object: boolean; schemas: Record<string, Json>[] }

const isRecord = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a target asks for: `output` of its prompt and `response_format`, both where both are written; null for plain text. */
export function outputFormOf(target: ResolvedTarget): OutputForm | null {
  if (target.kind !== 'prompt') return null
  const { output } = target.prompt
  const format = target.response_format ?? target.params['response_format']
  const asked = isRecord(format) ? format : {}
  const inner = asked['json_schema']
  const schema = asked['type'] === 'json_schema' && isRecord(inner) ? inner['schema'] : undefined
  const object = asked['type'] === 'json_object'
  if (output?.format !== 'json' && !object && asked['type'] !== 'json_schema') return null
  const schemas = [output?.schema, schema].filter((one) => isRecord(one))
  return { object, schemas }
}

/**
 * Whether an answer has the form, and if not, what is wrong. Undefined where it says nothing about the form: a call that
 * failed, a refusal, and a turn of tool calls alone. An answer that was cut short has no form.
 * Throws Error when a schema does not compile.
 */
export async function checkOutput(
  form: OutputForm,
  { outcome, text, tool_calls }: Completion,
): Promise<Observation['output']> {
  if (outcome !== 'answered' && outcome !== 'truncated') return undefined
  if (tool_calls.length > 0 && text.trim() === '') return undefined
  const parsed = parseJson(text)
  if (!parsed.ok) return { valid: false, reason: parsed.problem }
  if (form.object && !isRecord(parsed.value)) return { valid: false, reason: 'the answer is no JSON object' }
  for (const schema of form.schemas) {
    const problem = await schemaProblem(schema, parsed.value)
    if (problem !== null) return { valid: false, reason: problem }
  }
  return { valid: true, reason: form.schemas.length > 0 ? 'the schema accepts the answer' : 'the answer is JSON' }
}
