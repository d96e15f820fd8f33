// Conditions in Liquid: what another language takes for true, written out.

/** `truthy`: a value that is neither false nor missing nor one of `empties`. */
export type Condition =
  | { text: string }
  | { truthy: string; empties: readonly string[] }
  | { not: Condition }
  | { and: readonly Condition[] }
  | { or: readonly Condition[] }

type Flat = { operator: 'and' | 'or' | 'one'; parts: string[] }
const opposite: Readonly<Record<string, string>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
}

/** Names that mean a value of their own in Liquid, so that no variable can be called so. */
export const liquidWords: ReadonlySet<string> = new Set(['empty', 'blank', 'nil', 'null', 'true', 'false', 'contains'])

/** Throws SyntaxError for "and" mixed with "or", which Liquid reads in another order. */
export function conditionText(condition: Condition): string {
  const { operator, parts } = flat(condition, false)
  return parts.join(operator === 'one' ? '' : ` ${operator} `)
}

function flat(condition: Condition, not: boolean): Flat {
  if ('not' in condition) return flat(condition.not, !not)
  if ('text' in condition) return { operator: 'one', parts: [not ? negated(condition.text) : condition.text] }
  if ('truthy' in condition) {
    const { truthy, empties } = condition
    return not
      ? {
          operator: 'or',
          parts: [`${truthy} == false`, `${truthy} == nil`, ...empties.map((one) => `${truthy} == ${one}`)],
        }
      : { operator: 'and', parts: [truthy, ...empties.map((one) => `${truthy} != ${one}`)] }
  }
  const isAnd = 'and' in condition
  const operator = isAnd !== not ? 'and' : 'or'
  const all = (isAnd ? condition.and : condition.or).map((part) => flat(part, not))
  if (all.some((one) => one.operator !== 'one' && one.operator !== operator))
    throw new SyntaxError('"and" and "or" in one condition (what counts as true differs in Liquid)')
  return { operator, parts: all.flatMap(({ parts }) => parts) }
}

function negated(text: string): string {
  const [, left, operator = '', right] = /^(.+?) (==|!=|<=|>=|<|>) (.+)$/.exec(text) ?? []
  if (text === 'true' || text === 'false') return text === 'true' ? 'false' : 'true'
  const turned = opposite[operator]
  if (turned === undefined) throw new SyntaxError(`"not ${text}"`)
  return `${left} ${turned} ${right}`
}
