// Puts the wanted share into the texts of a plan: {{percent}}, {{rollout}}, … and the names of environment variables.
import type { RolloutPlan } from '../schema/rollout.ts'
import type { Desired } from '../schema/rollout-journal.ts'
import type { Json } from '../schema/values.ts'
import { controlFailed } from './failure.ts'
import { WHOLE } from './flagd-flag.ts'

/** Millionths in one of each unit in which control planes write a share. */
export const units = { share: WHOLE, percent: 10_000, permille: 1_000, per_100000: 10, ppm: 1 } as const

export type Words = Readonly<Record<string, string | number>>

/** The share that is served where a plane knows no kill: nothing while it is killed. In millionths. */
export function servedPpm({ ppm, killed }: Desired): number {
  return killed ? 0 : ppm
}

/** A name of this wish, the same at every attempt: control planes can tell a repeated call by it. */
export function wishId(plan: RolloutPlan, desired: Desired): string {
  return `${plan.rollout}-${desired.generation}-${servedPpm(desired)}`
}

/** Everything that may be put in. `arm`: whom all are served, `split` between 0 and 100 %. */
export function wordsOf(plan: RolloutPlan, desired: Desired): Words {
  const ppm = servedPpm(desired)
  const words: Record<string, string | number> = {
    traffic: ppm / WHOLE,
    rest_traffic: (WHOLE - ppm) / WHOLE,
    rollout: plan.rollout,
    arm: ppm === 0 ? 'baseline' : ppm === WHOLE ? 'candidate' : 'split',
    key: wishId(plan, desired),
  }
  for (const [unit, size] of Object.entries(units)) {
    words[unit] = ppm / size
    words[`rest_${unit}`] = (WHOLE - ppm) / size
  }
  return words
}

/** Fills a text. A name that does not exist is `control_failed`. `write`: how a value stands in the text. */
export function fillText(text: string, words: Words, write: (value: string) => string = String): string {
  return text.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (_, name: string) => write(String(wordOf(name, words))))
}

/** Fills every text of a JSON value; a text that is nothing but one name becomes the value itself: a number stays one. */
export function fillJson(json: Json, words: Words): Json {
  if (typeof json === 'string') {
    const [, only] = /^\{\{\s*([\w-]+)\s*\}\}$/.exec(json) ?? []
    return only === undefined ? fillText(json, words) : wordOf(only, words)
  }
  if (Array.isArray(json)) return json.map((inner) => fillJson(inner, words))
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(Object.entries(json).map(([name, inner]) => [name, fillJson(inner, words)]))
}

function wordOf(name: string, words: Words): string | number {
  const word = Object.hasOwn(words, name) ? words[name] : undefined
  if (word !== undefined) return word
  throw controlFailed(`{{${name}}} is nothing that can be put in`, `Use one of ${Object.keys(words).join(', ')}.`)
}

/** Fills `${NAME}` from the environment. A variable that is not set is `control_failed`; its value is shown nowhere. */
export function fillEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
    const value = env[name]?.trim()
    if (value) return value
    throw controlFailed(`the environment variable ${name} is not set`, `Set ${name} for the process that runs aigate.`)
  })
}

/** The values of the environment variables that a text names: what must not be seen in an error. */
export function secretsIn(texts: readonly string[], env: Readonly<Record<string, string | undefined>>): string[] {
  const names = texts.flatMap((text) => [...text.matchAll(/\$\{([A-Za-z_]\w*)\}/g)].map(([, name = '']) => name))
  return names.flatMap((name) => env[name]?.trim() || [])
}
