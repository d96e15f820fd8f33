// The explanation as text: golden files, every width, and hostile text in every field.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../fixtures/report/attacks.ts'
import { explanation, explanations } from '../../fixtures/report/explanations.ts'
import { ExplanationReport } from '../schema/explanation.ts'
import { explainText } from './explain.ts'
import { displayWidth } from './wrap.ts'

const plainly = { color: false, columns: 100 }

describe.each(Object.keys(explanations) as (keyof typeof explanations)[])('%s', (name) => {
  const found = explanations[name]
  it('is what it was', async () => {
    expect(ExplanationReport.parse(found)).toEqual(found)
    await expect(explainText(found, plainly)).toMatchFileSnapshot(`../../fixtures/report/${name}.explain.txt`)
  })
  it.each([40, 60, 80, 120])('fits %i columns', (columns) => {
    // Commands keep a line to themselves, to be copied whole.
    const lines = explainText(found, { color: false, columns })
      .split('\n')
      .filter((line) => !line.startsWith('      aigate'))
    for (const line of lines.slice(2)) expect(displayWidth(line), line).toBeLessThanOrEqual(columns)
  })
  it('is the same with colour but for the colour', () => {
    const colored = explainText(found, { color: true, columns: 100 })
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    expect(colored).toMatch(escapes)
    expect(colored.replace(escapes, '')).toBe(explainText(found, plainly))
  })
})

it('draws without box characters where the terminal has none', () => {
  const text = explainText(explanations.blocked, { ...plainly, ascii: true })
  expect(text).toContain('-o-')
  expect(text).not.toMatch(/[├┤●┊]/)
})

/** The explanation with the text wherever a stranger's text could come. */
function poisoned(text: string): ExplanationReport {
  const gate = {
    id: text,
    outcome: 'fail' as const,
    decides: true,
    saw: text,
    needed: [{ change: 'evidence' as const, to: 'pass' as const, amount: null, sentence: text }],
  }
  const base = explanation()
  const [carrier] = base.loss!.cases
  return {
    ...explanations.blocked,
    suites: [
      {
        ...base,
        suite: text,
        suite_version: text,
        run: text,
        question: text,
        answer: text,
        causes: [gate],
        others: [gate],
        cleared: [text],
        loss: { ...base.loss!, cases: [{ ...carrier!, id: text, category: text }] },
        assertions: [{ assertion: text, trials: 1, cases: 1 }],
        units: base.units.map((unit) => ({ ...unit, category: text })),
        next: [{ say: text, command: text }],
      },
    ],
  }
}

function check(text: string) {
  for (const columns of [40, 100]) {
    const shown = explainText(poisoned(text), { color: false, columns })
    expect(shown).not.toMatch(/^\s*::|##\[|##vso\[|##teamcity\[/im)
    expect(shown).not.toMatch(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]|\p{Surrogate}/u)
    expect(shown.length).toBeLessThan(20_000)
  }
}

it.each(Object.entries(attacks))('%s does nothing', (_, text) => check(text))

it('arbitrary text does nothing', () => {
  const pieces = fc.oneof(
    fc.constantFrom('::', '##[', '\n', '\r', '\u001b[', '\u202e', '\ud800', '##vso['),
    fc.string({ unit: 'binary' }),
  )
  const text = fc.array(pieces, { maxLength: 12 }).map((found) => found.join(''))
  fc.assert(fc.property(text, check), { numRuns: 200, seed: 8 })
})
