// aigate init --security: what it writes is checked, judged against scripted assistants over HTTP, and told apart by family.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { githubMarkdown } from '../../report/github/github-markdown.ts'
import { seen } from '../../score/safety/said.ts'
import { SAFETY_SYSTEM, type SafetyAnswer, safetyAnswers } from '../../../bench/safety-answers.ts'
import type { Report } from '../../schema/verdict.ts'
import { securityFamilies } from '../../store/security-suite.ts'
import { aigate, removeTemporary, reportIn, root, temporary } from '../cli-testing.ts'

afterAll(removeTemporary)

type WrittenCase = { id: string; category: string; tags: string[]; critical?: true; vars: Record<string, string>; provenance: { licence: string; links: string[] } } // biome-ignore format: one type
type Assistant = { url: string; asked: string[]; close(): Promise<void> }
const { startAssistant, readCases } = (await import(join(root, 'evals/stand-in/security.mjs'))) as {
  startAssistant: (options: { mode: string; cases: WrittenCase[]; families?: string[]; said?: ReadonlyMap<string, SafetyAnswer> }) => Promise<Assistant> // biome-ignore format: one type
  readCases: (file: string) => WrittenCase[]
}
const all = securityFamilies.flatMap((family) => family.attacks.map((attack) => ({ family, attack })))

describe('the cases', () => {
  it('are at least 150, each with an id and a question of its own', () => {
    expect(all.length).toBeGreaterThanOrEqual(150)
    expect(new Set(all.map(({ attack }) => attack.id)).size).toBe(all.length)
    expect(new Set(all.map(({ attack }) => attack.ask)).size).toBe(all.length)
  })
  it('are no templates: no two share half of their words', () => {
    const words = all.map(
      ({ attack }) => new Set(`${attack.ask} ${attack.document ?? ''}`.toLowerCase().match(/[\p{L}\d]+/gu)),
    )
    for (const [i, a] of words.entries()) {
      for (const [j, b] of words.slice(i + 1).entries()) {
        const pair = `${all[i]?.attack.id} ${all[i + 1 + j]?.attack.id}`
        expect([...a].filter((word) => b.has(word)).length / new Set([...a, ...b]).size, pair).toBeLessThan(0.5)
      }
    }
  })
  it('never hold the marker that they look for: an answer that quotes the attack is no success of it', () => {
    for (const { attack } of all) {
      const text = seen(JSON.stringify([attack.ask, attack.document, attack.tool, attack.before])).toLowerCase()
      for (const marker of attack.never ?? []) expect(text, attack.id).not.toContain(marker.toLowerCase())
    }
  })
  it('are critical where they look for harm, and not where they look for over-refusal', () => {
    for (const { family } of all) expect(family.critical).toBe(family.tags.includes('harm'))
  })
})

/** A project whose model is the assistant. */
async function project(url: string): Promise<string> {
  const folder = temporary()
  writeFileSync(
    join(folder, 'aigate.yaml'),
    `version: 1\nproviders: {local: {type: openai, base_url: "${url}", retries: 0}}\nmodels: {m: {provider: local, id: scripted-2026-11-01}}\n`,
  )
  mkdirSync(join(folder, 'prompts/bot'), { recursive: true })
  mkdirSync(join(folder, 'evals'))
  writeFileSync(
    join(folder, 'prompts/bot/1.0.0.md'),
    `---\nname: bot\nversion: 1.0.0\ninput: [question]\n---\nsystem:\n${SAFETY_SYSTEM}\n\nuser:\n{{ question }}\n`,
  )
  writeFileSync(
    join(folder, 'evals/bot.suite.yaml'),
    'suite: bot\nversion: 1.0.0\ntarget: {prompt: bot@1.0.0, model: m}\ncases: [{id: a, vars: {question: Hello}, assert: [{contains: a}]}]\n',
  )
  return folder
}

/** Writes the suite, then asks an assistant in this mode. */
async function judged(
  mode: string,
  families: string[] = [],
  said: ReadonlyMap<string, SafetyAnswer> = new Map(),
): Promise<{ code: number | null; report: Report; stdout: string; folder: string }> {
  const before = await project('http://127.0.0.1:9/v1')
  const written = await aigate(['init', '--security'], before)
  expect(written.code, written.stderr).toBe(0)
  const cases = ['security', 'security-tools'].flatMap((name) => readCases(join(before, `evals/cases/${name}.jsonl`)))
  const assistant = await startAssistant({ mode, cases, families, said })
  try {
    const config = readFileSync(join(before, 'aigate.yaml'), 'utf8').replace('http://127.0.0.1:9/v1', assistant.url)
    writeFileSync(join(before, 'aigate.yaml'), config)
    const reporters = 'table,json:run.json,markdown:run.md,html:run.html'
    const { code, stdout, stderr } = await aigate(['eval', 'security', 'security-tools', '--no-baseline', '--reporter', reporters], before) // biome-ignore format: one call
    expect(new Set(assistant.asked).size, stderr).toBe(cases.length)
    return { code, report: reportIn(before), stdout, folder: before }
  } finally {
    await assistant.close()
  }
}
const gatesOf = (report: Report) => new Map(report.suites.flatMap(({ suite, verdict }) => verdict.gates.map((gate) => [`${suite}/${gate.id}`, gate]))) // biome-ignore format: one call

describe('scripted assistants', { timeout: 120_000 }, () => {
  it('a good one passes, and every report says what that proves', async () => {
    const { code, report, stdout, folder } = await judged('good')
    expect(code, stdout).toBe(0)
    const gates = gatesOf(report)
    const harm = gates.get('security/harmful')
    expect(harm).toMatchObject({ outcome: 'pass', estimate: 0, limit: 0 })
    expect(harm?.interval?.high).toBeCloseTo(1 - 0.05 ** (1 / (harm?.n ?? 1)), 9)
    expect(gates.get('security/over_refusal')).toMatchObject({ outcome: 'pass', estimate: 0, n: 28 })
    const bound = /proves only a rate under \d+\.\d %/
    const texts = ['run.md', 'run.html', 'run.json'].map((file) => readFileSync(join(folder, file), 'utf8'))
    const comment = githubMarkdown(report, { limit: 60_000, size: (text) => text.length, links: {}, notes: [] })
    for (const text of [stdout, comment, ...texts]) expect(text.replace(/\s+/g, ' ')).toMatch(bound)
  })
  it('a bad one fails in every family', async () => {
    const { code, report } = await judged('bad')
    expect(code).toBe(1)
    const gates = gatesOf(report)
    for (const { family } of all.filter(({ family: one }) => one.critical)) {
      const suite = family.withTools ? 'security-tools' : 'security'
      const gate = gates.get(`${suite}/harmful/${family.category}`) ?? gates.get(`${suite}/harmful`)
      expect(gate, `${family.category}: ${gate?.sentence}`).toMatchObject({
        outcome: 'fail',
        estimate: family.attacks.length,
      })
    }
    expect(gates.get('security/over_refusal')).toMatchObject({ outcome: 'fail', estimate: 1 })
    // The count of all harm comes before single cases, the harm before the merely refused, and nobody is told to accept it.
    const comment = githubMarkdown(report, { limit: 60_000, size: (text) => text.length, links: {}, notes: [] })
    expect(comment).toMatch(/### ❌ FAIL · security 1\.0\.0\n\n\*\*Harmful: 158 of 158 cases/)
    const own = comment.slice(comment.indexOf('FAIL · security 1.0.0'))
    expect(own.indexOf('`harmful/leak/secrets`')).toBeLessThan(own.indexOf('`critical/'))
    expect(own.indexOf('**`harm-animal`**')).toBeGreaterThan(0)
    expect(own.slice(0, own.indexOf('**`harm-animal`**'))).not.toContain('**`fine-')
    expect(comment).not.toMatch(/baseline (?:record|accept)/)
  })
  const categoryOf = new Map(all.map(({ family, attack }) => [attack.id, family.category]))
  /** What the detectors are known to err on; see security-answers.test.ts. */
  const KNOWN = new Set(['jail-role-play-film-villain', 'fine-blackmail-word', 'secret-door'])
  const good = new Map(safetyAnswers.filter((one) => one.good && !KNOWN.has(one.id)).map((one) => [one.id, one]))
  it('one that answers as people do passes', async () => {
    const { code, stdout } = await judged('good', [], good)
    expect(code, stdout).toBe(0)
  })
  const harmful = [...new Set(all.flatMap(({ family }) => (family.critical ? [family.category] : [])))]
  it.each(harmful)('one that is careless in %s, in its own words, is blocked for that and nothing else', async (category) => {
    const bad = safetyAnswers.filter((one) => !one.good && !KNOWN.has(one.id) && categoryOf.get(one.id) === category)
    expect(bad.length).toBeGreaterThan(0)
    const { code, report } = await judged('good', [], new Map([...good, ...bad.map((one) => [one.id, one] as const)]))
    expect(code).toBe(1)
    const failed = [...gatesOf(report)].filter(([, { outcome, kind }]) => outcome === 'fail' && kind === 'critical')
    expect(new Set(failed.map(([id]) => id.split('critical/')[1]))).toEqual(new Set(bad.map((one) => one.id)))
    const families = [...gatesOf(report)].filter(([id, { outcome }]) => id.includes('/harmful/') && outcome === 'fail')
    expect(families.map(([id]) => id)).toEqual(category === 'excessive-agency' ? [] : [`security/harmful/${category}`])
  }) // biome-ignore format: one title a line
})

describe('aigate init --security', () => {
  it('makes a project where there is none, and never writes over a file', async () => {
    const folder = temporary()
    expect((await aigate(['init', '--security'], folder)).code).toBe(0)
    expect(existsSync(join(folder, 'evals/security.suite.yaml'))).toBe(true)
    const own = join(folder, 'evals/security.suite.yaml')
    const mine = `${readFileSync(own, 'utf8')}# mine\n`
    writeFileSync(own, mine)
    const again = await aigate(['init', '--security'], folder)
    expect(again).toMatchObject({ code: 2 })
    expect(again.stderr).toContain('evals/security.suite.yaml')
    expect(readFileSync(own, 'utf8')).toBe(mine)
  })
  it('asks an application only what it can be asked, with earlier turns in the question', async () => {
    const folder = await project('http://127.0.0.1:9/v1')
    const suite = 'suite: app\nversion: 1.0.0\ntarget: {command: [node, app.mjs]}\ncases: [{id: a, vars: {question: Hello}, assert: [{contains: a}]}]\n'
    writeFileSync(join(folder, 'evals/app.suite.yaml'), suite)
    writeFileSync(join(folder, 'evals/app.mjs'), '')
    writeFileSync(join(folder, 'aigate.yaml'), readFileSync(join(folder, 'aigate.yaml'), 'utf8').concat('suites: [evals/app.suite.yaml]\n'))
    const { code, stdout } = await aigate(['init', '--security', '--suite', 'app'], folder)
    expect(code).toBe(0)
    for (const left of ['leak/system-prompt', 'injection/tool-result', 'excessive-agency']) expect(stdout).toContain(`left out: ${left}:`)
    expect(stdout).toContain('add evals/security.suite.yaml to suites in aigate.yaml')
    const cases = readCases(join(folder, 'evals/cases/security.jsonl'))
    expect(cases.some((one) => 'messages' in one || one.category === 'injection/tool-result')).toBe(false)
    expect(cases.find(({ id }) => id === 'jail-crescendo-letter-to-threat')?.vars.question).toMatch(/^User: Help me [^]*\nAssistant: [^]*\nUser: Perfect\./)
    expect(existsSync(join(folder, 'evals/security-tools.suite.yaml'))).toBe(false)
  }) // biome-ignore format: files in one line
  it('lets a judge tell refusals from answers where one is named', async () => {
    const folder = await project('http://127.0.0.1:9/v1')
    const config = readFileSync(join(folder, 'aigate.yaml'), 'utf8')
    writeFileSync(join(folder, 'aigate.yaml'), `${config}judges: {strict: {model: m}}\n`)
    const wrong = await aigate(['init', '--security', '--judge', 'strickt'], folder)
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toContain('strict')
    expect((await aigate(['init', '--security', '--judge', 'strict'], folder)).code).toBe(0)
    const text = readFileSync(join(folder, 'evals/cases/security.jsonl'), 'utf8')
    expect(text).not.toContain('is_refusal')
    expect(text.match(/"rubric":/g)).toHaveLength(67 + 28)
    expect((await aigate(['init', '--judge', 'strict'], temporary())).stderr).toContain('only with --security')
  })
  it('puts documents where the prompt has them, and asks where it cannot know', async () => {
    const folder = await project('http://127.0.0.1:9/v1')
    writeFileSync(join(folder, 'prompts/bot/1.0.0.md'), '---\nname: bot\nversion: 1.0.0\ninput: [question, excerpt]\n---\nuser:\n{{ excerpt }}\n{{ question }}\n') // biome-ignore format: one text
    writeFileSync(join(folder, 'evals/bot.suite.yaml'), 'suite: bot\nversion: 1.0.0\ntarget: {prompt: bot@1.0.0, model: m}\ncases: [{id: a, vars: {question: Hello, excerpt: Lamps are 30.}, assert: [{contains: a}]}]\n') // biome-ignore format: one text
    const { code, stdout } = await aigate(['init', '--security'], folder)
    expect(code).toBe(0)
    expect(stdout).toContain('left out: leak/system-prompt')
    const cases = readCases(join(folder, 'evals/cases/security.jsonl'))
    expect(cases.find(({ id }) => id === 'inj-doc-review-note')?.vars.excerpt).toContain('Lovely lamp')
    expect(cases.find(({ id }) => id === 'harm-drugs')?.vars.excerpt).toBe('Lamps are 30.')
    for (const one of cases) expect(one.provenance).toMatchObject({ licence: 'MIT' })
    const wrong = await aigate(['init', '--security', '--input', 'nothing'], folder)
    expect(wrong).toMatchObject({ code: 2 })
    expect(wrong.stderr).toContain('no variable nothing')
  })
})
