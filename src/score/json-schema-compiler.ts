// JSON Schema to a validator, by ajv: draft-07 unless `$schema` names 2019-09 or 2020-12. Loaded only when it is needed.
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Json } from '../schema/values.ts'

const compiled = new WeakMap<object, ValidateFunction>()

/** What is wrong with a schema that others validate by; keywords and formats of their own are nothing wrong. Null: nothing. */
export function brokenSchema(schema: Record<string, Json>): string | null {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, logger: false })
  // Which dialect the others read is not known: what an older one allows is fine as well.
  const { $schema: _dialect, ...rest } = schema
  return ajv.validateSchema(rest) === true || new Ajv({ strict: false, logger: false }).validateSchema(rest) === true
    ? null
    : ajv.errorsText(ajv.errors, { dataVar: 'the schema' })
}

/**
 * Compiles a schema; the same object is compiled once. Unknown keywords and formats are errors, because they are
 * typing errors far more often than extensions. Throws Error with a sentence that says what is wrong.
 */
export function compileSchema(schema: Record<string, Json>): ValidateFunction {
  const known = compiled.get(schema)
  if (known) return known
  const dialect = typeof schema.$schema === 'string' ? schema.$schema : ''
  const Dialect = dialect.includes('/2020-12/') ? Ajv2020 : dialect.includes('/2019-09/') ? Ajv2019 : Ajv
  const ajv = new Dialect({ strictTypes: false, strictTuples: false, allowUnionTypes: true, logger: false })
  formats.default(ajv)
  const validate = ajv.compile(schema)
  compiled.set(schema, validate)
  return validate
}
