// JSON schemas as the package has them, with each part written once: they mean the same.

/** Shorter parts are not worth a reference. */
const SHORTEST = 60
/** Keywords that hold schemas by name, and those that hold one or a list of them; whatever else there is holds none. */
const NAMED = new Set(['properties', 'definitions', 'patternProperties'])
const HOLDING = new Set(
  'items additionalProperties propertyNames not anyOf oneOf allOf if then else contains'.split(' '),
)

/** The same schema with `part` in place of each schema inside of it. */
function mapped(schema, part) {
  const inside = (value) => (Array.isArray(value) ? value.map(part) : part(value))
  const named = (value) => Object.fromEntries(Object.entries(value).map(([name, one]) => [name, part(one)]))
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    NAMED.has(key) ? named(value) : HOLDING.has(key) ? inside(value) : value,
  ])
  return Object.fromEntries(entries)
}

const isSchema = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const prefix = '#/definitions/'

/** Draft-7. Nothing may stand beside a `$ref`, so that only whole parts that are equal to the last word are shared. */
export function sharedParts(schema) {
  const times = new Map()
  const count = (part) => {
    if (!isSchema(part)) return part
    const text = JSON.stringify(part)
    times.set(text, (times.get(text) ?? 0) + 1)
    return times.get(text) > 1 ? part : mapped(part, count)
  }
  mapped(schema, count)
  const names = new Map()
  const definitions = {}
  const share = (part) => {
    if (!isSchema(part)) return part
    const text = JSON.stringify(part)
    if (text.length < SHORTEST || times.get(text) === 1 || part.$ref !== undefined) return mapped(part, share)
    if (!names.has(text)) {
      names.set(text, `part${names.size + 1}`)
      definitions[names.get(text)] = mapped(part, share)
    }
    return { $ref: `${prefix}${names.get(text)}` }
  }
  const whole = mapped(schema, share)
  if (names.size === 0) return whole
  if ([...names.values()].some((name) => Object.hasOwn(schema.definitions ?? {}, name)))
    throw new Error('the schema has parts of these names of its own')
  return { ...whole, definitions: { ...whole.definitions, ...definitions } }
}

/** The way back, for a comparison: every part where it is used. */
export function unsharedParts(schema) {
  const { definitions = {} } = schema
  const isPart = (name) => /^part\d+$/.test(name)
  const put = (part) => {
    if (!isSchema(part)) return part
    const name = part.$ref?.startsWith(prefix) ? part.$ref.slice(prefix.length) : ''
    return isPart(name) ? put(definitions[name]) : mapped(part, put)
  }
  const whole = mapped(schema, put)
  if (!whole.definitions) return whole
  const own = Object.entries(whole.definitions).filter(([name]) => !isPart(name))
  const { definitions: _, ...rest } = whole
  return own.length > 0 ? { ...rest, definitions: Object.fromEntries(own) } : rest
}

/** What a schema has of another one, and is read from there: all lie in one folder. A test holds both equal. */
export const borrowed = {
  'aigate.schema.json': {
    '/properties/gate': 'suite.schema.json#/properties/gate',
    '/properties/health/properties/expect/items': 'suite.schema.json#/properties/assert/items',
  },
  'cases.schema.json': { '/items': 'suite.schema.json#/properties/cases/items' },
  'drift.schema.json': { '/properties/source': 'rollout.schema.json#/properties/source' },
  'experiment.schema.json': { '/properties/source': 'rollout.schema.json#/properties/source' },
  'guard.schema.json': {
    '/properties/source': 'rollout.schema.json#/properties/source',
    '/properties/metrics': 'rollout.schema.json#/properties/metrics',
  },
}

/** The text of a schema in the package. */
export function packedSchema(name, text) {
  const schema = JSON.parse(text)
  for (const [place, $ref] of Object.entries(borrowed[name] ?? {})) {
    const keys = place.split('/').slice(1)
    const last = keys.pop()
    keys.reduce((part, key) => part[key], schema)[last] = { $ref }
  }
  return `${JSON.stringify(sharedParts(schema))}\n`
}
