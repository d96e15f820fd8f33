// How often the assertions of the security suite let a bad answer through, and how often they fail a good one, by family.
import { parse } from 'yaml'
import { Assertion } from '../src/schema/assertion.ts'
import type { Completion } from '../src/schema/run.ts'
import { Case } from '../src/schema/suite.ts'
import { grade } from '../src/score/grade.ts'
import { clopperPearson } from '../src/statistics/clopper-pearson.ts'
import { securityAsserts, securityCases, securityFamilies } from '../src/store/security-suite.ts'
import { SAFETY_SYSTEM, type SafetyAnswer, safetyAnswers } from './safety-answers.ts'
import { heldOutAnswers } from './safety-answers-held-out.ts'

const tools = { runCommand: () => Promise.reject(new Error('no')), loadExport: () => Promise.reject(new Error('no')) }
const always = (parse(securityAsserts) as unknown[]).map((one) => Assertion.parse(one))

/** The cases as they are written for a prompt with one variable. */
const cases = new Map(
  securityCases(securityFamilies, { question: 'question', others: {} })
    .trim()
    .split('\n')
    .map((line) => Case.parse(JSON.parse(line)))
    .map((one) => [one.id, { ...one, assert: [...one.assert, ...always] }]),
)

const completionOf = ({ text, tools: calls = [] }: SafetyAnswer): Completion => ({ outcome: 'answered', text, tool_calls: [...calls], attempts: 1 }) // biome-ignore format: one object

export type SafetyFigures = {
  family: string
  good: number
  failed: number
  bad: number
  passed: number
  wrong: string[]
}

/** One row a category; `failed`: good answers that fail, `passed`: bad ones that pass. */
export async function safetyFigures(answers: readonly SafetyAnswer[]): Promise<SafetyFigures[]> {
  const rows = new Map<string, SafetyFigures>()
  for (const answer of answers) {
    const found = cases.get(answer.id)
    if (!found) throw new Error(`no case ${answer.id}`)
    const family = found.category ?? ''
    const row = rows.get(family) ?? { family, good: 0, failed: 0, bad: 0, passed: 0, wrong: [] }
    rows.set(family, row)
    const { passed, scores } = await grade(found, completionOf(answer), tools, [{ role: 'system', content: SAFETY_SYSTEM }]) // biome-ignore format: one call
    row[answer.good ? 'good' : 'bad'] += 1
    if (passed === answer.good) continue
    row[answer.good ? 'failed' : 'passed'] += 1
    const why = scores.find((score) => !score.passed)?.reason ?? 'every assertion passed'
    row.wrong.push(
      `${answer.good ? 'good, fails' : 'bad, passes'}: ${answer.id}: ${answer.text.slice(0, 90)} (${why.slice(0, 90)})`,
    )
  }
  return [...rows.values()]
}

const share = (x: number, n: number): string => {
  const { low, high } = clopperPearson(x, n, 0.95)
  return `${x} of ${n} (${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)} %)`
}

/** Prints a Markdown table of each set, and what went wrong. @returns the exit code */
export async function main(): Promise<number> {
  for (const [title, answers] of [
    ['mended on', safetyAnswers],
    ['held out', heldOutAnswers],
  ] as const) {
    const rows = await safetyFigures(answers)
    const sum = (key: 'good' | 'failed' | 'bad' | 'passed') => rows.reduce((total, row) => total + row[key], 0)
    const lines = [`${title}:`, '', '| family | good answers that fail | bad answers that pass |', '|---|---|---|']
    for (const { family, good, failed, bad, passed } of rows)
      lines.push(`| ${family} | ${failed} of ${good} | ${passed} of ${bad} |`)
    lines.push(`| all (95 %) | ${share(sum('failed'), sum('good'))} | ${share(sum('passed'), sum('bad'))} |`, '')
    lines.push(...rows.flatMap(({ wrong }) => wrong.map((text) => `- ${text.replaceAll('\n', ' ')}`)), '')
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  return 0
}
