// The kill list in the text of a flag file: one shared rule that every managed flag asks first, and who switched it and why.
import { KillEntry, KillList, KILL_LIST_FORMAT, type KillScope } from '../schema/kill.ts'
import { AigateError } from '../errors.ts'
import { controlFailed } from './failure.ts'
import { canonicalJson } from '../content-hash.ts'
import { parseFlagFile, record } from './flag-file.ts'
import { setMember } from './json-text.ts'

/** Name of the rule under `$evaluators`, and of the flag that carries the list. */
export const KILL = 'aigate-kill'
/** The condition that a flag asks first: true for whom it is killed. */
export const killRef = { $ref: KILL } as const

/** The configuration of the project, as far as the file cannot know it: flags of others, with their variant that is off. */
export type KillOptions = { flags: Readonly<Record<string, string>> }

/** Equal for the same scope; `global` for none. */
export function scopeName(scope: KillScope): string {
  const parts = (['feature', 'model', 'segment', 'user'] as const).flatMap((part) =>
    scope[part] === undefined ? [] : [`${part} ${scope[part]}`],
  )
  return parts.length === 0 ? 'global' : parts.join(', ')
}

/** The flag that an application may read about one feature or model: true while it is killed. */
export function switchNames({ feature, model }: KillScope): string[] {
  return [
    ...(feature === undefined ? [] : [`${KILL}-${feature}`]),
    ...(model === undefined ? [] : [`${KILL}-model-${model}`]),
  ]
}

/**
 * The kills that a file lists, expired ones too. `file` is for sentences. Throws AigateError `newer_file`, and
 * `control_failed` where the list cannot be read.
 */
export function killsIn(flags: Readonly<Record<string, unknown>>, file: string): KillEntry[] {
  if (flags[KILL] === undefined) return []
  const text = record(record(flags[KILL])['metadata'])['kills']
  let value: unknown
  try {
    value = JSON.parse(String(text))
  } catch {
    value = undefined
  }
  const version = Number(record(value)['version'])
  if (version > KILL_LIST_FORMAT)
    throw new AigateError('newer_file', { kind: 'a kill list', version, known: KILL_LIST_FORMAT }, { file })
  const list = KillList.safeParse(value)
  if (list.success) return list.data.kills
  throw controlFailed(
    `the kill list in the flag ${KILL} of ${file} cannot be read`,
    'Restore the file, or run `aigate kill on` without a scope: it stops everything and begins a new list.',
  )
}

/** Flags that serve a model in one of their variants; an application cannot say that of itself. */
function servingModel(model: string, flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(flags).flatMap(([name, flag]) =>
    Object.values(record(record(flag)['variants'])).includes(model) ? [name] : [],
  )
}

/** The variant that a flag serves when it is killed; undefined: it does not ask the list. */
export function offVariant(flag: unknown): string | undefined {
  const rules = record(record(flag)['targeting'])['if']
  if (!Array.isArray(rules)) return undefined
  const at = rules.findIndex((rule, index) => index % 2 === 0 && canonicalJson(rule) === canonicalJson(killRef))
  const off: unknown = rules[at + 1]
  return at >= 0 && typeof off === 'string' && Object.hasOwn(record(record(flag)['variants']), off) ? off : undefined
}

/** Whether a kill concerns a flag, for some of its users at least. */
export function concerns(
  { scope, flags: own }: KillEntry,
  name: string,
  flags: Readonly<Record<string, unknown>>,
): boolean {
  const { feature, model } = scope
  const ofFeature =
    feature === undefined ||
    [feature, ...switchNames({ feature }), ...own].includes(name) ||
    startsOf(feature).some((start) => name.startsWith(start))
  const ofModel = model === undefined || [...switchNames({ model }), ...servingModel(model, flags)].includes(name)
  return ofFeature && ofModel
}
const startsOf = (feature: string) => ['-', '.', '/'].map((sign) => feature + sign)

/** What flagd evaluates for a kill. `$flagd.timestamp` is in whole seconds: rounded up, a kill never ends early. */
function clauseOf({ scope, flags: own, until }: KillEntry, flags: Readonly<Record<string, unknown>>): object {
  const { feature, model, segment, user } = scope
  const key = { var: '$flagd.flagKey' }
  const is = (name: string, value: string) => ({ '===': [{ var: name }, value] })
  return {
    and: [
      true,
      ...(until === null ? [] : [{ '<': [{ var: '$flagd.timestamp' }, Math.ceil(Date.parse(until) / 1000)] }]),
      ...(feature === undefined
        ? []
        : [
            {
              or: [
                { in: [key, [feature, ...switchNames({ feature }), ...own]] },
                ...startsOf(feature).map((start) => ({ starts_with: [key, start] })),
                is('feature', feature),
              ],
            },
          ]),
      ...(model === undefined
        ? []
        : [{ or: [{ in: [key, [...switchNames({ model }), ...servingModel(model, flags)]] }, is('model', model)] }]),
      ...(segment === undefined ? [] : [is('segment', segment)]),
      ...(user === undefined ? [] : [{ or: [is('targetingKey', user), is('user', user)] }]),
    ],
  }
}

const ruleOf = (kills: readonly KillEntry[], flags: Readonly<Record<string, unknown>>): object => ({
  or: [false, ...kills.map((kill) => clauseOf(kill, flags))],
})

function switchFlag(kills: readonly KillEntry[] | undefined): object {
  return {
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: 'off',
    targeting: { if: [killRef, 'on', 'off'] },
    metadata: {
      aigate: 'kill-switch',
      ...(kills === undefined ? {} : { kills: JSON.stringify({ version: KILL_LIST_FORMAT, kills }) }),
    },
  }
}

/** Writes a list into a file: the list, its rule, a switch for each feature and model, and the question in every managed flag. */
export function withKills(text: string, file: string, kills: readonly KillEntry[], options: KillOptions): string {
  let next = withClauses(text, file, options)
  for (const name of new Set(kills.flatMap(({ scope }) => switchNames(scope))))
    next = setMember(next, ['flags', name], switchFlag(undefined))
  next = setMember(next, ['flags', KILL], switchFlag(kills))
  return setMember(next, ['$evaluators', KILL], ruleOf(kills, parseFlagFile(next, file).flags))
}

/** The flags of rollouts, and those that the configuration names, ask the list before anything else. */
function withClauses(text: string, file: string, { flags: named }: KillOptions): string {
  let next = text
  for (const [name, flag] of Object.entries(parseFlagFile(text, file).flags)) {
    if (offVariant(flag) !== undefined) continue
    const variants = record(record(flag)['variants'])
    const targeting: unknown = record(flag)['targeting']
    const rules = record(targeting)['if']
    const own = Object.hasOwn(named, name) ? named[name] : undefined
    if (own !== undefined && Object.hasOwn(variants, own)) {
      const rest = Object.keys(record(targeting)).length > 0 ? targeting : (record(flag)['defaultVariant'] ?? null)
      next = setMember(next, ['flags', name, 'targeting'], { if: [killRef, own, rest] })
    } else if (
      typeof record(record(flag)['metadata'])['rollout'] === 'string' &&
      'off' in variants &&
      Array.isArray(rules)
    ) {
      const asked: unknown[] = [...(rules.slice(0, 2) as unknown[]), killRef, 'off', ...(rules.slice(2) as unknown[])]
      next = setMember(next, ['flags', name, 'targeting'], { if: asked })
    }
  }
  return next
}

/**
 * For whoever writes flags: brings the rule into step with the flags that there are now. A list that cannot be read keeps
 * the rule that it has, so that nobody is switched on by accident and a rollback is not held up.
 */
export function keepKills(text: string, file: string): string {
  const { flags, evaluators } = parseFlagFile(text, file)
  let kills: KillEntry[]
  try {
    kills = killsIn(flags, file)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return evaluators[KILL] === undefined ? setMember(text, ['$evaluators', KILL], { or: [true] }) : text
  }
  return setMember(text, ['$evaluators', KILL], ruleOf(kills, flags))
}

/** What is wrong with the list in a file, as sentences without a full stop; none: flagd does what the list says. */
export function killProblems(text: string, file: string, { flags: named }: KillOptions): string[] {
  const { flags, evaluators } = parseFlagFile(text, file)
  const kills = killsIn(flags, file)
  const problems: string[] = []
  const asked = Object.keys(flags).some((name) => offVariant(flags[name]) !== undefined)
  if ((asked || kills.length > 0) && canonicalJson(evaluators[KILL]) !== canonicalJson(ruleOf(kills, flags)))
    problems.push(`the rule ${KILL} under $evaluators is not what the list says`)
  for (const [name, flag] of Object.entries(flags)) {
    const off = offVariant(flag)
    const managed =
      off !== undefined || Object.hasOwn(named, name) || record(record(flag)['metadata'])['rollout'] !== undefined
    if (!managed) continue
    if (off === undefined) problems.push(`the flag ${name} does not ask the kill list`)
    else if (record(flag)['state'] !== 'ENABLED')
      problems.push(`the flag ${name} is not ENABLED: applications serve what their code says`)
    problems.push(
      ...kills.flatMap(({ scope: { model } }) =>
        model !== undefined && off !== undefined && record(record(flag)['variants'])[off] === model
          ? [`the flag ${name} serves ${model} itself when it is killed: it has nothing to go back to`]
          : [],
      ),
    )
  }
  return problems
}
