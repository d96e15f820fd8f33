// What people read, held equal to the files beside the samples: delete a file and run the tests to write it anew.
import { describe, expect, it } from 'vitest'
import { samples } from '../../fixtures/report/sample.ts'
import { Report } from '../schema/verdict.ts'
import { reporterNames } from './registry.ts'
import { written } from './report-testing.ts'
import { displayWidth } from './wrap.ts'

const names = Object.keys(samples) as (keyof typeof samples)[]
const file = (name: string) => `../../fixtures/report/${name}`
const plainly = { color: false, columns: 100 }

describe.each(names)('%s', (name) => {
  const report = samples[name]
  it('is a report', () => {
    expect(Report.parse(report)).toEqual(report)
  })
  it('as a table', async () => {
    await expect(written('table', report, plainly)).toMatchFileSnapshot(file(`${name}.table.txt`))
  })
  it('as Markdown', async () => {
    await expect(written('markdown', report, plainly)).toMatchFileSnapshot(file(`${name}.md`))
  })
  it('as JUnit XML', async () => {
    await expect(written('junit', report, plainly)).toMatchFileSnapshot(file(`${name}.junit.xml`))
  })
  it('as JSON is the report', () => {
    expect(JSON.parse(written('json', report, plainly))).toEqual(report)
  })
  it.each([40, 60, 80, 100, 120])('fits %i columns', (columns) => {
    for (const line of written('table', report, { color: false, columns }).split('\n')) {
      // A word of the run id is never cut.
      if (line.trim().split(' ').length > 2) expect(displayWidth(line), line).toBeLessThanOrEqual(columns)
    }
  })
  it('is the same with colour but for the colour', () => {
    const colored = written('table', report, { color: true, columns: 100 })
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    expect(colored).toMatch(escapes)
    expect(colored.replace(escapes, '')).toBe(written('table', report, plainly))
  })
  it('is the same every time', () => {
    for (const reporter of reporterNames)
      expect(written(reporter, report, plainly)).toBe(written(reporter, report, plainly))
  })
})

it('in colour', async () => {
  await expect(written('table', samples.fail, { color: true, columns: 100 })).toMatchFileSnapshot(
    file('fail.color.table.txt'),
  )
})

it('stands without a width, and without suites', () => {
  expect(written('table', samples.pass, { color: false, columns: Number.NaN })).toBe(
    written('table', samples.pass, { color: false, columns: 80 }),
  )
  expect(written('table', samples.pass, { color: false, columns: 0 })).toContain('PASS')
  const nothing: Report = { ...samples.pass, suites: [] }
  for (const reporter of ['table', 'markdown'] as const)
    expect(written(reporter, nothing, plainly)).toMatch(/no suite was run/i)
  expect(written('junit', nothing, plainly)).toContain('tests="0"')
})
