// Packages as the bundle has them, of modules made otherwise than theirs, do what the whole packages do; and all of it stays small.
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { build, type Plugin } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const load = async <T>(path: string) => (await import(pathToFileURL(path).href)) as T
const { lighter } = await load<{ lighter: () => Plugin }>(join(root, 'build/lighter.mjs'))

const entry = `
export { default as betaQuantile } from '@stdlib/stats-base-dists-beta-quantile'
export { default as binomialCdf } from '@stdlib/stats-base-dists-binomial-cdf'
export { default as normalCdf } from '@stdlib/stats-base-dists-normal-cdf'
export { default as normalQuantile } from '@stdlib/stats-base-dists-normal-quantile'
export { default as signrankCdf } from '@stdlib/stats-base-dists-signrank-cdf'
export { default as tCdf } from '@stdlib/stats-base-dists-t-cdf'
export { default as tQuantile } from '@stdlib/stats-base-dists-t-quantile'
export { transform } from 'sucrase'
export { execa } from 'execa'
export { AzureOpenAI } from 'openai'
export { brokenSchema, compileSchema } from './score/json-schema-compiler.ts'
import * as z from 'zod'
export const text = z.string()
export const address = z.url()
`
type Schema = Parameters<typeof import('./score/json-schema-compiler.ts').compileSchema>[0]
const ofThree = ['betaQuantile', 'binomialCdf', 'normalCdf', 'normalQuantile'] as const
const ofTwo = ['signrankCdf', 'tCdf', 'tQuantile'] as const
type Name = (typeof ofThree)[number] | (typeof ofTwo)[number]
type Whole = Record<Name, (...given: number[]) => number> & {
  transform: typeof import('sucrase').transform
  execa: typeof import('execa').execa
  AzureOpenAI: typeof import('openai').AzureOpenAI
  brokenSchema: typeof import('./score/json-schema-compiler.ts').brokenSchema
  compileSchema: typeof import('./score/json-schema-compiler.ts').compileSchema
  text: import('zod').ZodString
  address: import('zod').ZodURL
}

let folder = ''
let whole: Whole
let light: Whole
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aigate-modules-'))
  const bundled = async (name: string, plugins: Plugin[]) => {
    const id = join(root, 'src', 'entry-of-the-test.js')
    const itself: Plugin = { name: 'entry', resolveId: (asked) => (asked === id ? id : null), load: (asked) => (asked === id ? entry : null) } // biome-ignore format: one line
    const output = { file: join(folder, `${name}.mjs`), format: 'esm', codeSplitting: false, minify: true } as const
    await build({ input: id, platform: 'node', logLevel: 'silent', plugins: [itself, ...plugins], output })
    return load<Whole>(output.file)
  }
  whole = await bundled('whole', [])
  light = await bundled('light', [lighter()])
})
afterAll(() => rm(folder, { recursive: true }))

const size = (name: string) => readFileSync(join(folder, `${name}.mjs`)).length
/** Files of TypeScript that are written by hand: those of this tool. */
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))

it('is much smaller', () => {
  expect(size('light')).toBeLessThan(size('whole') - 200_000)
})

describe('distributions', () => {
  const p = fc.double({ min: 0, max: 1, noNaN: true })
  const some = (most: number) => fc.double({ min: 1e-3, max: most, noNaN: true })
  const same = (name: Name, args: fc.Arbitrary<number[]>) =>
    fc.assert(
      fc.property(args, (given) => {
        const [a, b] = [whole, light].map((all) => all[name](...given))
        expect(b).toBe(a)
      }),
      { numRuns: 1500 },
    )

  it('come to the very same numbers', () => {
    same('betaQuantile', fc.tuple(p, some(2000), some(2000)))
    same('betaQuantile', fc.tuple(p, some(2), some(2)))
    same('binomialCdf', fc.tuple(fc.integer({ min: -1, max: 500 }), fc.integer({ min: 0, max: 500 }), p))
    same('normalCdf', fc.tuple(fc.double({ min: -40, max: 40, noNaN: true }), fc.constant(0), some(5)))
    same('normalQuantile', fc.tuple(p, fc.constant(0), some(5)))
    same('signrankCdf', fc.tuple(fc.integer({ min: -1, max: 220 }), fc.integer({ min: 0, max: 20 })))
    same('tCdf', fc.tuple(fc.double({ min: -50, max: 50, noNaN: true }), some(500)))
    same('tQuantile', fc.tuple(p, some(500)))
    same('tQuantile', fc.tuple(p, fc.integer({ min: 1, max: 200 })))
  })

  it('and to the same where there is no number', () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1, 2]) {
      const three = [[odd, 1, 1], [0.5, odd, 1], [0.5, 1, odd]] // biome-ignore format: one line
      const two = [[odd, 3], [0.5, odd]] // biome-ignore format: one line
      const calls = [...ofThree.map((name) => [name, three] as const), ...ofTwo.map((name) => [name, two] as const)]
      for (const [name, all] of calls)
        for (const given of all) expect(light[name](...given), `${name}(${given.join()})`).toBe(whole[name](...given))
    }
  })
})

describe('JSON schemas', () => {
  const draft7 = 'http://json-schema.org/draft-07/schema#'
  const draft2019 = 'https://json-schema.org/draft/2019-09/schema'
  const draft2020 = 'https://json-schema.org/draft/2020-12/schema'
  const formats =
    'date time date-time iso-time duration uri uri-reference email hostname ipv4 ipv6 regex uuid byte int32'
  const schemas = [
    { type: 'object', required: ['a'], properties: { a: { type: 'string', minLength: 2, pattern: '^x' } }, additionalProperties: false },
    { $ref: '#/definitions/tree', definitions: { tree: { type: 'object', properties: { left: { $ref: '#/definitions/tree' } } } } },
    { type: ['array', 'null'], items: { enum: [1, 'b', { c: [] }] }, uniqueItems: true, contains: { const: 1 } },
    { oneOf: [{ type: 'integer', multipleOf: 3 }, { type: 'number', exclusiveMinimum: 5 }], not: { const: 9 } },
    JSON.parse('{"if": {"type": "string"}, "then": {"maxLength": 3}, "else": {"minimum": 2}}') as object,
    { $id: 'https://example.org/a.json', properties: { b: { $ref: 'b.json' } }, $defs: { b: { $id: 'b.json', type: 'integer' } } },
    { $schema: draft2019, unevaluatedProperties: false, allOf: [{ properties: { a: true } }], dependentRequired: { a: ['b'] } },
    { $schema: draft2019, $recursiveAnchor: true, properties: { left: { $recursiveRef: '#' }, a: { type: 'string' } } },
    { $schema: draft2020, prefixItems: [{ type: 'string' }], items: { type: 'integer' }, unevaluatedItems: false },
    { $schema: draft2020, $dynamicAnchor: 'n', properties: { left: { $dynamicRef: '#n' } }, additionalProperties: { type: 'number' } },
    { propertyNames: { maxLength: 1 }, minProperties: 1, patternProperties: { '^a': { type: 'null' } } },
    { format: 'date', formatMinimum: '2020-02-01', type: 'string' },
    ...formats.split(' ').map((format) => ({ format })),
    { $schema: draft7, type: 'nonsense' },
    { tpye: 'string' },
    { $ref: '#/nowhere' },
    { format: 'colour' },
    { type: 'string', pattern: '(' },
    { $schema: 'https://example.org/unknown', minimum: 1 },
    { $schema: draft2020, type: 'object', properties: { a: { minimum: 'x' } } },
  ] // biome-ignore format: a row each
  const values = [
    null, 1, 9, 6, 7.5, 'x', 'xy', 'abcd', [], [1], [1, 1], ['b', { c: [] }, 1], ['s', 2], ['s', 't'], {}, { a: 'xy' }, { a: 'yy', b: 1 },
    { left: { left: 3 } }, { left: { a: 4 } }, { b: 'no' }, { b: 2 }, { a: null }, '2020-01-31', '2020-02-30', '12:30:00Z', '2020-01-31T12:30:00+01:00',
    'P3D', 'https://example.org/%20', 'a@example.org', 'example.org', '127.0.0.1', '::1', '[', '123e4567-e89b-12d3-a456-426614174000', 'YQ==', 2 ** 31,
  ] // biome-ignore format: many

  it.each(schemas)('judge alike by %j', (schema) => {
    const judged = ({ brokenSchema, compileSchema }: Whole) => {
      const broken = brokenSchema(structuredClone(schema) as Schema)
      try {
        const validate = compileSchema(structuredClone(schema) as Schema)
        return [broken, values.map((value) => [validate(value), structuredClone(validate.errors)])]
      } catch (error) {
        return [broken, (error as Error).message]
      }
    }
    expect(judged(light)).toEqual(judged(whole))
  })
})

it('types are taken out of every source of this tool alike, and the same is said of what is no TypeScript', () => {
  const wrong = ['const a: = 1', 'class { x', 'export type', 'let x = <T,>(y: T => y', '`${', 'enum', 'a ? b']
  const words = 'abstract class A { declare x: number; static override async *get() {}; accessor y = 1; constructor(readonly z: any, private w?) { super() } }\nexport default abstract class B implements C, D<E> {}\nimport type F, { type G as H } from "i"\nexport type * from "j"; namespace K { export let l!: unique symbol }\nlet m = n satisfies keyof typeof o as const; function p(this: q, r: r is s): asserts t is infer {}\ndeclare global { var u: bigint }; const enum V { a = 1 << 2, b }; label: for (const w of x) using: switch (y) { case 1n: default: throw void 0 }' // biome-ignore format: one line
  const taken = ({ transform }: Whole, text: string) => {
    try {
      return transform(text, { transforms: ['typescript'], disableESTransforms: true, filePath: 'a.ts' }).code
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(sources.length).toBeGreaterThan(500)
  for (const text of [...sources, ...wrong, words]) expect(taken(light, text) === taken(whole, text), text).toBe(true)
})

it('programs run and end alike', async () => {
  const script = `process.stdin.pipe(process.stdout); process.stderr.write('said\\n'); process.on('exit', () => { process.exitCode = Number(process.argv[1]) })`
  const calls = [
    [['0'], { input: 'line\n' }],
    [['3'], { input: 'line\n', stripFinalNewline: false, extendEnv: false, env: {} }],
    [['0'], { input: 'x'.repeat(5000), maxBuffer: 1000 }],
    [['0'], { stdin: 'ignore', encoding: 'buffer', timeout: 20_000 }],
    [['0'], { stdin: 'ignore', buffer: { stdout: false, stderr: true }, maxBuffer: { stderr: 100 }, forceKillAfterDelay: 1000 }],
    [['0'], { stdin: 'ignore', cwd: join(root, 'nowhere') }],
    [['0'], { stdin: 'pipe', timeout: 2000 }],
  ] as const // biome-ignore format: a row each
  for (const [args, options] of calls) {
    const [a, b] = await Promise.all(
      [whole, light].map(async ({ execa }) => {
        const ended = await execa(process.execPath, ['-e', script, ...args], { ...options, reject: false })
        const { exitCode, stdout, stderr, failed, timedOut, isMaxBuffer, signal, code, originalMessage, shortMessage } =
          ended
        return { exitCode, stdout, stderr, failed, timedOut, isMaxBuffer, signal, code, originalMessage, shortMessage }
      }),
    )
    expect(b).toEqual(a)
  }
  const gone = await Promise.all(
    [whole, light].map(({ execa }) => execa(join(root, 'no-such-program'), [], { reject: false })),
  )
  expect(gone.map(({ code, failed }) => [code, failed])).toEqual([
    ['ENOENT', true],
    ['ENOENT', true],
  ])
})

it('addresses have the same words behind the question mark', () => {
  const made = ({ AzureOpenAI }: Whole, query: Record<string, string>) => {
    const { 'api-version': apiVersion = 'v', ...more } = query
    const baseURL = `https://example.org/?${new URLSearchParams(more).toString()}`
    const client = new AzureOpenAI({ apiKey: 'k', apiVersion, baseURL })
    return client.buildURL('/chat', null)
  }
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (query) => {
      expect(made(light, query)).toBe(made(whole, query))
    }),
  )
})

describe('zod', () => {
  it('has strings and addresses, and none of the methods that nobody calls', () => {
    expect(light.text.min(2).safeParse('a').success).toBe(false)
    expect(['a', 'https://example.org'].map((one) => light.address.safeParse(one).success)).toEqual([false, true])
    expect(() => light.text.email()).toThrow(TypeError)
  })

  it('a source that calls one is not built', () => {
    const { transform } = lighter() as unknown as { transform: (code: string, id: string) => string | null }
    const id = join(root, 'src', 'a.ts')
    expect(() => transform('const a = z.string().email()', id)).toThrow('write z.email()')
    expect(transform("const a = z.url().describe('b')", id)).toBe('const a = z.url()')
  })
})

it('the package is smaller than 1 MB', async () => {
  const copy = join(folder, 'package')
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  for (const name of [...files, 'package.json', 'README.md', 'LICENSE', 'build'])
    cpSync(join(root, name), join(copy, name), { recursive: true })
  // As `npm pack` does before it packs; to build it again here is not needed.
  execFileSync(process.execPath, ['build/pack-schemas.mjs'], { cwd: copy })
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: copy, encoding: 'utf8' })
  execFileSync(process.execPath, ['build/pack-schemas.mjs', 'restore'], { cwd: copy })
  const [packed] = JSON.parse(said) as { size: number; entryCount: number }[]
  expect(packed?.entryCount).toBeGreaterThan(100)
  expect(packed?.size).toBeLessThan(1_000_000)
})
