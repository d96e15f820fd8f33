// The language of conditions: what it reads, what it says about faults, and that it never crashes otherwise.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { AigateError } from '../errors.ts'
import { fieldsOf } from './events.ts'
import { parseExpression, pathsOf } from './expression.ts'
import { predicateOf } from './predicate.ts'

const holds = (text: string, event: Record<string, unknown>) =>
  predicateOf(parseExpression(text), fieldsOf('aigate'))(event)

it.each([
  ['error.type != null', { 'error.type': 'timeout' }, true],
  ['error.type != null', { error: { type: 'timeout' } }, true],
  ['error.type != null', { 'error.type': null }, false],
  ['error.type != null', {}, false],
  ["feedback == 'down'", { 'aigate.feedback': 'down' }, true],
  ['duration_ms > 2000 && !(cost_usd >= 0.01)', { duration_ms: 2001, 'aigate.cost_usd': 0.005 }, true],
  ['duration_ms > 2000', { duration_ms: '3000' }, false],
  ['duration_ms < 2000', {}, false],
  ['http.status in [429, 500, null]', { 'http.status': 429 }, true],
  ['http.status in [429, 500, null]', {}, true],
  ['http.status in [429, 500]', { 'http.status': '429' }, false],
  ['a == 1 || b == 2 && c == 3', { a: 1 }, true],
  ['(a == 1 || b == 2) && c == 3', { a: 1 }, false],
  ['flagged', { flagged: true }, true],
  ['!flagged', { flagged: 'yes' }, true],
  ['`odd name` == "it\'s"', { 'odd name': "it's" }, true],
  ['constructor != null', {}, false],
  ['n == -1.5e3', { n: -1500 }, true],
  [
    "eval.groundedness.label == 'fail'",
    {
      'event.name': 'gen_ai.evaluation.result',
      'gen_ai.evaluation.name': 'groundedness',
      'gen_ai.evaluation.score.label': 'fail',
    },
    true,
  ],
])('%s of %j is %s', (text, event, expected) => {
  expect(holds(text, event)).toBe(expected)
})

it('is data: others can translate it', () => {
  const tree = parseExpression("!(a.b == 1) && c in ['x', null]")
  expect(tree).toEqual({
    kind: 'and',
    left: {
      kind: 'not',
      of: { kind: 'compare', op: '==', left: { kind: 'path', path: 'a.b' }, right: { kind: 'literal', value: 1 } },
    },
    right: { kind: 'in', of: { kind: 'path', path: 'c' }, list: ['x', null] },
  })
  expect(pathsOf(tree)).toEqual(['a.b', 'c'])
})

it.each([
  ['error.type =! null', 12],
  ['a == ', 5],
  ['(a == 1', 8],
  ['a == 1 b', 8],
  ["a == 'open", 6],
  ['a in []', 7],
  ['a in [b]', 7],
  ['', 1],
  ['a = 1', 3],
  ['5xx == 1', 1],
])('shows where `%s` is wrong', (text, position) => {
  expect(() => parseExpression(text)).toThrow(`at position ${position},`)
})

it('reads or refuses any text, however deep, and never fails otherwise', () => {
  const parts = fc.constantFrom(
    'a',
    '.b',
    ' == ',
    '!',
    '(',
    ')',
    '&&',
    '||',
    ' in ',
    '[',
    ']',
    "'x'",
    '1',
    ',',
    '\\',
    '"',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(parts).map((all) => all.join('')),
      ),
      (text) => {
        try {
          parseExpression(text)
        } catch (error) {
          expect(error).toBeInstanceOf(AigateError)
        }
      },
    ),
  )
  expect(() => parseExpression(`${'('.repeat(100_000)}a`)).toThrow(/too deep/)
  expect(() => parseExpression(`${'!'.repeat(100_000)}a`)).toThrow(/too deep/)
})
