// The expressions of Nunjucks and Jinja that are met in prompts: names, literals, filters, comparisons, choices.

export type Expression =
  | { kind: 'path'; steps: (string | number)[] }
  | { kind: 'literal'; text: string }
  | { kind: 'filter'; of: Expression; name: string; args: Expression[] }
  | { kind: 'compare'; operator: string; left: Expression; right: Expression }
  | { kind: 'logic'; operator: 'and' | 'or'; parts: Expression[] }
  | { kind: 'not'; of: Expression }
  | { kind: 'choice'; value: Expression; test: Expression; otherwise: Expression | undefined }

type Token = { type: 'name' | 'number' | 'string' | 'sign'; text: string }
const TOKEN =
  /\s*(?:([A-Za-z_$][\w$-]*)|(\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(===|!==|==|!=|<=|>=|[<>()[\].,|]))/y
const words = new Set(['and', 'or', 'not', 'if', 'else', 'in', 'is'])

/** Throws SyntaxError that says what in the expression is not known. */
export function parseExpression(text: string): Expression {
  const reader = { tokens: tokensOf(text), at: 0 }
  const whole = choice(reader)
  const rest = reader.tokens[reader.at]
  if (rest !== undefined) throw new SyntaxError(`"${text.trim()}"`)
  return whole
}

type Reader = { tokens: Token[]; at: number }

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex
    const found = TOKEN.exec(text)
    if (found === null)
      throw new SyntaxError(`"${text.trim()}"${from === 0 ? '' : `, at "${text.slice(from).trim()}"`}`)
    const [, name, number, double, single, sign] = found
    if (name !== undefined) tokens.push({ type: 'name', text: name })
    else if (number !== undefined) tokens.push({ type: 'number', text: number })
    else if (sign !== undefined) tokens.push({ type: 'sign', text: sign })
    else tokens.push({ type: 'string', text: (double ?? single ?? '').replaceAll(/\\(.)/g, unescaped) })
  }
  return tokens
}
const unescaped = (_: string, sign: string) => ({ n: '\n', t: '\t' })[sign] ?? sign

const peek = ({ tokens, at }: Reader, text: string) => {
  const one = tokens[at]
  return one !== undefined && one.type !== 'string' && one.text === text
}
function take(reader: Reader, text: string): boolean {
  if (!peek(reader, text)) return false
  reader.at++
  return true
}
function need(reader: Reader, text: string): void {
  if (!take(reader, text)) throw new SyntaxError(`"${text}" is missing in an expression`)
}

function choice(reader: Reader): Expression {
  const value = logic(reader, 'or')
  if (!take(reader, 'if')) return value
  const test = logic(reader, 'or')
  return { kind: 'choice', value, test, otherwise: take(reader, 'else') ? choice(reader) : undefined }
}

function logic(reader: Reader, operator: 'and' | 'or'): Expression {
  const next = () => (operator === 'or' ? logic(reader, 'and') : negation(reader))
  const first = next()
  const parts = [first]
  while (take(reader, operator)) parts.push(next())
  return parts.length === 1 ? first : { kind: 'logic', operator, parts }
}

const negation = (reader: Reader): Expression =>
  take(reader, 'not') ? { kind: 'not', of: negation(reader) } : comparison(reader)

function comparison(reader: Reader): Expression {
  const left = filtered(reader)
  const sign = ['===', '!==', '==', '!=', '<=', '>=', '<', '>', 'in'].find((one) => take(reader, one))
  if (sign !== undefined) {
    const operator = sign === '===' ? '==' : sign === '!==' ? '!=' : sign
    return { kind: 'compare', operator, left, right: filtered(reader) }
  }
  if (!take(reader, 'is')) return left
  const not = take(reader, 'not')
  if (!take(reader, 'defined')) throw new SyntaxError('a test after "is"')
  const there: Expression = { kind: 'compare', operator: '!=', left, right: { kind: 'literal', text: 'nil' } }
  return not ? { kind: 'not', of: there } : there
}

function filtered(reader: Reader): Expression {
  let one = primary(reader)
  while (take(reader, '|')) {
    const name = reader.tokens[reader.at++]
    if (name?.type !== 'name') throw new SyntaxError('a filter without a name')
    const args: Expression[] = []
    if (take(reader, '('))
      while (!take(reader, ')')) {
        args.push(choice(reader))
        if (!peek(reader, ')')) need(reader, ',')
      }
    one = { kind: 'filter', of: one, name: name.text, args }
  }
  return one
}

function primary(reader: Reader): Expression {
  const token = reader.tokens[reader.at++]
  if (token === undefined) throw new SyntaxError('an empty expression')
  if (token.type === 'number') return { kind: 'literal', text: token.text }
  if (token.type === 'string') return { kind: 'literal', text: quoted(token.text) }
  if (token.text === '(') {
    const inner = choice(reader)
    need(reader, ')')
    return inner
  }
  if (token.type !== 'name' || words.has(token.text)) throw new SyntaxError(`"${token.text}" in an expression`)
  if (['true', 'false'].includes(token.text)) return { kind: 'literal', text: token.text }
  if (['none', 'null', 'None', 'undefined'].includes(token.text)) return { kind: 'literal', text: 'nil' }
  return path(reader, token.text)
}

function path(reader: Reader, first: string): Expression {
  const steps: (string | number)[] = [first]
  for (;;) {
    if (take(reader, '.')) {
      const step = reader.tokens[reader.at++]
      if (step?.type !== 'name' && step?.type !== 'number') throw new SyntaxError('a name that ends in "."')
      steps.push(step.type === 'number' ? Number(step.text) : step.text)
    } else if (take(reader, '[')) {
      const step = reader.tokens[reader.at++]
      if (step?.type !== 'string' && step?.type !== 'number') throw new SyntaxError('a computed name in [ ]')
      steps.push(step.type === 'number' ? Number(step.text) : step.text)
      need(reader, ']')
    } else if (peek(reader, '(')) throw new SyntaxError(`the call ${steps.join('.')}()`)
    else return { kind: 'path', steps }
  }
}

/** A text of Liquid, which knows no escapes. */
export function quoted(text: string): string {
  if (!text.includes("'")) return `'${text}'`
  if (!text.includes('"')) return `"${text}"`
  throw new SyntaxError('a text with both kinds of quotes')
}
