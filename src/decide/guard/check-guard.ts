// What a guard asks that could never be done or never be noticed, although its form is right: found before the night in question.
import { AigateError } from '../../errors.ts'
import type { GuardPlan } from '../../schema/guard.ts'
import type { Planes } from '../../schema/planes.ts'
import { chosenPlanes } from '../rollback/target.ts'

export type GuardProblem = { path: (string | number)[]; problem: string; mend: string }
/** `planesOf`: those of an environment. `kills`: a flag file for kill switches is known. */
export type GuardWorld = { planesOf: (env: string) => Planes; kills: boolean }

/** Everything of this kind; empty: the guard can notice and do all that it says. */
export function checkGuard(guard: GuardPlan, world: GuardWorld): GuardProblem[] {
  return [
    ...actionProblems(guard, world),
    ...counterProblems(guard),
    ...referenceProblems(guard),
    ...sourceProblems(guard),
    ...idle(guard),
  ]
}

function actionProblems({ actions }: GuardPlan, { planesOf, kills }: GuardWorld): GuardProblem[] {
  return Object.entries(actions).flatMap(([name, action]): GuardProblem[] => {
    const path = ['actions', name]
    if (action.type === 'kill' && action.path === undefined && !kills)
      return [
        {
          path,
          problem: `actions.${name}: no flag file is known that it could write the kill to.`,
          mend: 'Write `path` here, or `kill: {path: deploy/flags.json}` in aigate.yaml.',
        },
      ]
    if (action.type !== 'rollback') return []
    try {
      chosenPlanes({ env: action.env, components: action.components, planes: planesOf(action.env) })
      return []
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      return [{ path, problem: `actions.${name} cannot go back: ${error.message}`, mend: error.mend }]
    }
  })
}

/** Counters know neither segments nor variants nor the names of models. */
function counterProblems({ source, triggers, breakers }: GuardPlan): GuardProblem[] {
  if (source.type !== 'prometheus') return []
  const mend = 'Use a source that reads events: jsonl, otlp or command.'
  const says = (path: (string | number)[], what: string): GuardProblem => ({
    path,
    problem: `${what} needs events, and a source of type ${source.type} has counters only.`,
    mend,
  })
  return [
    ...triggers.flatMap((one, i) => [
      ...(one.segments === undefined ? [] : [says(['triggers', i, 'segments'], `segments of trigger ${one.id}`)]),
      ...(one.changed === undefined ? [] : [says(['triggers', i, 'changed'], `changed of trigger ${one.id}`)]),
    ]),
    ...breakers.map(({ id }, i) => says(['breakers', i], `Breaker ${id}`)),
  ]
}

function referenceProblems({ reference, metrics }: GuardPlan): GuardProblem[] {
  return Object.keys(reference).flatMap((name) =>
    Object.hasOwn(metrics, name)
      ? []
      : [
          {
            path: ['reference', name],
            problem: `reference.${name}: there is no metric "${name}" under metrics.`,
            mend: 'Correct the name, or remove it.',
          },
        ],
  )
}

/** What comes may be late; what is fresh must be fresher than that. */
function sourceProblems({ source }: GuardPlan): GuardProblem[] {
  if (source.freshness > source.lateness) return []
  const problem = 'source.freshness is not longer than source.lateness: every look would be without data.'
  return [{ path: ['source', 'freshness'], problem, mend: 'Make freshness longer than lateness.' }]
}

function idle({ triggers, breakers }: GuardPlan): GuardProblem[] {
  if (triggers.length > 0 || breakers.length > 0) return []
  return [{ path: [], problem: 'The guard watches for nothing.', mend: 'Write triggers or breakers.' }]
}
