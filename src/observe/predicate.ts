// A condition of a plan as a function on events.
import type { Field, Fields, RawEvent } from './events.ts'
import type { Comparison, Expression } from './expression.ts'

/**
 * The condition as a function. A missing field is null; `==` converts nothing; order is known only between two numbers
 * or two texts, all else is false; a field that stands alone asks whether it is `true`.
 */
export function predicateOf(tree: Expression, fields: Fields): (event: RawEvent) => boolean {
  switch (tree.kind) {
    case 'not': {
      const of = predicateOf(tree.of, fields)
      return (event) => !of(event)
    }
    case 'and':
    case 'or': {
      const left = predicateOf(tree.left, fields)
      const right = predicateOf(tree.right, fields)
      return tree.kind === 'and' ? (event) => left(event) && right(event) : (event) => left(event) || right(event)
    }
    case 'compare': {
      const left = valueOf(tree.left, fields)
      const right = valueOf(tree.right, fields)
      const compare = comparisons[tree.op]
      return (event) => compare(left(event) ?? null, right(event) ?? null)
    }
    case 'in': {
      const of = valueOf(tree.of, fields)
      const list = new Set<unknown>(tree.list)
      return (event) => list.has(of(event) ?? null)
    }
    default: {
      const value = valueOf(tree, fields)
      return (event) => value(event) === true
    }
  }
}

function valueOf(tree: Expression, fields: Fields): Field {
  if (tree.kind === 'path') return fields(tree.path)
  if (tree.kind === 'literal') return () => tree.value
  return predicateOf(tree, fields)
}

const ordered =
  (test: (order: number) => boolean) =>
  (left: unknown, right: unknown): boolean => {
    if (typeof left === 'number' && typeof right === 'number') return test(left - right)
    if (typeof left === 'string' && typeof right === 'string') return test(left < right ? -1 : left > right ? 1 : 0)
    return false
  }
const comparisons: Record<Comparison, (left: unknown, right: unknown) => boolean> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': ordered((order) => order < 0),
  '<=': ordered((order) => order <= 0),
  '>': ordered((order) => order > 0),
  '>=': ordered((order) => order >= 0),
}
