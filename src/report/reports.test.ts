// What each reporter promises: hostile text in every field, sizes, counts, and what each outcome says.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../fixtures/report/attacks.ts'
import { poisoned } from '../../fixtures/report/poisoned.ts'
import { caseReport, gate, regressedCase, report, samples, suiteReport } from '../../fixtures/report/sample.ts'
import { type Element, parseXml } from '../../fixtures/report/strict-xml.ts'
import type { Report } from '../schema/verdict.ts'
import { MARKDOWN_LIMIT } from './markdown.ts'
import { type ReporterName, reporterNames } from './registry.ts'
import { written } from './report-testing.ts'

const render = (name: ReporterName, of: Report, columns = 100) => written(name, of, { color: false, columns })

const commands = /^\s*::|##\[|##vso\[|##teamcity\[/im
const unseen = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]|\p{Surrogate}/u

/** What is left of Markdown when its code is taken away, as a renderer would: fences first, then spans. */
function withoutCode(text: string): string {
  const lines: string[] = []
  let fence = ''
  for (const line of text.split('\n')) {
    const [run = ''] = /^`{3,}/.exec(line) ?? []
    if (fence === '' && run) fence = run
    else if (fence !== '' && run.length >= fence.length && line.trim() === run) fence = ''
    else if (fence === '') lines.push(line)
  }
  expect(fence).toBe('')
  return lines.join('\n').replace(/(?<![`\\])(`+)(?!`)([^\n]*?[^`\n])\1(?!`)/g, 'CODE')
}

function checkMarkdown(text: string) {
  const rest = withoutCode(text)
  const tags = [...rest.matchAll(/<[^>]*>?/g)].map(([tag]) => tag)
  expect(tags.filter((tag) => !/^<(\/?details|\/?summary|\/?sub|br)>$/.test(tag))).toEqual([])
  expect(rest).not.toMatch(/@[\p{L}\p{N}_]|(?<!&)#\d|:\/\/|\bwww\.|(?<!\\)[[\]]|(?<![\\])`/iu)
  for (const row of rest.split('\n').filter((line) => line.startsWith('|')))
    expect(row.split('|').length).toBeOneOf([10, 6])
  expect(rest.match(/<details>/g)?.length).toBe(rest.match(/<\/details>/g)?.length)
  expect(text.length).toBeLessThanOrEqual(MARKDOWN_LIMIT)
  expect(text).not.toMatch(commands)
  expect(text).not.toMatch(unseen)
}

function checkTable(text: string) {
  expect(text).not.toMatch(commands)
  expect(text).not.toMatch(unseen)
  expect(text.length).toBeLessThan(50_000)
}

function checkJunit(text: string): Element {
  const root = parseXml(text)
  expect(text).not.toMatch(commands)
  const suites = root.children
  const all = suites.flatMap((suite) => suite.children)
  const having = (tests: Element[], element: string) =>
    tests.filter(({ children }) => children.some(({ name }) => name === element)).length
  for (const [counted, tests] of [[root, all] as const, ...suites.map((suite) => [suite, suite.children] as const)]) {
    expect(counted.attributes.tests).toBe(String(tests.length))
    expect(counted.attributes.failures).toBe(String(having(tests, 'failure')))
    expect(counted.attributes.errors).toBe(String(having(tests, 'error')))
  }
  const names = all.map(({ attributes }) => `${attributes.classname}\n${attributes.name}`)
  expect(new Set(names).size).toBe(names.length)
  for (const { attributes } of all) expect(attributes.time).toMatch(/^\d+(\.\d{1,3})?$/)
  return root
}

/** Whole JSON that no terminal and no CI obeys, of a size that is not decided by a stranger. */
function checkJson(text: string) {
  expect(() => JSON.parse(text)).not.toThrow()
  expect(text).not.toMatch(commands)
  expect(text).not.toMatch(unseen)
  expect(text.length).toBeLessThan(200_000)
}

describe.each(Object.entries(attacks))('%s', (_, text) => {
  const bad = poisoned(text)
  it('does nothing in a table', () => {
    checkTable(render('table', bad))
    checkTable(render('table', bad, 40))
  })
  it('does nothing in XML', () => {
    checkJunit(render('junit', bad))
    checkJunit(render('junit-strict', bad))
  })
  it('does nothing in JSON for a CI', () => {
    checkJson(render('ctrf', bad))
    checkJson(render('codequality', bad))
  })
  it('does nothing in HTML', () => {
    const page = render('html', bad)
    const root = parseXml(page.replace('<!doctype html>\n', ''))
    expect(root.children.map(({ name }) => name)).toEqual(['head', 'body'])
    expect(page.match(/<script/g)).toHaveLength(1)
    expect(page).not.toMatch(/<(?:img|iframe|object|embed|link|form|base)\b/)
    expect(page).not.toMatch(commands)
    expect(page).not.toMatch(unseen)
    expect(page.length).toBeLessThan(500_000)
  })
  it('commands no CI runner, whichever reporter writes it', () => {
    for (const name of reporterNames) expect(render(name, bad)).not.toMatch(/^\s*::|##\[|##vso\[|##teamcity\[/im)
  })
  it('does nothing in Markdown', () => checkMarkdown(render('markdown', bad)))
  it('comes back from JSON, but moves no terminal', () => {
    const found = render('json', bad)
    expect(JSON.parse(found)).toEqual(bad)
    expect(found).not.toMatch(commands)
    expect(found).not.toMatch(unseen)
  })
})

it('arbitrary text does nothing anywhere', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '::',
      '##[',
      '|',
      '`',
      '```',
      '\\',
      '<b>',
      '&',
      ']]>',
      '\n',
      '@a',
      '#1',
      '[x](y)',
      '\ud800',
      '\u001b[',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 10 }), (parts) => {
      const bad = poisoned(parts.join(''))
      checkTable(render('table', bad))
      checkJunit(render('junit', bad))
      checkMarkdown(render('markdown', bad))
      checkJson(render('ctrf', bad))
      checkJson(render('codequality', bad))
    }),
    { numRuns: 300 },
  )
})

describe('JUnit', () => {
  const testsOf = (of: Report) => checkJunit(render('junit', of)).children.flatMap(({ children }) => children)
  const named = (of: Report, name: string) => testsOf(of).find(({ attributes }) => attributes.name === name)
  const trouble = (element: Element | undefined) => element?.children.find(({ name }) => name !== 'system-out')

  it('a regressed case is a failure with its reasons and answers, in its category', () => {
    const test = named(samples.fail, 'tc_003')
    expect(test?.attributes).toMatchObject({
      classname: 'support.refunds',
      file: 'evals/support.suite.yaml',
      time: '0.812',
    })
    expect(trouble(test)).toMatchObject({
      name: 'failure',
      attributes: { type: 'regressed', message: expect.stringContaining('competitor') },
    })
    expect(trouble(test)?.text).toContain('We refund the full price')
    expect(trouble(test)?.text).toContain('patience')
  })
  it('what was not measured is an error, never a failure', () => {
    expect(trouble(named(samples.invalid, 'tc_004'))).toMatchObject({
      name: 'error',
      attributes: { type: 'not_measured' },
    })
    expect(render('junit', samples.invalid)).not.toContain('<failure')
  })
  it('improved, unchanged and passing cases are none', () => {
    expect(trouble(named(samples.fail, 'tc_011'))).toBeUndefined()
    expect(trouble(named(samples['no-baseline'], 'tc_001'))).toBeUndefined()
  })
  it('a new case fails when most of its trials did; a removed one is not there', () => {
    const cases = [
      caseReport({ id: 'new', status: 'added', passes: 1, trials: 3 }),
      caseReport({ id: 'mostly', status: 'changed', passes: 2, trials: 3 }),
      caseReport({ id: 'gone', status: 'removed', passes: 0, trials: 0 }),
    ]
    const of = report(suiteReport({ cases }))
    expect(trouble(named(of, 'new'))?.name).toBe('failure')
    expect(trouble(named(of, 'mostly'))).toBeUndefined()
    expect(named(of, 'gone')).toBeUndefined()
  })
  it('a gate that decides and fails is a failure; one that is shown only is not there', () => {
    expect(trouble(named(samples.fail, 'regression/refunds'))).toMatchObject({
      name: 'failure',
      attributes: { type: 'fail' },
    })
    expect(named(samples.fail, 'floor')).toBeUndefined()
    expect(trouble(named(samples.invalid, 'coverage'))?.name).toBe('error')
  })
  it('an undecided gate fails only where the suite is not let through', () => {
    expect(trouble(named(samples.inconclusive, 'regression'))?.attributes.type).toBe('inconclusive')
    const [suite] = samples.inconclusive.suites
    const passed = report({ ...suite!, verdict: { ...suite!.verdict, outcome: 'pass' } })
    expect(trouble(named(passed, 'regression'))).toBeUndefined()
  })
  it('a suite that is not let through is never all green', () => {
    const verdict = {
      ...suiteReport().verdict,
      outcome: 'invalid' as const,
      measured: 'invalid' as const,
      gates: [],
      reasons: ['no key'],
    }
    expect(trouble(named(report(suiteReport({ verdict, cases: [] })), 'verdict'))).toMatchObject({
      name: 'error',
      attributes: { message: 'no key' },
    })
  })
})

describe('table', () => {
  const many = (status: 'regressed' | 'not_measured', n: number) =>
    Array.from({ length: n }, (_, at) => regressedCase({ id: `tc_${at}`, status }))

  it('shows ten cases of a group and counts the others', () => {
    const text = render('table', report(suiteReport({ cases: many('regressed', 24) })))
    expect(text).toContain('Regressed (24 cases)')
    expect(text).toContain('✗ tc_9 ')
    expect(text).not.toContain('✗ tc_10 ')
    expect(text).toContain('and 14 more (see the JSON report)')
  })
  it('counts critical cases that hold', () => {
    const held = Array.from({ length: 5 }, (_, at) =>
      gate({ id: `critical/c${at}`, kind: 'critical', unit: 'cases', estimate: 0 }),
    )
    const text = render(
      'table',
      report(suiteReport({ verdict: { ...suiteReport().verdict, gates: [gate(), ...held] } })),
    )
    expect(text).toContain('5 critical cases hold')
    expect(text).not.toContain('critical/c1')
  })
  it.each([
    ['pass', /✓ PASS {2}Not worse/, /aigate report 20261121-072957-support/],
    ['fail', /✗ FAIL {2}Worse/, /aigate baseline accept 20261121-072957-support --reason/],
    ['inconclusive', /\? INCONCLUSIVE {2}Not enough/, /About 2 more trials of each case/],
    ['invalid', /! NOT MEASURED {2}Only/, /aigate eval support/],
    ['no-baseline', /no baseline: only the absolute limits are judged/, /aigate baseline record support/],
  ] as const)('%s says its verdict and what to do', (name, verdict, next) => {
    const text = render('table', samples[name])
    expect(text).toMatch(verdict)
    expect(text.slice(text.indexOf('next '))).toMatch(next)
  })
  it('says when on_inconclusive decided', () => {
    expect(render('table', samples.several)).toContain('(inconclusive, taken as pass by on_inconclusive)')
  })
  it('never suggests a command with text that a shell would run', () => {
    const base = suiteReport()
    const text = render('table', report({ ...base, run: { ...base.run, id: 'x; rm -rf ~' } }))
    expect(text).toContain('aigate report <run>')
  })
})

describe('Markdown', () => {
  it('keeps its limit and counts what it leaves out', () => {
    const cases = Array.from({ length: 500 }, (_, at) => regressedCase({ id: `tc_${at}`, after: 'x'.repeat(5000) }))
    const text = render('markdown', report(suiteReport({ cases })))
    expect(text.length).toBeLessThanOrEqual(MARKDOWN_LIMIT)
    const shown = text.match(/<details>/g)?.length ?? 0
    expect(shown).toBeGreaterThan(10)
    expect(text).toContain(`${500 - shown} cases left out for length`)
    expect(text.length).toBeGreaterThan(MARKDOWN_LIMIT * 0.9)
  })
  it('keeps its limit with very many suites, and counts them', () => {
    const suites = Array.from({ length: 300 }, (_, at) => suiteReport({ suite: `s${at}`, cases: [regressedCase()] }))
    const text = render('markdown', report(...suites))
    expect(text.length).toBeLessThanOrEqual(MARKDOWN_LIMIT)
    const shown = text.match(/^## /gm)?.length ?? 0
    expect(text).toContain(`${300 - shown} suites left out for length`)
  })
  it('keeps both verdict and next step of every suite that it shows', () => {
    const text = render('markdown', samples.several)
    expect(text.match(/^\*\*Next:\*\*/gm)).toHaveLength(3)
  })
})

it('JSON has the key order of the schema, whatever the order of the report', () => {
  const turned = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(turned)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, inner]) => [key, turned(inner)]),
          )
        : value
  const one = {
    ...samples.fail,
    suites: samples.fail.suites.map((suite) => ({ ...suite, totals: { ...suite.totals, errors: { timeout: 1 } } })),
  }
  expect(render('json', turned(one) as Report)).toBe(render('json', one))
  expect(render('json', one).endsWith('}\n')).toBe(true)
})
