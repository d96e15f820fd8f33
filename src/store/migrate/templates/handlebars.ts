// Handlebars templates as Liquid messages, by the syntax tree of @handlebars/parser; what differs is said by line.
import type { Role } from '../made.ts'
import { literally } from '../liquid-text.ts'
import { conditionText, liquidWords } from './conditions.ts'
import { quoted } from './expressions.ts'
import type { Expression, Program, Statement } from './handlebars-tree.ts'

export type Trouble = { line: number; what: string; why: string }
/** `role` is undefined for text before the first role. */
export type Piece = { role: Role | undefined; template: string }

/** `it`: what the names of a block belong to; undefined: the variables of the template. */
type Scope = { it: string | undefined; loop: boolean; inside: boolean; above: Scope | undefined }
type Setting = {
  pieces: Piece[]
  troubles: Trouble[]
  partial: (name: string) => string | undefined
  parse: (text: string) => Program
  depth: number
  loops: number
}

const EMPTY = ['0', 'empty']
const roleNames: Readonly<Record<string, Role>> = {
  system: 'system', user: 'user', model: 'assistant', assistant: 'assistant', developer: 'developer',
} // biome-ignore format: one table
const DEEPEST_PARTIAL = 8
const NAME = /^[A-Za-z_][\w-]*$/

/**
 * The messages of a Handlebars template. A part that Liquid cannot say is left out and named in `troubles`.
 * @param partial the text of a partial by its name
 * Throws Error where the template cannot be parsed.
 */
export async function fromHandlebars(
  template: string,
  partial: Setting['partial'] = () => undefined,
): Promise<{ pieces: Piece[]; troubles: Trouble[] }> {
  const { parse } = await import('@handlebars/parser')
  const setting: Setting = {
    pieces: [{ role: undefined, template: '' }],
    troubles: [],
    partial,
    parse: (text) => parse(text) as Program,
    depth: 0,
    loops: 0,
  }
  body(setting.parse(template).body, { it: undefined, loop: false, inside: false, above: undefined }, setting)
  return { pieces: setting.pieces.filter(({ template: text }) => text.trim() !== ''), troubles: setting.troubles }
}

function write(setting: Setting, text: string): void {
  const last = setting.pieces.at(-1)
  if (last) last.template += text
}
const turn = (setting: Setting, role: Role | undefined) => setting.pieces.push({ role, template: '' })

function body(statements: readonly Statement[], scope: Scope, setting: Setting): void {
  for (const one of statements) {
    try {
      statement(one, scope, setting)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      setting.troubles.push({ line: one.loc.start.line, what: shown(one), why: error.message })
    }
  }
}

function shown(one: Statement): string {
  const sign = one.type === 'BlockStatement' ? '#' : one.name ? '>' : ''
  return `{{${sign}${String(one.path?.original ?? one.name?.original ?? one.type)}}}`
}

function statement(one: Statement, scope: Scope, setting: Setting): void {
  switch (one.type) {
    case 'ContentStatement':
      return write(setting, literally(String(one.value)))
    case 'CommentStatement':
      return
    case 'MustacheStatement':
      return mustache(one, scope, setting)
    case 'BlockStatement':
      return block(one, scope, setting)
    case 'PartialStatement':
      return include(one, scope, setting)
    default:
      throw new SyntaxError(`aigate has no ${one.type}`)
  }
}

function mustache(one: Statement, scope: Scope, setting: Setting): void {
  const helper = nameOf(one.path)
  const { params = [], hash = { pairs: [] } } = one
  const bare = params.length === 0 && hash.pairs.length === 0
  if (helper === 'role' && params.length === 1) {
    if (scope.inside) throw new SyntaxError('a role inside a block')
    turn(setting, roleOf(params[0]))
    return
  }
  if (helper === 'json' && params.length === 1) {
    const indent = hash.pairs.find(({ key }) => key === 'indent')?.value
    const argument = indent?.type === 'NumberLiteral' ? `: ${String(indent.value)}` : ''
    return write(setting, `{{ ${value(params[0], scope)} | json${argument} }}`)
  }
  if (helper === 'history' && bare)
    throw new SyntaxError('earlier turns stand in `messages` of a case, which follow the prompt')
  if (!bare) throw new SyntaxError(`the helper "${helper ?? ''}" has no equal in Liquid`)
  write(setting, `{{ ${value(one.path, scope)} }}`)
}

function block(one: Statement, scope: Scope, setting: Setting): void {
  const helper = nameOf(one.path) ?? ''
  const inverse = one.inverse?.body ?? []
  const inner = one.program?.body ?? []
  const [param, second] = one.params ?? []
  switch (helper) {
    case 'role':
      turn(setting, roleOf(param))
      body(inner, scope, setting)
      turn(setting, undefined)
      return
    case 'if':
    case 'unless': {
      const test = { truthy: value(param, scope), empties: EMPTY }
      const text = conditionText(helper === 'if' ? test : { not: test })
      return branches(text, [inner, inverse], scope, setting)
    }
    case 'ifEquals':
    case 'unlessEquals': {
      const sign = helper === 'ifEquals' ? '==' : '!='
      const text = `${value(param, scope)} ${sign} ${value(second, scope)}`
      return branches(text, [inner, inverse], scope, setting)
    }
    case 'each':
      return each(one, scope, setting)
    case 'with': {
      const it = value(param, scope)
      const test = conditionText({ truthy: it, empties: EMPTY })
      write(setting, `{% if ${test} %}`)
      body(inner, { it, loop: false, inside: true, above: scope }, setting)
      return otherwise(inverse, scope, setting, 'endif')
    }
    default:
      throw new SyntaxError(`the block helper "${helper}" has no equal in Liquid`)
  }
}

function branches(test: string, [inner, inverse]: [Statement[], Statement[]], scope: Scope, setting: Setting) {
  write(setting, `{% if ${test} %}`)
  body(inner, { ...scope, inside: true }, setting)
  otherwise(inverse, { ...scope, inside: true }, setting, 'endif')
}

function otherwise(inverse: readonly Statement[], scope: Scope, setting: Setting, end: string): void {
  if (inverse.length > 0) {
    write(setting, '{% else %}')
    body(inverse, scope, setting)
  }
  write(setting, `{% ${end} %}`)
}

function each(one: Statement, scope: Scope, setting: Setting): void {
  const list = value(one.params?.[0], scope)
  const own = one.program?.blockParams ?? []
  if (own.length > 1) throw new SyntaxError('a loop with two names')
  const item = own[0] ?? `item${setting.loops++ || ''}`
  write(setting, `{% for ${item} in ${list} %}`)
  body(one.program?.body ?? [], { it: item, loop: true, inside: true, above: scope }, setting)
  otherwise(one.inverse?.body ?? [], scope, setting, 'endfor')
}

function include(one: Statement, scope: Scope, setting: Setting): void {
  const name = nameOf(one.name) ?? ''
  if ((one.params ?? []).length > 0 || (one.hash?.pairs ?? []).length > 0)
    throw new SyntaxError('a partial with values of its own')
  const text = setting.partial(name)
  if (text === undefined) throw new SyntaxError(`there is no file of the partial "${name}"`)
  if (setting.depth >= DEEPEST_PARTIAL) throw new SyntaxError(`the partial "${name}" contains itself`)
  setting.depth++
  body(setting.parse(text).body, scope, setting)
  setting.depth--
}

function roleOf(param: Expression | undefined): Role {
  const name = param?.type === 'StringLiteral' ? String(param.value) : ''
  const role = roleNames[name]
  if (role === undefined) throw new SyntaxError(`the role "${name}"`)
  return role
}

/** The one name of a path such as `each`; undefined for any other path. */
function nameOf(path: Expression | undefined): string | undefined {
  if (path?.type !== 'PathExpression') return undefined
  const { data, depth, parts = [] } = path
  const [only] = parts
  return !data && depth === 0 && parts.length === 1 && typeof only === 'string' ? only : undefined
}

function value(one: Expression | undefined, scope: Scope): string {
  switch (one?.type) {
    case 'PathExpression':
      return pathText(one, scope)
    case 'StringLiteral':
      return quoted(String(one.value))
    case 'NumberLiteral':
    case 'BooleanLiteral':
      return String(one.value)
    case 'NullLiteral':
    case 'UndefinedLiteral':
      return 'nil'
    default:
      throw new SyntaxError('a helper inside of another')
  }
}

const loopNames: Readonly<Record<string, string>> = {
  index: 'forloop.index0', first: 'forloop.first', last: 'forloop.last',
} // biome-ignore format: one table

function pathText({ data, depth = 0, parts = [], original }: Expression, scope: Scope): string {
  const steps = parts.map((part) => (typeof part === 'string' ? part : unknownPart()))
  if (data) {
    const [first = '', ...rest] = steps
    if (first === 'root') return joined(undefined, rest)
    const loop = scope.loop && depth === 0 ? loopNames[first] : undefined
    if (loop === undefined || rest.length > 0) throw new SyntaxError(`"${String(original)}" has no equal in Liquid`)
    return loop
  }
  let at: Scope | undefined = scope
  for (let up = depth; up > 0; up--) at = at?.above
  // Only a name that the block itself has: Handlebars does not look further up.
  return joined(at?.it, steps)
}
const unknownPart = (): never => {
  throw new SyntaxError('a computed name')
}

function joined(base: string | undefined, steps: readonly string[]): string {
  const all = [...(base === undefined ? [] : [base]), ...steps]
  const [first, ...rest] = all
  if (first === undefined) throw new SyntaxError('all variables at once ({{this}} outside of a block)')
  if (base === undefined && liquidWords.has(first)) throw new SyntaxError(`"${first}": a word of Liquid`)
  if (!NAME.test(first.split('.')[0] ?? '')) throw new SyntaxError(`the name "${first}"`)
  return [
    first,
    ...rest.map((step, i) =>
      /^\d+$/.test(step)
        ? `[${step}]`
        : step === 'length' && i === rest.length - 1
          ? '.size'
          : NAME.test(step)
            ? `.${step}`
            : `["${step}"]`,
    ),
  ].join('')
}
