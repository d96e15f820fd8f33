// Finds the parts of a zod schema that belong to a path in the data, for "did you mean".
import type * as z from 'zod'

/** Keys and indexes from the root of the data. */
export type Path = readonly PropertyKey[]
export type Schema = z.core.$ZodType

type Def = {
  type: string
  innerType?: Schema
  in?: Schema
  getter?: () => Schema
  options?: readonly Schema[]
  shape?: Record<string, Schema>
  element?: Schema
  valueType?: Schema
}

/** The schema as people write it: without defaults, optionality and transformations around it. */
function unwrap(schema: Schema): Def {
  const def = schema._zod.def as unknown as Def
  const inner = def.innerType ?? (def.type === 'pipe' ? def.in : def.getter?.())
  return inner === undefined ? def : unwrap(inner)
}

/** The fields of a map; undefined for anything else. */
export const shapeOf = (schema: Schema): Record<string, Schema> | undefined => unwrap(schema).shape
/** Whether people must write the field. */
export const isRequired = (schema: Schema): boolean => schema._zod.optin === undefined

/** All schemas that a path can lead to, every branch of a union tried. */
function schemasAt(schema: Schema, path: Path): Schema[] {
  const def = unwrap(schema)
  if (path.length === 0) return [schema]
  if (def.options !== undefined) return def.options.flatMap((option) => schemasAt(option, path))
  const next = def.shape?.[String(path[0])] ?? (typeof path[0] === 'number' ? def.element : def.valueType)
  return next === undefined ? [] : schemasAt(next, path.slice(1))
}

/** The branches of the union that a path leads to; none when there is no union. */
export function unionOptionsAt(schema: Schema, path: Path): readonly Schema[] {
  for (const one of schemasAt(schema, path)) {
    const { options } = unwrap(one)
    if (options !== undefined) return options
  }
  return []
}

/** The fields of every map that a path can lead to. */
export function objectsAt(schema: Schema, path: Path): Record<string, Schema>[] {
  return schemasAt(schema, path).flatMap((one): Record<string, Schema>[] => {
    const def = unwrap(one)
    if (def.options !== undefined) return def.options.flatMap((option) => objectsAt(option, []))
    return def.shape === undefined ? [] : [def.shape]
  })
}
