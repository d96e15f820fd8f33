// The plan and the result of a rollback in words for people; each text ends with a line break.
import { counted } from '../words.ts'
import type { RollbackPlan, Step } from './plan.ts'
import { GOAL_MS, type StepResult } from './runs.ts'

const lines = (list: readonly string[]) => `${list.join('\n')}\n`
const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`

export function planText(plan: RollbackPlan, { apply }: { apply: string }): string {
  const { env, from, to, because, steps, left, untouched, irreversible } = plan
  const changing = steps.filter(({ state }) => state === 'change').length
  const blocked = steps.some(({ state }) => state === 'blocked')
  return lines([
    `rollback of ${env}: ${from} -> ${to} (${because})`,
    ...steps.flatMap(stepLines),
    ...left.map((what) => `  left     ${what}: it differs and has no plane: put it back by hand`),
    ...irreversible.map(({ release, note }) => `  note     ${release} did what going back does not undo: ${note}`),
    'not touched:',
    ...untouched.map((what) => `  ${what}`),
    ...(changing === 0 && !blocked && left.length === 0 ? ['Everything says it already: nothing is to be set.'] : []),
    ...(blocked ? ['What is blocked stays; --force sets it where something is missing or cannot be undone.'] : []),
    changing === 0 && !blocked ? 'Nothing was changed.' : `Nothing was changed. To do it: ${apply}`,
  ])
}

function stepLines({ component, where, now, detail, wanted, state, forced, notes }: Step): string[] {
  const served = now ?? detail ?? 'unknown'
  const said = {
    there: `${component}: ${wanted ?? ''} already (${where})`,
    change: `${component}: ${served} -> ${wanted ?? ''} (${where})`,
    blocked: `${component}: stays at ${served} (${where})`,
  }
  return [
    `  ${state.padEnd('blocked'.length)}  ${said[state]}${forced ? ' BY FORCE' : ''}`,
    ...notes.map((note) => `           ${note}`),
  ]
}

export type Result = {
  env: string
  from: string
  to: string
  drill: boolean
  steps: readonly StepResult[]
  left: readonly string[]
  /** Id of the release that was recorded; null: the ledger said it already, or could not be written. */
  release: string | null
  took_ms: number
  plan_ms: number
  notes: readonly string[]
  /** Why the ledger could not be written. */
  unrecorded?: string | undefined
}

export function resultText(result: Result): string {
  const { env, from, to, drill, steps, left, release, notes } = result
  const what = drill ? `drill of a rollback of ${env} (on a copy; production was not touched)` : `rollback of ${env}`
  return lines([
    `${what}: ${from} -> ${to}`,
    ...steps.flatMap(resultLines),
    ...left.map((name) => `  left     ${name}: it has no plane: put it back by hand`),
    ...notes.map((note) => `  note: ${note}`),
    ...endLines(result),
    ...(release === null || drill ? [] : [`recorded as release ${release}: commit and push the ledger`]),
  ])
}

function endLines({ drill, steps, left, took_ms, plan_ms, unrecorded }: Result): string[] {
  const of = (...states: StepResult['state'][]) =>
    steps.filter(({ state }) => states.includes(state)).map(({ component }) => component)
  const not = [...of('failed', 'blocked'), ...left]
  const time = `after ${seconds(took_ms)} (${seconds(plan_ms)} of them to plan)`
  const unwritten = unrecorded === undefined ? [] : [notRecorded(unrecorded, drill)]
  if (not.length > 0) {
    const blocked = of('blocked').length > 0 ? ['What is blocked stays; --force sets it where something is missing or cannot be undone.'] : [] // biome-ignore format: one choice
    const again = of('failed').length > 0 && !drill ? ['Run the command again when that is mended: it goes on with what is left.'] : [] // biome-ignore format: one choice
    const failing = drill ? ' A rollback would fail there.' : ''
    return [`NOT VERIFIED after ${seconds(took_ms)}: ${not.join(', ')}.${failing}`, ...unwritten, ...blocked, ...again]
  }
  if (!drill) return [`Verified ${time}.`, ...unwritten]
  const skipped = of('skipped')
  const rest = skipped.length > 0 ? [`Not drilled: ${skipped.join(', ')}. Whether that goes back is not known.`] : []
  if (of('back').length > 0) return [`Verified ${time}${goal(took_ms)}.`, ...rest, ...unwritten]
  const none = of('there').length > 0 ? `Nothing had to be set: ${of('there').join(', ')} was there already.` : 'Nothing was drilled.' // biome-ignore format: one choice
  return [none, ...rest, ...unwritten]
}

const notRecorded = (why: string, drill: boolean) =>
  drill
    ? `NOT RECORDED: a rollback could not be written into the ledger: ${why}`
    : `NOT RECORDED: production is as said above, but the ledger does not say so: ${why} The same command records it then, and sets nothing twice.`

const goal = (took: number) => `; the goal is ${GOAL_MS / 1000} s${took > GOAL_MS ? ', WHICH IT MISSED' : ''}`

function resultLines(step: StepResult): string[] {
  const more = [...(step.notes ?? []).map((note) => `note: ${note}`), ...(step.mend === undefined ? [] : [step.mend])]
  return [`  ${step.state.padEnd('blocked'.length)}  ${resultLine(step)}`, ...more.map((line) => `           ${line}`)]
}

function resultLine({ component, where, wanted, attempts, took_ms, problem, state }: StepResult): string {
  const again = attempts > 1 ? ` after ${counted(attempts, 'attempt')}` : ''
  if (state === 'there') return `${component}: ${wanted ?? ''} (${where})`
  if (state === 'back') return `${component}: ${wanted ?? ''} in ${seconds(took_ms)}${again} (${where})`
  return `${component}: ${(problem ?? 'not tried').replace(/\.$/, '')}${again}`
}
