// What GitHub shows: comment and summary within their limits, annotations on the right lines, and texts that command nothing.
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
import { commandsIn, outputsIn } from '../../commands/action/action-testing.ts'
import type { CaseReport, SuiteReport } from '../../schema/verdict.ts'
import { annotationsOf } from './github-annotations.ts'
import { type GithubFrame, githubMarkdown, notEvaluated } from './github-markdown.ts'
import { annotationCommand, logLine, maskCommands, outputFile } from '../workflow-commands.ts'

const bytes = (text: string) => new TextEncoder().encode(text).length
const frame = (more: Partial<GithubFrame> = {}): GithubFrame => ({
  limit: 64_500,
  size: (text) => text.length,
  links: { run: 'https://github.com/o/r/actions/runs/1', artifact: 'https://github.com/o/r/actions/runs/1#artifacts' },
  commit: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
  notes: [],
  ...more,
})
const names = Object.keys(samples) as (keyof typeof samples)[]

it.each(names)('%s, as its reader sees it', async (name) => {
  await expect(githubMarkdown(samples[name], frame())).toMatchFileSnapshot(`../../../fixtures/report/${name}.github.md`)
})

const many = (count: number, text: string): CaseReport[] =>
  Array.from({ length: count }, (_, n) =>
    regressedCase({ id: `case_${String(n).padStart(5, '0')}`, before: text, after: text, critical: n === 0 }),
  )
const failing = (cases: CaseReport[], more: Partial<SuiteReport> = {}): SuiteReport => {
  const base = suiteReport()
  return suiteReport({ ...more, cases, verdict: { ...base.verdict, outcome: 'fail', measured: 'fail' } })
}

describe('never exceeds its limit', () => {
  const sizes = [
    ['comment', 64_500, (text: string) => text.length],
    ['summary', 1_000_000, bytes],
  ] as const
  it.each(sizes)('%s of 5,000 broken cases with long answers', (_, limit, size) => {
    const text = githubMarkdown(report(failing(many(5000, '答え🙂 '.repeat(400)))), frame({ limit, size }))
    expect(size(text)).toBeLessThanOrEqual(limit)
    expect(size(text)).toBeGreaterThan(limit * 0.9)
    const shown = text.match(/\*\*`case_\d+`\*\*/g) ?? []
    expect(text).toContain(`_${(5000 - shown.length).toLocaleString('en')} cases left out for length (`)
    expect(text).toContain('the reports have all of them](https://github.com/o/r/actions/runs/1#artifacts)')
    // Worst first, and whole: every fold that opens is closed, every fence too.
    expect(shown[0]).toBe('**`case_00000`**')
    expect(text.match(/<details>/g)).toHaveLength(text.match(/<\/details>/g)!.length)
    expect((text.match(/^```/gm) ?? []).length % 2).toBe(0)
  })
  it.each(sizes)('%s of 3,000 suites', (_, limit, size) => {
    const suites = Array.from({ length: 3000 }, (__, n) => failing(many(3, 'x'), { suite: `suite-${n}` }))
    const text = githubMarkdown(report(...suites), frame({ limit, size }))
    expect(size(text)).toBeLessThanOrEqual(limit)
    const shown = text.match(/^### /gm)!.length
    expect(text).toContain(`_${(3000 - shown).toLocaleString('en')} suites left out for length`)
  })
  it('whatever the run is', () => {
    const anyCase = fc.record({ text: fc.string({ unit: 'binary', maxLength: 3000 }), at: fc.constantFrom('regressed', 'failing', 'improved', 'not_measured') }) // biome-ignore format: one record
    fc.assert(
      fc.property(
        fc.array(fc.array(anyCase, { maxLength: 40 }), { maxLength: 12 }),
        fc.integer({ min: 4000, max: 30_000 }),
        (all, limit) => {
          const suites = all.map((cases) =>
            failing(
              cases.map(({ text, at }, n) =>
                caseReport({ id: `c${n}`, status: at as CaseReport['status'], before: text, after: text, error: text }),
              ),
            ),
          )
          for (const size of [(text: string) => text.length, bytes])
            expect(size(githubMarkdown(report(...suites), frame({ limit, size })))).toBeLessThanOrEqual(limit)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('says what people ask', () => {
  const base = suiteReport().target
  const target = (prompt: string, hash: string, temperature: number) => ({
    ...base,
    hash,
    prompt: { name: 'support/answer', version: prompt, hash: `of ${prompt} ${hash}` },
    model: { name: 'main', provider: 'p', id: 'm-2026-01-01', params: { temperature } },
  })
  const compared = (before: typeof base, now: typeof base, cases: CaseReport[] = []) => {
    const baseline = { ...samples.pass.suites[0]!.baseline!, target: before, response_models: [] }
    return githubMarkdown(report(suiteReport({ target: now, baseline, cases })), frame())
  }
  it('what changed: prompt, parameters, cases', () => {
    const text = compared(target('1.2.0', 'a', 0.2), target('1.3.0', 'b', 0.7), [
      caseReport({ id: 'n1', status: 'added' }),
      caseReport({ id: 'n2', status: 'added' }),
      caseReport({ id: 'gone', status: 'removed' }),
    ])
    expect(text).toContain('- prompt: `support/answer@1.2.0` → `support/answer@1.3.0`')
    expect(text).toContain('- parameter temperature: `0.2` → `0.7`')
    expect(text).toContain('- suite: 2 cases added, 1 case removed since the baseline')
    expect(text).not.toContain('- model:')
  })
  it('a version whose content is another is not hidden', () => {
    const text = compared(target('1.2.0', 'a', 0.2), target('1.2.0', 'b', 0.2))
    expect(text).toContain('same version with another content')
  })
  it('that nothing changed', () => {
    expect(compared(target('1.2.0', 'a', 0.2), target('1.2.0', 'a', 0.2))).toContain('nothing that is recorded')
  })
  it('the worst suite first, with a table of all', () => {
    const good = suiteReport({ suite: 'fine' })
    const text = githubMarkdown(report(good, failing(many(1, 'x'), { suite: 'broken' })), frame())
    expect(text.indexOf('FAIL · broken')).toBeLessThan(text.indexOf('PASS · fine'))
    expect(text.indexOf('FAIL · broken')).toBeGreaterThan(0)
    expect(text).toMatch(/\| ❌ FAIL \| `broken` \|/)
  })
  it('what to do without the record of the run, which is on another machine', () => {
    const text = githubMarkdown(samples.fail, frame())
    expect(text).toContain('- see it on your own machine: `aigate eval support`')
    expect(text).toContain('`aigate baseline accept latest --reason "why"`')
    expect(text).not.toMatch(new RegExp(`aigate \\w+.*${samples.fail.suites[0]!.run.id}`))
  })
  it('why nothing was evaluated', () => {
    const text = notEvaluated('Not evaluated: KEY is not set.', 'Set <it>.', frame())
    expect(text).toContain('⚠️ aigate: not evaluated')
    expect(text).toContain('Set &lt;it&gt;.')
  })
  it('no link but to an address of the runner', () => {
    const links = { run: 'https://github.com/o/r) [click](https://evil.example', artifact: 'javascript:alert(1)' }
    expect(githubMarkdown(samples.pass, frame({ links }))).not.toMatch(/evil|javascript/)
  })
})

describe.each(Object.entries(attacks))('%s', (_, text) => {
  const poisoned = failing(
    [
      regressedCase({
        id: text,
        category: text,
        file: text,
        before: text,
        after: text,
        failures: [{ assertion: text, reason: text, trials: 1 }],
      }),
      caseReport({ id: text, status: 'not_measured', error: text }),
    ],
    { suite: text, suite_version: text, target: { kind: 'prompt', label: text, hash: text, model: { name: text, provider: text, id: text, params: { [text]: text } } } }, // biome-ignore format: everywhere
  )
  const baseline = { ...samples.pass.suites[0]!.baseline!, response_models: [text] }
  const verdict = {
    ...poisoned.verdict,
    reasons: [text],
    warnings: [text],
    gates: [gate({ id: text }), regression({ needed: text })],
  }
  const all = report({ ...poisoned, baseline, verdict, run: { ...poisoned.run, response_models: [`other ${text}`] } })

  it('is only text in comment and summary', () => {
    const shown = githubMarkdown(all, frame({ notes: [text] }))
    expect(commandsIn(shown)).toEqual([])
    const prose = shown
      .replaceAll(/^(`{3,})text\n[^]*?\n\1$/gm, ' ')
      .replaceAll(/\\[^]/g, ' ')
      .replaceAll(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, ' ')
    const tags = [...prose.matchAll(/<(\/?\w+)/g)].map(([, tag]) => tag)
    expect(tags.filter((tag) => !/^\/?(details|summary|sub|br)$/.test(tag!))).toEqual([])
    expect(prose).not.toMatch(/(^|[^\u200b\w])@\w|!\[/m)
  })
  it('is one annotation and nothing else', () => {
    for (const each of annotationsOf(all, 'evals')) {
      const found = commandsIn(annotationCommand(each))
      expect(found).toHaveLength(1)
      expect(found[0]!.command).toBe(each.level)
      expect(
        Object.keys(found[0]!.properties).filter((name) => !['file', 'line', 'endLine', 'title'].includes(name)),
      ).toEqual([])
    }
  })
  it('is no command in the log, nor ends a value', () => {
    expect(commandsIn(logLine(text))).toEqual([])
    expect(logLine(text).split(/[\n\r\v\f\u0085\u2028\u2029]/)).toHaveLength(2)
    expect(outputsIn(outputFile({ a: text, b: 'x' }, 'random-1234'))).toEqual({ a: text, b: 'x' })
  })
})

describe('annotations', () => {
  it('ten of a level, the verdict first, the rest counted', () => {
    const found = annotationsOf(report(failing(many(30, 'x'))), 'services/chat')
    expect(found).toHaveLength(10)
    expect(found[0]!.title).toContain('FAIL')
    expect(found[1]).toMatchObject({
      level: 'error',
      file: expect.stringMatching(/^services\/chat\//),
      line: expect.any(Number),
    })
    expect(found[9]!.message).toContain('22 more annotations')
  })
  it('exactly ten are not cut', () => {
    const found = annotationsOf(report(failing(many(9, 'x'))), '')
    expect(found).toHaveLength(10)
    expect(found[9]!.title).toContain('case_00008')
  })
  it('quarantined, not measured and undecided ones only warn', () => {
    const cases = [
      regressedCase({ id: 'q', quarantined: true }),
      caseReport({ id: 'n', status: 'not_measured', error: 'timeout' }),
    ]
    expect(annotationsOf(report(failing(cases)), '').map(({ level }) => level)).toEqual(['error', 'warning', 'warning'])
    expect(annotationsOf(samples.pass, '').filter(({ level }) => level === 'error')).toEqual([])
  })
  it('any text comes back as it was, but for what is not seen', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (title, file, line) => {
        const [found, ...more] = commandsIn(
          annotationCommand({ level: 'error', title: `t${title}`, message: 'm', file: `f${file}`, line: line + 1 }),
        )
        expect(more).toEqual([])
        expect(found).toMatchObject({ command: 'error', data: 'm', properties: { line: String(line + 1) } })
      }),
    )
  })
})

describe('masks and outputs', () => {
  it('a key of several lines is masked line by line, short values are not', () => {
    const found = commandsIn(maskCommands(['-----BEGIN KEY-----\nabcdefgh%0A\nxy\n', 'short', '', 'sk-12345678']))
    expect(found.map(({ data }) => data)).toEqual([
      '-----BEGIN KEY-----\nabcdefgh%0A\nxy',
      '-----BEGIN KEY-----',
      'abcdefgh%0A',
      'sk-12345678',
    ])
  })
  it('a value with the delimiter is refused', () => {
    expect(() => outputFile({ a: 'x\nrandom-1\nevil=1' }, 'random-1')).toThrow('holds its own delimiter')
  })
  it('the parser of the tests sees what the runner sees', () => {
    const seen = (text: string) => commandsIn(text).map(({ command }) => command)
    expect(seen('::error file=a,line=1::m')).toEqual(['error'])
    expect(seen('  ::add-mask::a')).toEqual(['add-mask'])
    expect(seen('x ##[add-mask]e')).toEqual(['add-mask'])
    expect(seen('fine\r::set-output name=x::y')).toEqual(['set-output'])
    expect(seen('text ::error::no')).toEqual([])
  })
})
