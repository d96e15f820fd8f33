// The plan and the result of a rollback in words for people; each text ends with a line break.
import { counted } from '../words.ts'
import type { RollbackPlan, Step } from './plan.ts'
import type { StepResult } from './runs.ts'

/** From trigger to verified. */
export const GOAL_MS = 60_000

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
}

export function resultText({ env, from, to, drill, steps, left, release, took_ms, plan_ms, notes }: Result): string {
  const open = steps.filter(({ state }) => state === 'failed' || state === 'blocked').map(({ component }) => component)
  const not = [...open, ...left]
  const what = drill ? `drill of a rollback of ${env} (on a copy; production was not touched)` : `rollback of ${env}`
  return lines([
    `${what}: ${from} -> ${to}`,
    ...steps.map((step) => `  ${step.state.padEnd('blocked'.length)}  ${resultLine(step)}`),
    ...left.map((name) => `  left     ${name}: it has no plane: put it back by hand`),
    ...notes.map((note) => `  note: ${note}`),
    not.length === 0
      ? `Verified after ${seconds(took_ms)} (${seconds(plan_ms)} of them to plan)${drill ? goal(took_ms) : ''}.`
      : `NOT VERIFIED after ${seconds(took_ms)}: ${not.join(', ')}. ${drill ? 'A rollback would fail there.' : 'Run the command again: it goes on with what is left.'}`,
    ...(release === null || drill ? [] : [`recorded as release ${release}: commit and push the ledger`]),
  ])
}

const goal = (took: number) => `; the goal is ${GOAL_MS / 1000} s${took > GOAL_MS ? ', WHICH IT MISSED' : ''}`

function resultLine({ component, where, wanted, attempts, took_ms, problem, state }: StepResult): string {
  const again = attempts > 1 ? ` after ${counted(attempts, 'attempt')}` : ''
  if (state === 'there') return `${component}: ${wanted ?? ''} (${where})`
  if (state === 'back') return `${component}: ${wanted ?? ''} in ${seconds(took_ms)}${again} (${where})`
  return `${component}: ${problem ?? 'not tried'}${again}`
}
