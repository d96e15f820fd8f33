// Nunjucks and Jinja templates as Liquid, where both mean the same; the rest is said, never guessed and never run.
import { type Condition, conditionText, liquidWords } from './conditions.ts'
import { type Expression, parseExpression } from './expressions.ts'

/** A template as Liquid; or what in it Liquid cannot say. `doubts`: the same but for rare values. */
export type Converted = { text: string; doubts: string[] } | { problem: string; line: number }

/** What of an expression of Nunjucks has another name in Liquid. */
const filters: Readonly<Record<string, string>> = {
  upper: 'upcase', lower: 'downcase', trim: 'strip', length: 'size', first: 'first', last: 'last', reverse: 'reverse',
  replace: 'replace', join: 'join', abs: 'abs', escape: 'escape', e: 'escape', dump: 'json', tojson: 'json',
  capitalize: 'capitalize', default: 'default', d: 'default', nl2br: 'newline_to_br', striptags: 'strip_html',
} // biome-ignore format: one table
const loops: Readonly<Record<string, string>> = {
  'loop.index': 'forloop.index', 'loop.index0': 'forloop.index0', 'loop.first': 'forloop.first',
  'loop.last': 'forloop.last', 'loop.length': 'forloop.length',
} // biome-ignore format: one table
/** Names that promptfoo gives a meaning of its own. */
const given = new Set(['_conversation', '__outputs'])
const NAME = /^[A-Za-z_][\w]*$/

type Setting = { doubts: Set<string>; locals: Set<string> }
const refuse = (problem: string): never => {
  throw new SyntaxError(problem)
}

/** A template as Liquid. Bounded by the length of the text; it is read and never rendered here. */
export function fromNunjucks(template: string): Converted {
  const setting: Setting = { doubts: new Set(), locals: new Set() }
  let out = ''
  let at = 0
  const open: string[] = []
  // A mark ends at the first closing sign; none of the marks that can be carried over has one in a string.
  const mark = /\{\{(-?)([\s\S]*?)(-?)\}\}|\{%(-?)\s*([\s\S]*?)\s*(-?)%\}|\{#-?[\s\S]*?-?#\}/g
  try {
    for (let found = mark.exec(template); found !== null; found = mark.exec(template)) {
      out += template.slice(at, found.index)
      at = found.index + found[0].length
      const [whole, before = '', value, after = '', open1 = '', tag, close1 = ''] = found
      if (whole.startsWith('{#')) continue
      if (value !== undefined) {
        out += output(parseExpression(value), setting, [before, after])
        continue
      }
      if (tag === 'raw' || tag === 'verbatim') {
        const end = /\{%-?\s*end(?:raw|verbatim)\s*-?%\}/g
        end.lastIndex = at
        const stop = end.exec(template) ?? refuse(`{% ${tag} %} has no end`)
        out += `{% raw %}${template.slice(at, stop.index)}{% endraw %}`
        at = stop.index + stop[0].length
        mark.lastIndex = at
        continue
      }
      out += `{%${open1} ${tagText(tag ?? '', open, setting)} ${close1}%}`
    }
    if (open.length > 0) refuse(`{% ${open.at(-1)} %} has no end`)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { problem: error.message, line: template.slice(0, at).split('\n').length }
  }
  return { text: out + template.slice(at), doubts: [...setting.doubts] }
}

function tagText(tag: string, open: string[], setting: Setting): string {
  const [, word = '', rest = ''] = /^(\w+)\s*([\s\S]*)$/.exec(tag) ?? []
  switch (word) {
    case 'if':
      open.push('if')
      return `if ${condition(rest, setting)}`
    case 'elif':
    case 'elseif':
      return `elsif ${condition(rest, setting)}`
    case 'else':
      return 'else'
    case 'endif':
    case 'endfor':
      if (open.pop() !== word.slice(3)) refuse(`{% ${word} %} ends nothing`)
      return word
    case 'for': {
      const [, name = '', list = ''] = /^(\w+)\s+in\s+([\s\S]+)$/.exec(rest) ?? []
      if (name === '') refuse(`{% for ${rest} %}: Liquid loops have one variable`)
      open.push('for')
      setting.locals.add(name)
      return `for ${name} in ${operand(parseExpression(list), setting)}`
    }
    case 'set': {
      const [, name = '', value = ''] = /^(\w+)\s*=\s*([\s\S]+)$/.exec(rest) ?? []
      if (name === '') refuse('{% set %} with a block')
      const text = piped(parseExpression(value), setting)
      setting.locals.add(name)
      return `assign ${name} = ${text}`
    }
    default:
      return refuse(`the tag {% ${word} %}`)
  }
}

function output(expression: Expression, setting: Setting, [before, after]: [string, string]): string {
  if (expression.kind === 'choice') {
    const inner = (one: Expression | undefined) => (one === undefined ? '' : output(one, setting, ['', '']))
    const test = conditionText(conditionOf(expression.test, setting))
    const otherwise = inner(expression.otherwise)
    const rest = otherwise === '' ? '' : `{% else %}${otherwise}`
    return `{%${before} if ${test} %}${inner(expression.value)}${rest}{% endif ${after}%}`
  }
  return `{{${before} ${piped(expression, setting)} ${after}}}`
}

const condition = (text: string, setting: Setting) => conditionText(conditionOf(parseExpression(text), setting))

/** What is true in Nunjucks: everything but false, nothing, 0 and the empty text. */
function conditionOf(one: Expression, setting: Setting): Condition {
  if (one.kind === 'not') return { not: conditionOf(one.of, setting) }
  if (one.kind === 'logic') {
    const parts = one.parts.map((part) => conditionOf(part, setting))
    return one.operator === 'and' ? { and: parts } : { or: parts }
  }
  if (one.kind === 'compare') {
    if (one.operator === 'in') refuse('the operator "in"')
    return { text: `${operand(one.left, setting)} ${one.operator} ${operand(one.right, setting)}` }
  }
  if (one.kind === 'literal') return { text: one.text }
  return { truthy: operand(one, setting), empties: ["''", '0'] }
}

/** A value with its filters. */
function piped(one: Expression, setting: Setting): string {
  if (one.kind !== 'filter') return operand(one, setting)
  const of = piped(one.of, setting)
  if (one.name === 'safe' || one.name === 'string') return of
  if (one.name === 'round' && one.args.length === 0) return `${of} | round`
  const name = filters[one.name] ?? refuse(`the filter "${one.name}"`)
  const args = one.args.map((arg) => operand(arg, setting))
  if (name === 'default') setting.doubts.add('"default" of Liquid also stands in for an empty text')
  if (name === 'join' && args.length === 0) args.push("''")
  const most = { default: 1, join: 1, replace: 2, json: 1 }[name] ?? 0
  const kept = args.slice(0, most)
  if (args.length > most && name !== 'default') refuse(`the filter "${one.name}" with ${args.length} arguments`)
  return `${of} | ${name}${kept.length > 0 ? `: ${kept.join(', ')}` : ''}`
}

/** A name or a literal: all that Liquid takes in conditions, loops and arguments. */
function operand(one: Expression, setting: Setting): string {
  if (one.kind === 'literal') return one.text
  if (one.kind === 'path') {
    const [first = '', ...rest] = one.steps
    if (typeof first !== 'string' || !NAME.test(first)) return refuse(`"${one.steps.join('.')}"`)
    if (liquidWords.has(first)) return refuse(`"${first}": a word of Liquid`)
    if (first === 'env') return refuse(`env.${String(rest[0] ?? '')}: a variable of the environment`)
    if (given.has(first) && !setting.locals.has(first)) return refuse(`"${first}": what promptfoo puts in`)
    const loop = loops[one.steps.join('.')]
    if (loop !== undefined) return loop
    const text = rest.map((step, i) =>
      typeof step === 'number' ? `[${step}]` : step === 'length' && i === rest.length - 1 ? '.size' : stepText(step),
    )
    return `${first}${text.join('')}`
  }
  return refuse(`${describe(one)} here`)
}

const stepText = (step: string) => (NAME.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`)
const describe = (one: Expression): string =>
  ({
    filter: 'a filter',
    choice: 'a choice (a if b else c)',
    not: '"not"',
    logic: '"and" or "or"',
    compare: 'a comparison',
    literal: 'a literal',
    path: 'a name',
  })[one.kind]
