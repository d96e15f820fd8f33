// The calls that the ladder saved are said where totals are: in the table, in Markdown, and only where there are any.
import { describe, expect, it } from 'vitest'
import { report, suiteReport } from '../../fixtures/report/sample.ts'
import { written } from './report-testing.ts'

const rendered = (name: 'table' | 'markdown', saved_calls?: number) => {
  const { verdict, run, ...rest } = suiteReport()
  const ladder = { ...run, trials: { min: 1, max: 3 } }
  const one = { ...rest, run: ladder, verdict: { ...verdict, passes: 1, ...(saved_calls && { saved_calls }) } }
  return written(name, report(one), { color: false, columns: 120 })
}

describe.each(['table', 'markdown'] as const)('%s', (name) => {
  it('says what was saved', () => {
    expect(rendered(name, 134).replace(/\s+/g, ' ')).toContain('1 of 3 passes asked: 134 calls saved')
    expect(rendered(name, 1).replace(/\s+/g, ' ')).toContain('1 of 3 passes asked: 1 call saved')
  })

  it('says nothing where nothing was', () => {
    expect(rendered(name)).not.toContain('saved')
  })
})
