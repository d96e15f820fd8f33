// Quarantined cases in every report: marked, listed with their passes, no failure of a pipeline, and disarmed.
import { describe, expect, it } from 'vitest'
import { attacks } from '../../fixtures/report/attacks.ts'
import { caseReport, regressedCase, report, suiteReport } from '../../fixtures/report/sample.ts'
import { parseXml } from '../../fixtures/report/strict-xml.ts'
import type { CaseReport } from '../schema/verdict.ts'
import type { ReporterName } from './registry.ts'
import { written } from './report-testing.ts'

const render = (name: ReporterName, cases: CaseReport[], columns = 100) =>
  written(name, report(suiteReport({ cases })), { color: false, columns })
const held = (id: string) => [
  { ...regressedCase(), id, quarantined: true },
  caseReport({ id: 'steady', status: 'unchanged', quarantined: true, passes: 2, trials: 3 }),
]

describe('quarantined cases', () => {
  it('are marked where they are shown, and all of them are listed', () => {
    const { passes, trials } = regressedCase()
    for (const name of ['table', 'markdown'] as const) {
      const text = render(name, held('shaky'))
      expect(text).toMatch(/shaky.*\(quarantined\)/)
      expect(text).toContain('Quarantined, run but not counted (2)')
      expect(text).toMatch(new RegExp(`not counted \\(2\\)[^]*shaky ${passes}/${trials}[^]*steady 2/3`))
      expect(render(name, [regressedCase()])).not.toMatch(/quarantined/i)
    }
  })

  it('are skipped in JUnit: they fail no pipeline', () => {
    const xml = render('junit', held('shaky'))
    expect(xml).toMatch(/<skipped message="quarantined: regressed, /)
    expect(xml).not.toMatch(/<failure/)
    expect(xml).toMatch(/<testsuites [^>]*failures="0" errors="0" skipped="2"/)
    expect(render('junit', [regressedCase()])).toMatch(/<failure/)
  })

  it('are listed up to a number, and never wider than the terminal', () => {
    const many = Array.from({ length: 40 }, (_, i) => caseReport({ id: `case_${i}`, quarantined: true }))
    expect(render('table', many)).toContain('and 30 more (see the JSON report)')
    for (const line of render('table', many, 60).split('\n')) expect(line.length).toBeLessThanOrEqual(60)
  })

  it.each(Object.values(attacks))('%j in an id does nothing', (text) => {
    expect(() => parseXml(render('junit', held(text)))).not.toThrow()
    const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/ // oxlint-disable-line no-control-regex
    expect(render('table', held(text))).not.toMatch(control)
    expect(render('markdown', held(text))).not.toMatch(/^\s*::|##\[/im)
  })
})
