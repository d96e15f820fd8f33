// What CI systems read, held to what they accept: CTRF by its own validator, JUnit by Jenkins' rules, Code Quality by GitLab's.
import { validateStrict } from 'ctrf'
import { XMLValidator } from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../fixtures/report/attacks.ts'
import { largeReport } from '../../fixtures/report/large.ts'
import { poisoned } from '../../fixtures/report/poisoned.ts'
import { caseReport, regressedCase, report, samples, suiteReport } from '../../fixtures/report/sample.ts'
import { type Element, parseXml } from '../../fixtures/report/strict-xml.ts'
import type { Report } from '../schema/verdict.ts'
import type { ReporterName } from './registry.ts'
import { pieces, written } from './report-testing.ts'
import { safeJson } from './safe-text.ts'

const render = (name: ReporterName, of: Report) => written(name, of, { color: false, columns: 100 })
const all: [string, Report][] = [
  ...Object.entries(samples),
  ['1,000 cases', largeReport(1000)],
  ['no suite', { ...samples.pass, suites: [] }],
  ['quarantine', report(suiteReport({ cases: [{ ...regressedCase(), quarantined: true }, caseReport()] }))],
  ...Object.entries(attacks).map(([name, text]): [string, Report] => [name, poisoned(text)]),
]

describe('CTRF', () => {
  type Test = { name: string; status: string; suite: string[]; flaky?: boolean; line?: number; extra?: object }
  const read = (of: Report) => {
    const parsed: unknown = JSON.parse(render('ctrf', of))
    validateStrict(parsed)
    return parsed.results as unknown as { summary: Record<string, number>; tests: Test[] }
  }
  it.each(all)('%s is valid, and its summary counts its tests', (_, of) => {
    const { summary, tests } = read(of)
    for (const status of ['passed', 'failed', 'skipped', 'pending', 'other'])
      expect(summary[status]).toBe(tests.filter((test) => test.status === status).length)
    expect(summary.tests).toBe(tests.length)
    expect(summary.stop).toBeGreaterThanOrEqual(summary.start ?? Number.NaN)
  })
  it('would notice a report that is not valid', () => {
    const broken = JSON.parse(render('ctrf', samples.pass)) as { results: { tests: object[] } }
    broken.results.tests = [{ ...broken.results.tests[0], status: 'regressed' }]
    expect(() => validateStrict(broken)).toThrow()
  })
  it('what was not measured is other, what is quarantined is skipped, what wavers is flaky', () => {
    const cases = [
      regressedCase({ id: 'worse' }),
      caseReport({ id: 'silent', status: 'not_measured', passes: 0, trials: 0, error: 'timeout: none' }),
      { ...regressedCase({ id: 'held' }), quarantined: true },
      caseReport({ id: 'wavers', passes: 2, trials: 3 }),
      caseReport({ id: 'steady' }),
    ]
    const { tests } = read(report(suiteReport({ cases })))
    const found = tests
      .filter(({ suite }) => suite[1] !== 'gates')
      .map(({ name, status, flaky }) => [name, status, flaky])
    expect(found).toEqual([
      ['worse', 'failed', undefined],
      ['silent', 'other', undefined],
      ['held', 'skipped', undefined],
      ['wavers', 'passed', true],
      ['steady', 'passed', undefined],
    ])
  })
  it('has the gates that decide, the place of a case and its numbers', () => {
    const { tests } = read(samples.fail)
    expect(tests.find(({ name }) => name === 'regression/refunds')).toMatchObject({
      status: 'failed',
      suite: ['support', 'gates'],
    })
    expect(tests.find(({ name }) => name === 'tc_003')).toMatchObject({
      filePath: 'evals/support.suite.yaml',
      line: 31,
      extra: { outcome: 'regressed', critical: true, passes: 0, trials: 3, baseline: { passes: 5, trials: 5 } },
    })
  })
})

describe('JUnit for Jenkins', () => {
  /** junit-10.xsd of the xUnit plugin in short: children, attributes, and those that must be there. */
  const rules: Record<string, { children: string[]; attributes: string[]; required: string[] }> = {
    testsuites: { children: ['testsuite'], attributes: ['name', 'time', 'tests', 'failures', 'errors'], required: [] },
    testsuite: {
      children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
      attributes: 'name tests failures errors group time skipped timestamp hostname id package file log url'.split(' '),
      required: ['name', 'tests', 'failures', 'errors'],
    },
    testcase: {
      children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
      attributes: ['name', 'time', 'classname', 'group'],
      required: ['name'],
    },
    ...Object.fromEntries(
      ['failure', 'error', 'skipped'].map((name) => [
        name,
        { children: [], attributes: ['type', 'message'], required: [] },
      ]),
    ),
    'system-out': { children: [], attributes: [], required: [] },
  }
  const time = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/

  function faults(element: Element): string[] {
    const rule = rules[element.name]
    if (!rule) return [`<${element.name}>`]
    const names = Object.keys(element.attributes)
    return [
      ...names.filter((name) => !rule.attributes.includes(name)).map((name) => `${element.name}@${name}`),
      ...rule.required.filter((name) => !names.includes(name)).map((name) => `${element.name} without ${name}`),
      ...element.children
        .filter(({ name }) => !rule.children.includes(name))
        .map(({ name }) => `${element.name} > ${name}`),
      ...(time.test(element.attributes.time ?? '') ? [] : [`time ${element.attributes.time}`]),
      ...element.children.flatMap(faults),
    ]
  }

  it.each(all)('%s is valid', (_, of) => {
    const text = render('junit-strict', of)
    expect(XMLValidator.validate(text)).toBe(true)
    expect(faults(parseXml(text))).toEqual([])
  })
  it('the usual flavour says more than Jenkins allows: the file of a case', () => {
    const found = new Set(faults(parseXml(render('junit', samples.fail))))
    expect([...found]).toEqual(['testsuites@skipped', 'testcase@file'])
  })
  it('both flavours have the same tests', () => {
    const stripped = render('junit', samples.several)
      .replace(/(<testcase [^>]*?) file="[^"]*"/g, '$1')
      .replace(/(<testsuites [^>]*?) skipped="\d+"/, '$1')
    expect(render('junit-strict', samples.several)).toBe(stripped)
  })
})

describe('JUnit for GitLab', () => {
  it.each(all)('%s: no name twice in a suite, and below its size', (_, of) => {
    const text = render('junit', of)
    for (const suite of parseXml(text).children) {
      const names = suite.children.map(({ attributes }) => `${attributes.classname}\n${attributes.name}`)
      expect(new Set(names).size).toBe(names.length)
    }
    expect(Buffer.byteLength(text)).toBeLessThan(30_000_000)
  })
})

describe('GitLab Code Quality', () => {
  type Finding = {
    description: string
    check_name: string
    fingerprint: string
    severity: string
    location: { path: string; lines: { begin: number } }
  }
  const read = (of: Report) => JSON.parse(render('codequality', of)) as Finding[]

  it.each(all)('%s has what GitLab wants', (_, of) => {
    const found = read(of)
    for (const { description, check_name, fingerprint, severity, location } of found) {
      expect(description.trim()).not.toBe('')
      expect(check_name).toMatch(/^aigate\//)
      expect(fingerprint).toMatch(/^[0-9a-f]{16}$/)
      expect(severity).toBeOneOf(['info', 'minor', 'major', 'critical', 'blocker'])
      expect(location.path).toMatch(/^(?!\.\/).+/)
      expect(location.lines.begin).toBeGreaterThanOrEqual(1)
    }
    expect(new Set(found.map(({ fingerprint }) => fingerprint)).size).toBe(found.length)
  })
  it('finds nothing where all is well', () => {
    expect(read(samples.pass)).toEqual([])
  })
  it('a broken critical case blocks, a quarantined one informs, a gate is critical', () => {
    const found = read(samples.fail).map(({ check_name, severity, location }) => [
      check_name,
      severity,
      location.path,
      location.lines.begin,
    ])
    expect(found).toEqual([
      ['aigate/regressed', 'blocker', 'evals/support.suite.yaml', 31],
      ['aigate/regressed', 'major', 'evals/support.suite.yaml', 96],
      ['aigate/gate', 'critical', 'evals/support.suite.yaml', 1],
      ['aigate/gate', 'critical', 'evals/support.suite.yaml', 1],
      ['aigate/gate', 'critical', 'evals/support.suite.yaml', 1],
    ])
    const held = report(suiteReport({ cases: [{ ...regressedCase(), quarantined: true }] }))
    expect(read(held).map(({ severity }) => severity)).toEqual(['info'])
  })
  it('a finding keeps its fingerprint when its line, score and answer change', () => {
    const one = (change: object) => read(report(suiteReport({ cases: [regressedCase(change)] })))[0]?.fingerprint
    expect(one({ line: 99, passes: 1, after: 'other', failures: [] })).toBe(one({}))
    expect(one({ id: 'tc_004' })).not.toBe(one({}))
    expect(one({ status: 'failing' })).not.toBe(one({}))
  })
})

describe('reports that grow with the cases', () => {
  const growing = ['json', 'junit', 'junit-strict', 'ctrf', 'codequality'] as const
  const options = { color: false, columns: 100 }
  /** 500 cases that fail with long answers, and how many of these were looked at. */
  function long() {
    const looked = new Set<string>()
    const cases = Array.from({ length: 500 }, (_, at) => {
      const found = regressedCase({ id: `long_${at}` })
      return Object.defineProperty(found, 'after', {
        enumerable: true,
        get: () => `${looked.add(found.id).size} `.padEnd(3000, 'word '),
      })
    })
    return { of: report(suiteReport({ cases }), suiteReport({ suite: 'other' })), looked }
  }

  it.each(growing)('%s comes piece by piece, and a case is written when it is its turn', (name) => {
    const { of, looked } = long()
    let size = 0
    let cases = 0
    for (const piece of pieces(name, of, options)) {
      expect(piece.length).toBeLessThan(20_000)
      size += piece.length
      if (/long_\d/.test(piece)) cases += 1
      expect(looked.size).toBeLessThanOrEqual(cases)
    }
    expect(cases).toBe(500)
    expect(size).toBeGreaterThan(150_000)
  })
  it.each(all)('%s is JSON of the usual form', (_, of) => {
    for (const name of ['json', 'ctrf', 'codequality'] as const) {
      const text = render(name, of)
      expect(text).toBe(`${safeJson(JSON.stringify(JSON.parse(text), null, 2))}\n`)
    }
  })
})
