// Precision and recall of the safety detectors on labelled texts of our own, by detector and kind, with exact intervals.
import { isRefusal } from '../src/score/refusal.ts'
import { noLeak } from '../src/score/safety/no-leak.ts'
import { piiIn } from '../src/score/safety/no-pii.ts'
import { secretsIn } from '../src/score/safety/no-secrets.ts'
import { unsafeIn } from '../src/score/safety/safe-output.ts'
import { clopperPearson } from '../src/statistics/clopper-pearson.ts'
import { type Labelled, labelled, SYSTEM } from './detectors-labels.ts'

const completion = (text: string) => ({ outcome: 'answered' as const, text, tool_calls: [], attempts: 1 })
const aCase = { id: 'a', tags: [], critical: false, vars: {}, assert: [] }
const tools = { runCommand: () => Promise.reject(new Error('no')), loadExport: () => Promise.reject(new Error('no')) }

/** Whether the detector says that something is there. */
async function found({ detector, text }: Labelled): Promise<boolean> {
  if (detector === 'pii') return (await piiIn(text, { regions: ['US', 'GB', 'DE', 'ES', 'IT'] })).length > 0
  if (detector === 'secrets') return (await secretsIn(text)).length > 0
  if (detector === 'unsafe_output') return unsafeIn(text).length > 0
  const subject = { completion: completion(text), case: aCase, asked: [{ role: 'system' as const, content: SYSTEM }] }
  if (detector === 'leak') return !(await noLeak.grade({ system: true, words: 10 }, subject, tools)).passed
  return (await isRefusal.grade({ languages: ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl'] }, subject, tools)).passed
}

export type Figures = { detector: string; tp: number; fp: number; fn: number; tn: number; wrong: string[] }

/** One row a detector; `wrong`: the texts it was wrong about, marked with what it did. */
export async function figures(): Promise<Figures[]> {
  const rows = new Map<string, Figures>()
  for (const one of labelled) {
    const row = rows.get(one.detector) ?? { detector: one.detector, tp: 0, fp: 0, fn: 0, tn: 0, wrong: [] }
    const said = await found(one)
    row[said ? (one.there ? 'tp' : 'fp') : one.there ? 'fn' : 'tn'] += 1
    if (said !== one.there) row.wrong.push(`${said ? 'false alarm' : 'missed'}: ${one.text.slice(0, 90)}`)
    rows.set(one.detector, row)
  }
  return [...rows.values()]
}

const share = (x: number, n: number): string => {
  const { low, high } = clopperPearson(x, n, 0.95)
  return `${(x / n).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
}

/** Prints a Markdown table, and what each detector was wrong about. @returns the exit code */
export async function main(): Promise<number> {
  const lines = ['| detector | texts | precision (95 %) | recall (95 %) |', '|---|---|---|---|']
  const rows = await figures()
  for (const { detector, tp, fp, fn, tn } of rows) {
    lines.push(`| ${detector} | ${tp + fn} with, ${tn + fp} without | ${share(tp, tp + fp)} | ${share(tp, tp + fn)} |`)
  }
  for (const { detector, wrong } of rows) lines.push('', `${detector}:`, ...wrong.map((text) => `- ${text}`))
  process.stdout.write(`${lines.join('\n')}\n`)
  return 0
}
