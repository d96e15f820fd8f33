// The small language of conditions in a rollout plan: `error.type != null && duration_ms > 2000`, read into a tree.
import { AigateError } from '../errors.ts'

export type Literal = null | boolean | number | string
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
/** What a condition says, as data: others turn it into SQL or a function. */
export type Expression =
  | { kind: 'literal'; value: Literal }
  | { kind: 'path'; path: string }
  | { kind: 'not'; of: Expression }
  | { kind: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'compare'; op: Comparison; left: Expression; right: Expression }
  | { kind: 'in'; of: Expression; list: Literal[] }

type Token = { at: number; text: string; literal?: { value: Literal }; path?: string }
type Reader = { text: string; tokens: Token[]; next: number; depth: number }

const TOKEN =
  /\s*(?:(==|!=|<=|>=|&&|\|\||[<>!()[\],])|(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]+)`|([A-Za-z_@$][\w.@$/-]*))/y
const WORDS: Readonly<Record<string, Literal>> = { null: null, true: true, false: false }
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=']
/** Far deeper than anybody writes, far shallower than the stack. */
const DEEPEST = 100

/**
 * Reads a condition. Paths are names of fields (in backquotes where they hold other signs), compared with == != < <= >
 * >= and `in [..]`, joined by && || ! and brackets. Throws AigateError `usage` that shows the place of the fault.
 */
export function parseExpression(text: string): Expression {
  const reader: Reader = { text, tokens: tokensOf(text), next: 0, depth: 0 }
  const tree = readOr(reader)
  const rest = reader.tokens[reader.next]
  if (rest) throw fault(text, rest.at, `\`${rest.text}\` is not expected here`)
  return tree
}

/** Every path that a condition looks at, each once, in order of appearance. */
export function pathsOf(tree: Expression): string[] {
  const found = (one: Expression): string[] => {
    if (one.kind === 'path') return [one.path]
    if (one.kind === 'literal') return []
    if (one.kind === 'not' || one.kind === 'in') return found(one.of)
    return [...found(one.left), ...found(one.right)]
  }
  return [...new Set(found(tree))]
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  for (let at = 0; at < end; ) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
    if (match === null) throw fault(text, start, `\`${text[start]}\` cannot be read`)
    const [, sign, number, single, double, quoted, word] = match
    const token: Token = { at: start, text: text.slice(start, TOKEN.lastIndex) }
    const string = single ?? double
    if (number !== undefined) token.literal = { value: Number(number) }
    else if (string !== undefined) token.literal = { value: string.replace(/\\(.)/g, '$1') }
    else if (quoted !== undefined) token.path = quoted
    else if (word !== undefined && Object.hasOwn(WORDS, word)) token.literal = { value: WORDS[word] ?? null }
    else if (word !== undefined) token.path = word
    else token.text = sign ?? ''
    tokens.push(token)
    at = TOKEN.lastIndex
  }
  return tokens
}

function readOr(reader: Reader): Expression {
  let left = readAnd(reader)
  while (take(reader, '||')) left = { kind: 'or', left, right: readAnd(reader) }
  return left
}

function readAnd(reader: Reader): Expression {
  let left = readNot(reader)
  while (take(reader, '&&')) left = { kind: 'and', left, right: readNot(reader) }
  return left
}

function readNot(reader: Reader): Expression {
  if (!take(reader, '!')) return readComparison(reader)
  return deeper(reader, () => ({ kind: 'not', of: readNot(reader) }))
}

function readComparison(reader: Reader): Expression {
  const left = readOperand(reader)
  const token = reader.tokens[reader.next]
  if (token?.path === 'in') {
    reader.next += 1
    return { kind: 'in', of: left, list: readList(reader) }
  }
  const op = COMPARISONS.find((one): one is Comparison => isSign(token) && one === token?.text)
  if (op === undefined) return left
  reader.next += 1
  return { kind: 'compare', op, left, right: readOperand(reader) }
}

function readOperand(reader: Reader): Expression {
  if (take(reader, '(')) {
    const inner = deeper(reader, () => readOr(reader))
    expectSign(reader, ')')
    return inner
  }
  const token = reader.tokens[reader.next]
  if (token === undefined || isSign(token)) throw here(reader, 'a field or a value is expected')
  reader.next += 1
  if (token.literal) return { kind: 'literal', value: token.literal.value }
  return { kind: 'path', path: token.path ?? token.text }
}

function readList(reader: Reader): Literal[] {
  expectSign(reader, '[')
  const list: Literal[] = []
  do {
    const token = reader.tokens[reader.next]
    if (!token?.literal) throw here(reader, 'a value is expected')
    list.push(token.literal.value)
    reader.next += 1
  } while (take(reader, ','))
  expectSign(reader, ']')
  return list
}

const isSign = (token: Token | undefined): boolean =>
  token !== undefined && token.literal === undefined && token.path === undefined

function take(reader: Reader, sign: string): boolean {
  const token = reader.tokens[reader.next]
  if (!isSign(token) || token?.text !== sign) return false
  reader.next += 1
  return true
}

function expectSign(reader: Reader, sign: string): void {
  if (!take(reader, sign)) throw here(reader, `\`${sign}\` is expected`)
}

function deeper(reader: Reader, read: () => Expression): Expression {
  reader.depth += 1
  if (reader.depth > DEEPEST) throw here(reader, 'the brackets are too deep')
  const tree = read()
  reader.depth -= 1
  return tree
}

function here(reader: Reader, what: string): AigateError {
  const token = reader.tokens[reader.next]
  return fault(reader.text, token?.at ?? reader.text.trimEnd().length, what + (token ? `, not \`${token.text}\`` : ''))
}

function fault(text: string, at: number, what: string): AigateError {
  const shown = text.replace(/\s/g, ' ')
  return new AigateError('usage', {
    problem: `The condition cannot be read at position ${at + 1}, because ${what}:\n  ${shown}\n  ${' '.repeat(at)}^\n`,
    mend: "Write it as in: error.type != null && duration_ms > 2000, or eval.groundedness.label in ['fail', 'bad'].",
  })
}
