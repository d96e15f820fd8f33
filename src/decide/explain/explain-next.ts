// What to do after a verdict, the most useful first: sentences, and commands that can be pasted.
import type { Explanation } from '../../schema/explanation.ts'
import type { SuiteReport } from '../../schema/verdict.ts'

/** A word of a command line that may be pasted into a shell: anything unusual is left for the reader to fill in. */
const word = (text: string, otherwise: string) => (/^\w[\w./:@-]*$/.test(text) ? text : otherwise)

/** The steps after the verdict of a suite; always at least one. */
export function nextOf({ suite, run, baseline, target, verdict, totals }: SuiteReport): Explanation['next'] {
  const id = word(run.id, '<run>')
  const name = word(suite, '<suite>')
  const { measured, outcome, gates } = verdict
  const steps: Explanation['next'] = []
  const step = (say: string, command: string | null = null) => void steps.push({ say, command })
  const imported = target.kind === 'results'
  const failed = gates.filter((gate) => gate.decides && gate.outcome === 'fail')
  // Harm is no state that later changes should be compared with.
  const harm = failed.some(({ kind }) => kind === 'harmful')
  if (measured === 'invalid') {
    const [kind] = Object.entries(totals.errors).sort(([, a], [, b]) => b - a)[0] ?? []
    step(
      `mend what kept it from being measured${kind ? ` (most often: ${kind})` : ''} and run it again`,
      imported ? `aigate eval ${name} --results <results>` : `aigate eval ${name}`,
    )
  }
  if (measured === 'inconclusive') {
    const needs = gates.flatMap((gate) =>
      gate.decides && gate.outcome === measured && gate.needed ? [gate.needed] : [],
    )
    for (const need of new Set(needs)) step(need)
  }
  if (baseline === null && measured !== 'invalid' && !run.partial && !harm) {
    const command = imported ? `aigate baseline accept ${id} --reason "why"` : `aigate baseline record ${name}`
    step('record a baseline, so that the next change is compared', command)
  }
  if (failed.length > 0) {
    step('read the answers before and after', `aigate report ${id} --reporter html:report.html`)
  }
  if (
    outcome === 'fail' &&
    baseline !== null &&
    !harm &&
    failed.some(({ kind }) => kind === 'regression' || kind === 'critical')
  ) {
    step('if this change is meant, accept it', `aigate baseline accept ${id} --reason "why"`)
  }
  if (steps.length === 0) step('nothing: this change may go on')
  return steps
}
