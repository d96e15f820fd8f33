// json_schema: the answer is JSON that a JSON Schema accepts.
import type { AssertionPlugin } from '../ports.ts'
import { parseJsonAnswer } from './json-value.ts'
import { show } from './reason.ts'

export const jsonSchema: AssertionPlugin<'json_schema'> = {
  deterministic: true,
  async grade(schema, { completion }) {
    const { compileSchema } = await import('./json-schema-compiler.ts')
    const validate = compileSchema(schema)
    const parsed = parseJsonAnswer(completion.text)
    if (!parsed.ok) return { score: 0, passed: false, reason: parsed.problem }
    if (validate(parsed.value)) return { score: 1, passed: true, reason: 'the schema accepts the answer' }
    const [first] = validate.errors ?? []
    const where = first?.instancePath ? `${first.instancePath} ` : 'the answer '
    const allowed = first?.params.allowedValues ?? first?.params.allowedValue ?? first?.params.additionalProperty
    const detail = allowed === undefined ? '' : ` (${show(allowed)})`
    return { score: 0, passed: false, reason: `${where}${first?.message ?? 'is not accepted'}${detail}` }
  },
}
