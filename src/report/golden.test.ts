// What people read, held equal to the files beside the samples: delete a file and run the tests to write it anew.
import { describe, expect, it } from 'vitest'
import { samples } from '../../fixtures/report/sample.ts'
import { Report } from '../schema/verdict.ts'
import { reporterNames, reporters } from './registry.ts'
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
    await expect(reporters.table(report, plainly)).toMatchFileSnapshot(file(`${name}.table.txt`))
  })
  it('as Markdown', async () => {
    await expect(reporters.markdown(report, plainly)).toMatchFileSnapshot(file(`${name}.md`))
  })
  it('as JUnit XML', async () => {
    await expect(reporters.junit(report, plainly)).toMatchFileSnapshot(file(`${name}.junit.xml`))
  })
  it('as JSON is the report', () => {
    expect(JSON.parse(reporters.json(report, plainly))).toEqual(report)
  })
  it.each([40, 60, 80, 100, 120])('fits %i columns', (columns) => {
    for (const line of reporters.table(report, { color: false, columns }).split('\n')) {
      // A word of the run id is never cut.
      if (line.trim().split(' ').length > 2) expect(displayWidth(line), line).toBeLessThanOrEqual(columns)
    }
  })
  it('is the same with colour but for the colour', () => {
    const colored = reporters.table(report, { color: true, columns: 100 })
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    expect(colored).toMatch(escapes)
    expect(colored.replace(escapes, '')).toBe(reporters.table(report, plainly))
  })
  it('is the same every time', () => {
    for (const reporter of reporterNames)
      expect(reporters[reporter](report, plainly)).toBe(reporters[reporter](report, plainly))
  })
})

it('in colour', async () => {
  await expect(reporters.table(samples.fail, { color: true, columns: 100 })).toMatchFileSnapshot(
    file('fail.color.table.txt'),
  )
})

it('stands without a width, and without suites', () => {
  expect(reporters.table(samples.pass, { color: false, columns: Number.NaN })).toBe(
    reporters.table(samples.pass, { color: false, columns: 80 }),
  )
  expect(reporters.table(samples.pass, { color: false, columns: 0 })).toContain('PASS')
  const nothing: Report = { ...samples.pass, suites: [] }
  for (const reporter of ['table', 'markdown'] as const)
    expect(reporters[reporter](nothing, plainly)).toMatch(/no suite was run/i)
  expect(reporters.junit(nothing, plainly)).toContain('tests="0"')
})
