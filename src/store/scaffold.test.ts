// The project that init makes: valid by the schemas, its answers right or wrong as they claim, nothing overwritten.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Config } from '../schema/config.ts'
import { Suite } from '../schema/suite.ts'
import { scaffoldAnswers, scaffoldFiles, scaffoldWorse, writeScaffold } from './scaffold.ts'

let root = ''
let folder = ''
let count = 0
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'aigate-scaffold-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  folder = join(root, `p${(count += 1)}`)
  mkdirSync(folder)
})

const textOf = (path: string) => scaffoldFiles.find((file) => file.path === path)!.text
const suite = Suite.parse(parse(textOf('evals/support.suite.yaml')))
const config = Config.parse(parse(textOf('aigate.yaml')))

describe('the files', () => {
  it('name only what is there', () => {
    const { target } = suite
    if (!('prompt' in target)) throw new Error('a prompt was expected')
    const pin = config.models[target.model]
    expect(config.providers[pin!.provider]).toMatchObject({ type: 'replay', of: { type: 'openai' } })
    for (const name of [target.prompt, scaffoldWorse.prompt]) {
      const text = textOf(`prompts/${name.replace('@', '/')}.md`)
      const header: unknown = parse(text.split('---\n')[1]!)
      expect(header).toMatchObject({ name: name.split('@')[0], version: name.split('@')[1], input: ['question'] })
      expect(text).toContain('{{ question }}')
    }
  })
  it('hold a case of each kind, each with five answers of each prompt', () => {
    const ids = suite.cases.map(({ id }) => id)
    expect(Object.keys(scaffoldAnswers)).toEqual(ids)
    expect(Object.keys(scaffoldWorse.answers)).toEqual(ids)
    for (const answers of [...Object.values(scaffoldAnswers), ...Object.values(scaffoldWorse.answers)])
      expect(answers).toHaveLength(5)
    expect(suite.cases.some(({ critical }) => critical)).toBe(true)
  })
  it('ask for a floor that their trials can prove, and for more answers than they have in no case', () => {
    const n = suite.cases.length * suite.trials.min
    const z = 1.96
    expect(suite.gate!.min_pass_rate).toBeLessThan(n / (n + z * z)) // Wilson's lower bound when all pass
    expect(suite.trials.max).toBeLessThanOrEqual(5)
  })
})

/** The assertions that the example uses, graded by hand: enough to keep answers and suite together. */
function holds(type: string, args: unknown, text: string): boolean {
  const all = [args].flat() as string[]
  if (type === 'contains') return all.every((one) => text.includes(one))
  if (type === 'contains_any') return all.some((one) => text.includes(one))
  if (type === 'icontains') return all.every((one) => text.toLowerCase().includes(one.toLowerCase()))
  if (type === 'icontains_any') return all.some((one) => text.toLowerCase().includes(one.toLowerCase()))
  if (type === 'regex') return new RegExp(args as string).test(text)
  if (type === 'equals') return text.trim().toLowerCase() === (args as { value: string }).value
  if (type === 'max_words') return text.split(/\s+/).length <= (args as number)
  const value = json(text)
  if (type === 'is_json') return value !== undefined
  if (type !== 'json_path') throw new Error(type)
  const { path, equals, contains } = args as { path: string; equals?: string; contains?: string }
  const found = value?.[path.slice(2)]
  return contains === undefined ? found === equals : String(found).includes(contains)
}
function json(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
const passes = (id: string, text: string) =>
  [...suite.assert, ...suite.cases.find((one) => one.id === id)!.assert].every(
    ({ type, not, args }) => holds(type, args, text) !== not,
  )

describe('the answers', () => {
  const good = Object.entries(scaffoldAnswers).flatMap(([id, texts]) => texts.map(({ text }) => [id, text] as const))
  it.each(good)('%s: %s', (id, text) => expect(passes(id, text)).toBe(true))
  it('of the worse prompt are mostly wrong, in a critical case too', () => {
    const rates = Object.entries(scaffoldWorse.answers).map(
      ([id, texts]) => [id, texts.slice(0, suite.trials.min).filter(({ text }) => passes(id, text)).length] as const,
    )
    expect(Object.fromEntries(rates)).toEqual({
      return_window: 0, delivery_cost: 2, complaint_as_json: 0, spam_yes_no: 0, offered_password: 3, not_in_handbook: 0,
    }) // biome-ignore format: one line reads better
  })
})

describe('writeScaffold', () => {
  it('writes every file into an empty folder, or one that is not there yet', async () => {
    const place = join(folder, 'new')
    expect(await writeScaffold(place, scaffoldFiles)).toEqual(scaffoldFiles.map(({ path }) => path))
    for (const { path, text } of scaffoldFiles) expect(readFileSync(join(place, path), 'utf8')).toBe(text)
  })
  it('names every file that is already there, and writes nothing', async () => {
    writeFileSync(join(folder, 'aigate.yaml'), 'mine')
    mkdirSync(join(folder, 'evals'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'evals', 'support.suite.yaml'))
    await expect(writeScaffold(folder, scaffoldFiles)).rejects.toMatchObject({
      code: 'init_exists',
      message: 'Nothing was written, because there is already: aigate.yaml, evals/support.suite.yaml.',
    })
    expect(readFileSync(join(folder, 'aigate.yaml'), 'utf8')).toBe('mine')
    expect(readdirSync(folder).sort()).toEqual(['aigate.yaml', 'evals'])
  })
  it.each([
    ['adds its line', 'node_modules/', 'node_modules/\n.aigate/\n', true],
    ['adds nothing twice', '.aigate/\r\ndist/\r\n', '.aigate/\r\ndist/\r\n', false],
  ])('%s to a .gitignore that is there', async (_, before, after, named) => {
    writeFileSync(join(folder, '.gitignore'), before)
    const written = await writeScaffold(folder, scaffoldFiles)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe(after)
    expect(written.includes('.gitignore')).toBe(named)
  })
  it('takes back what it wrote when the disk refuses a later file', async () => {
    writeFileSync(join(folder, 'evals'), 'a file where a folder should be')
    await expect(writeScaffold(folder, scaffoldFiles)).rejects.toMatchObject({ code: 'cannot_write' })
    expect(readdirSync(folder, { recursive: true }).filter((name) => /\.(md|yaml)$/.test(String(name)))).toEqual([])
    rmSync(join(folder, 'evals'))
    await writeScaffold(folder, scaffoldFiles)
  })
})
