// A condition of a plan as SQL: the same answers as the function on events gives, with no value of the user outside of a literal.
import type { Comparison, Expression, Literal } from '../expression.ts'
import { isNumber, isText, numberLiteral, type Dialect } from './sql-dialect.ts'

/** The value (JSON text or NULL) of our field as SQL. */
export type FieldSql = (name: string) => string

/** The condition as SQL that is true or false, never NULL. */
export function conditionSql(tree: Expression, field: FieldSql, dialect: Dialect): string {
  const inner = (one: Expression) => conditionSql(one, field, dialect)
  switch (tree.kind) {
    case 'not':
      return `(NOT ${inner(tree.of)})`
    case 'and':
    case 'or':
      return `(${inner(tree.left)} ${tree.kind === 'and' ? 'AND' : 'OR'} ${inner(tree.right)})`
    case 'compare':
      return compareSql(tree.op, tree.left, tree.right, field, dialect)
    case 'in': {
      const equal = tree.list.map((value) => equalSql(tree.of, { kind: 'literal', value }, field, dialect))
      return `(${equal.join(' OR ')})`
    }
    default:
      return `coalesce(${valueSql(tree, field, dialect)} = 'true', FALSE)`
  }
}

function valueSql(tree: Expression, field: FieldSql, dialect: Dialect): string {
  if (tree.kind === 'path') return field(tree.path)
  if (tree.kind === 'literal') return literalSql(tree.value, dialect)
  return `(CASE WHEN ${conditionSql(tree, field, dialect)} THEN 'true' ELSE 'false' END)`
}

function literalSql(value: Literal, dialect: Dialect): string {
  return value === null ? 'NULL' : dialect.text(JSON.stringify(value))
}

function compareSql(op: Comparison, left: Expression, right: Expression, field: FieldSql, dialect: Dialect): string {
  if (op === '==') return equalSql(left, right, field, dialect)
  if (op === '!=') return `(NOT ${equalSql(left, right, field, dialect)})`
  const [a, b] = [valueSql(left, field, dialect), valueSql(right, field, dialect)]
  const whens: string[] = []
  if (mayBe(left, 'number') && mayBe(right, 'number')) {
    const sides = [numberSql(left, a, dialect), numberSql(right, b, dialect)]
    whens.push(`WHEN ${isNumber(a)} AND ${isNumber(b)} THEN ${sides.join(` ${op} `)}`)
  }
  if (mayBe(left, 'string') && mayBe(right, 'string'))
    whens.push(`WHEN ${isText(a)} AND ${isText(b)} THEN ${dialect.unquoted(a)} ${op} ${dialect.unquoted(b)}`)
  return whens.length === 0 ? 'FALSE' : `coalesce(CASE ${whens.join(' ')} ELSE FALSE END, FALSE)`
}

const mayBe = (tree: Expression, type: 'number' | 'string'): boolean =>
  tree.kind === 'path' || (tree.kind === 'literal' && typeof tree.value === type)

function numberSql(tree: Expression, value: string, dialect: Dialect): string {
  const isLiteral = tree.kind === 'literal' && typeof tree.value === 'number'
  return isLiteral ? numberLiteral(Number(tree.value)) : dialect.number(value)
}

/** Text that every writer of JSON writes alike: such literals are compared as they stand. */
const PLAIN = /^[\x20-\x7e]*$/

function equalSql(left: Expression, right: Expression, field: FieldSql, dialect: Dialect): string {
  const [literal, other] = right.kind === 'literal' ? [right, left] : [left, right]
  const value = valueSql(other, field, dialect)
  if (literal.kind !== 'literal') {
    const first = valueSql(literal, field, dialect)
    const equal = `CASE WHEN ${isNumber(first)} AND ${isNumber(value)} THEN ${dialect.number(first)} = ${dialect.number(value)} ELSE ${first} = ${value} END`
    return `((${first} IS NULL AND ${value} IS NULL) OR coalesce(${equal}, FALSE))`
  }
  if (literal.value === null) return `(${value} IS NULL)`
  if (typeof literal.value === 'number')
    return `coalesce(${isNumber(value)} AND ${dialect.number(value)} = ${numberLiteral(literal.value)}, FALSE)`
  if (typeof literal.value === 'string' && (!PLAIN.test(literal.value) || /["\\/]/.test(literal.value)))
    return `coalesce(${isText(value)} AND ${dialect.unquoted(value)} = ${dialect.text(literal.value)}, FALSE)`
  return `coalesce(${value} = ${literalSql(literal.value, dialect)}, FALSE)`
}
