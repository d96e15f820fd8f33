// The HTML report: well-formed, nothing in it loads or runs, whatever a model wrote, and never longer than the limit.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attacks } from '../../../fixtures/report/attacks.ts'
import {
  caseReport,
  gate,
  regressedCase,
  regression,
  report,
  samples,
  suiteReport,
} from '../../../fixtures/report/sample.ts'
import { type Element, parseXml } from '../../../fixtures/report/strict-xml.ts'
import type { Attribution, Report } from '../../schema/verdict.ts'
import { HTML_LIMIT, html } from './html.ts'
import { bytesOf } from './html-parts.ts'
import { HASHES, POLICY } from './html-policy.ts'
import { SCRIPT } from './html-script.ts'
import { STYLE } from './html-style.ts'

const render = (of: Report) => html(of, { color: false, columns: 100 })
const page = (of: Report) => {
  const text = render(of)
  expect(text).toMatch(
    /^<!doctype html>\n<html lang="en"><head><meta charset="utf-8"\/>\n<meta http-equiv="Content-Security-Policy"/,
  )
  return { text, root: parseXml(text.replace('<!doctype html>\n', '')) }
}
const all = (element: Element): Element[] => [element, ...element.children.flatMap(all)]

const elements =
  'html head meta title style script body header main h1 h2 h3 section p div span small strong code pre del ins ul li table caption thead tbody tr th td details summary label input select option button a svg g line path circle rect text title'.split(
    ' ',
  )
const attributes =
  'lang charset http-equiv content name class dir role id href type value autocomplete tabindex scope colspan viewBox width height aria-label aria-live aria-pressed x x1 x2 y y1 y2 d cx cy r text-anchor'.split(
    ' ',
  )

/** Elements and attributes that this report is known to write: no second script, image, handler, address or inline style. */
function checkPage(of: Report) {
  const { text, root } = page(of)
  for (const { name, attributes: own } of all(root)) {
    expect(elements).toContain(name)
    for (const key of Object.keys(own)) expect(attributes).toContain(key)
    if (own.href !== undefined) expect(own.href).toMatch(/^#suite-\d+$/)
  }
  const having = (name: string) =>
    all(root)
      .filter((element) => element.name === name)
      .map(({ text }) => text)
  expect(having('script')).toEqual([SCRIPT])
  expect(having('style')).toEqual([STYLE])
  expect(
    all(root)
      .filter(({ name }) => name === 'meta')
      .map((meta) => meta.attributes['http-equiv'])
      .filter(Boolean),
  ).toEqual(['Content-Security-Policy'])
  expect(text).not.toMatch(/^\s*::|##\[|##vso\[|##teamcity\[/im)
  expect(text).not.toMatch(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u)
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(HTML_LIMIT)
  return root
}

const attributed = (text = 'prompt'): Attribution => ({
  components: [
    { name: text, change: `${text} a 1.0.0 -> 1.1.0` },
    { name: 'model', change: 'model m-1 -> m-2' },
  ],
  cells: [
    { changed: [], pass_rate: 0.86, trials: 5, file: null },
    { changed: [text], pass_rate: 0.781, trials: 3, file: text },
    { changed: ['model'], pass_rate: 0.92, trials: 3, file: text },
    { changed: [text, 'model'], pass_rate: 0.842, trials: 3, file: text },
  ],
  effects: [
    { components: [text], estimate: -0.08, interval: { low: -0.11, high: -0.05, level: 0.975 } },
    { components: ['model'], estimate: 0.06, interval: { low: 0.03, high: 0.09, level: 0.975 } },
    { components: [text, 'model'], estimate: 0.001, interval: { low: -0.05, high: 0.052, level: 0.975 } },
  ],
  n: 200,
  not_compared: 2,
  problem: null,
  notes: [text],
})

/** A report with the text wherever a stranger's text could come. */
function poisoned(text: string): Report {
  const base = suiteReport()
  const one = regressedCase({
    failures: [{ assertion: text, reason: text, trials: 3 }],
    category: text,
    file: text,
    before: text,
    after: text,
  })
  const gates = [
    gate({ id: text, sentence: text, outcome: 'fail' }),
    regression({ needed: text, outcome: 'inconclusive' }),
    regression({ id: text, category: text }),
  ]
  const verdict = {
    ...base.verdict,
    outcome: 'fail' as const,
    measured: 'inconclusive' as const,
    reasons: [text, text],
    warnings: [text],
    gates,
  }
  const changes = {
    suite: text,
    suite_version: text,
    run: { ...base.run, id: text, started_at: text, git: { commit: text, branch: text, dirty: false } },
    target: { kind: 'prompt' as const, label: text, hash: text },
    baseline: { ...base.baseline!, accepted: { at: text, by: text, reason: text }, commit: text },
    verdict,
    totals: { ...base.totals, errors: { [text]: 1 } },
    attribution: attributed(text),
  }
  const cases = [
    { ...one, id: text },
    { ...one, id: 'b', status: 'failing' as const },
    caseReport({ id: text, status: 'added' }),
  ]
  return report(suiteReport({ ...changes, cases }), samples.pass.suites[0]!)
}

it('lets the browser take its one stylesheet, its one script and nothing else', () => {
  const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`
  expect(STYLE).not.toMatch(/[<&]|@import|url\(/)
  expect(SCRIPT).not.toMatch(
    /[<&]|innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|fetch|https?:/,
  )
  expect(HASHES).toEqual({ style: hashOf(STYLE), script: hashOf(SCRIPT) })
  expect(POLICY).toBe(
    `default-src 'none'; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'`,
  )
  const root = checkPage(samples.fail)
  const [policy] = all(root).filter(({ attributes: own }) => own['http-equiv'] !== undefined)
  expect(policy?.attributes.content).toBe(POLICY)
})

describe.each(Object.keys(samples) as (keyof typeof samples)[])('%s', (name) => {
  it('is what it was', async () => {
    checkPage(samples[name])
    await expect(render(samples[name])).toMatchFileSnapshot(`../../../fixtures/report/${name}.html`)
  })
})

/** The text of an element with that of its children in place, read from the page. */
const textsOf = (page: string, tag: string) =>
  [...page.matchAll(new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 'gs'))].map(([, inner = '']) =>
    inner
      .replace(/<[^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&'),
  )

it('shows the answers word for word, and marks the words that only one side has', () => {
  const answers = textsOf(render(samples.fail), 'pre')
  expect(answers).toContain(regressedCase().after)
  expect(answers).toContain(regressedCase().before)
  const script = '<script>alert(document.domain)</script><img src=x onerror=alert(1)>'
  const of = (before: string, after: string) =>
    render(report(suiteReport({ cases: [regressedCase({ before, after })] })))
  checkPage(report(suiteReport({ cases: [regressedCase({ before: 'x', after: script })] })))
  expect(textsOf(of('x', script), 'pre')).toContain(script)
  const moved = of('We refund the full price in 30 days.', 'We refund half the price in 30 days.')
  expect(textsOf(moved, 'del')).toEqual(['full '])
  expect(textsOf(moved, 'ins')).toEqual(['half '])
  expect(of('Yes, of course.', 'Zwölf Boxkämpfer jagen Viktor quer')).not.toMatch(/<del>|<ins>/)
  expect(textsOf(of('same', 'same'), 'pre')).toEqual(['same'])
})

it('shows every trial and every assertion, those that failed first', () => {
  const detail = {
    trials: [
      { trial: 1, passed: true, latency_ms: 800, cost_usd: 0.01 },
      { trial: 2, passed: false, latency_ms: 1200, cost_usd: 0.01 },
      { trial: 3, passed: null, latency_ms: null, cost_usd: null },
    ],
    assertions: [
      { assertion: 'contains', passed: [true, true, null], reason: 'found it' },
      { assertion: 'max_words', passed: [true, false, null], reason: '131 words' },
    ],
    before_latency_ms: 700,
    before_cost_usd: null,
  }
  const text = render(report(suiteReport({ cases: [regressedCase({ detail })] })))
  expect(text).toContain('trials ✓ 800 ms, ✗ 1.20 s, ! not measured')
  expect(textsOf(text, 'li').slice(-2)).toEqual(['max_words 1/2 ✓✗– 131 words', 'contains 2/2 ✓✓– found it'])
})

it('shows what was accepted before, how the cases flipped, and how latency and cost are spread', () => {
  const [suite] = samples.fail.suites
  const history = [0.95, 0.93, 0.915].map((pass_rate, day) => ({
    at: `2026-11-1${day}T10:00:00.000Z`,
    pass_rate,
    cases: 40,
  }))
  const of = report({ ...suite!, baseline: { ...suite!.baseline!, history } })
  const root = checkPage(of)
  const labels = all(root).flatMap(({ name, attributes: own }) => (name === 'svg' ? [own['aria-label']] : []))
  expect(labels).toEqual([
    expect.stringContaining('Change of the pass rate'),
    'Share of passed trials before and now: 2 cases lower, 1 higher, 2 equal',
    expect.stringMatching(/^Median latency of the cases. Filled: now, median 812 ms/),
    expect.stringMatching(/^Mean cost of the cases. Filled: now, median \$0.0004/),
    'Pass rate of 3 accepted baselines and of this run: 95.0 %, 93.0 %, 91.5 %, 80.8 %',
  ])
  expect(textsOf(render(of), 'td').filter((text) => /^9[135]/.test(text))).toEqual(
    expect.arrayContaining(['95.0 %', '93.0 %', '91.5 %']),
  )
})

it.each(Object.entries(attacks))('%s does nothing', (_, text) => {
  checkPage(poisoned(text))
})

it('arbitrary text does nothing', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '&',
      '"',
      "'",
      '</pre>',
      '<!--',
      '-->',
      ']]>',
      '\n',
      '::error::',
      '\ud800',
      '<script>',
      '{{',
      '&#x3c;',
    ),
    fc.string({ unit: 'binary' }),
  )
  const text = fc.array(pieces, { maxLength: 12 }).map((found) => found.join(''))
  fc.assert(
    fc.property(text, (found) => void checkPage(poisoned(found))),
    { numRuns: 150, seed: 11 },
  )
})

describe('stays below the limit', () => {
  const many = (n: number, answer: string) =>
    Array.from({ length: n }, (_, i) => regressedCase({ id: `tc_${i}`, before: answer, after: answer }))
  it.each([
    ['short answers', 'Yes.'],
    ['long answers', 'x'.repeat(2000)],
    ['wide characters', '返金は'.repeat(700)],
    ['characters that grow', `<&">'`.repeat(400)],
  ])('1,000 cases with %s: all stand there, and what is left out is counted', (_, answer) => {
    const of = report(suiteReport({ cases: many(1000, answer) }))
    checkPage(of)
    const text = render(of)
    expect(text.match(/<th scope="row">tc_/g)).toHaveLength(1000)
    const said = (what: string) =>
      Number(new RegExp(`([\\d,]+) cases? shown without ${what} for length`).exec(text)?.[1]?.replace(',', '') ?? 0)
    const detailed = text.match(/<tr><td colspan="8">/g)?.length ?? 0
    const answered = text.match(/<div class="sides">/g)?.length ?? 0
    expect(detailed + said('trials and assertions')).toBe(1000)
    expect(answered + said('answers')).toBe(detailed)
    expect(answered).toBeGreaterThan(19)
  })
  it('10,000 cases', () => {
    const of = report(suiteReport({ cases: many(10_000, 'Yes.') }))
    checkPage(of)
    const text = render(of)
    const rows = text.match(/<th scope="row">tc_/g)?.length ?? 0
    expect(rows).toBeGreaterThan(1000)
    expect(text.match(/<div class="sides">/g)?.length).toBeGreaterThanOrEqual(20)
    expect(text).toContain(`${(10_000 - rows).toLocaleString('en')} cases left out for length`)
  })
  it('many suites, many gates, many warnings', () => {
    const gates = Array.from({ length: 500 }, (_, i) => regression({ id: `regression/c${i}`, category: `c${i}` }))
    const verdict = {
      ...suiteReport().verdict,
      gates,
      warnings: gates.map(({ id }) => id),
      reasons: gates.map(({ id }) => id),
    }
    checkPage(
      report(...Array.from({ length: 120 }, (_, i) => suiteReport({ suite: `s${i}`, verdict, cases: many(20, 'no') }))),
    )
  })
})

it('counts bytes as UTF-8 does', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, (found) => {
      expect(bytesOf(found)).toBe(Buffer.byteLength(found))
    }),
  )
})

it('stands without suites', () => {
  checkPage({ ...samples.pass, suites: [] })
  expect(render({ ...samples.pass, suites: [] })).toContain('No suite was run.')
})

it('says what each of several changes did, with intervals, or why that is not known', () => {
  const shown = (attribution?: Attribution) => checkPage(report(suiteReport(attribution ? { attribution } : {})))
  const words = ({ text, children }: Element): string => [text, ...children.map(words)].join(' ')
  const rows = all(shown(attributed()))
    .filter(({ name }) => name === 'tr')
    .map(({ children }) => children.map((cell) => words(cell).trim()))
  expect(rows).toContainEqual(['effect of', 'points', 'interval', 'reading'])
  expect(rows).toContainEqual(['prompt', '-8.0', '-11.0 to -5.0', 'worse'])
  expect(rows).toContainEqual(['model', '+6.0', '+3.0 to +9.0', 'better'])
  expect(rows).toContainEqual(['prompt x model', '+0.1', '-5.0 to +5.2', 'no interplay proven'])
  const page = words(shown(attributed()))
  expect(page).toContain('baseline 86.0 % · prompt 78.1 % · model 92.0 % · prompt+model 84.2 %')
  expect(page).toContain('over 200 cases, 2 cases not compared, with 95 % intervals')
  const open = words(shown({ ...attributed(), effects: [], problem: 'The budget is spent.' }))
  expect(open).toContain('The effects could not be measured: The budget is spent.')
  expect(words(shown())).not.toContain('What each change did')
})
