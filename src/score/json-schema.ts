// json_schema: the answer is JSON that a JSON Schema accepts.
import type { AssertionPlugin } from '../ports.ts'
import type { Json } from '../schema/values.ts'
import { parseJsonAnswer } from './json-value.ts'
import { show } from './reason.ts'

export const jsonSchema: AssertionPlugin<'json_schema'> = {
  deterministic: true,
  async grade(schema, { completion }) {
    // Before the answer is looked at: a schema that does not compile is nobody's bad answer.
    await compiled(schema)
    const parsed = parseJsonAnswer(completion.text)
    if (!parsed.ok) return { score: 0, passed: false, reason: parsed.problem }
    const problem = await schemaProblem(schema, parsed.value)
    if (problem === null) return { score: 1, passed: true, reason: 'the schema accepts the answer' }
    return { score: 0, passed: false, reason: problem }
  },
}

async function compiled(schema: Record<string, Json>) {
  const { compileSchema } = await import('./json-schema-compiler.ts')
  return compileSchema(schema)
}

/** Why a JSON Schema does not accept a value; null when it does. Throws Error when the schema does not compile. */
export async function schemaProblem(schema: Record<string, Json>, value: Json): Promise<string | null> {
  const validate = await compiled(schema)
  if (validate(value)) return null
  const [first] = validate.errors ?? []
  const where = first?.instancePath ? `${first.instancePath} ` : 'the answer '
  const allowed = first?.params.allowedValues ?? first?.params.allowedValue ?? first?.params.additionalProperty
  const detail = allowed === undefined ? '' : ` (${show(allowed)})`
  return `${where}${first?.message ?? 'is not accepted'}${detail}`
}
