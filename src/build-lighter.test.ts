// What the bundle leaves out of its parts loses no price, no window, no rule and no check.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { calcPrice, type Provider } from '@pydantic/genai-prices'
import { Ajv } from 'ajv'
import { type CountryCode, type MetadataJson, parsePhoneNumberFromString as parse } from 'libphonenumber-js/core'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
type Lighter = Record<'withoutLodash' | 'withoutLayouts' | 'undescribed', (code: string) => string>
const built = async <T>(name: string) => (await import(pathToFileURL(join(root, 'build', name)).href)) as T
const lighter = await built<Lighter>('lighter.mjs')
const { lighterPrices } = await built<{ lighterPrices: (code: string) => string }>('prices.mjs')
const textOf = (path: string) => readFileSync(join(root, 'node_modules', path), 'utf8')

/** Loads a module from its text. */
async function loaded<T>(code: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-lighter-'))
  try {
    const file = join(folder, 'module.mjs')
    await writeFile(file, code.replace(/\/\/# sourceMappingURL=.*/, ''))
    return (await import(pathToFileURL(file).href)) as T
  } finally {
    await rm(folder, { recursive: true })
  }
}

it('every model of the price list costs the same, at ordinary and at great length, and keeps its context window', async () => {
  const code = textOf('@pydantic/genai-prices/dist/index.js')
  const light = await loaded<{ calcPrice: typeof calcPrice }>(lighterPrices(code))
  const { default: list } = await loaded<{ default: Provider[] }>(
    `export default ${code.slice('const E = '.length, code.indexOf('\n]') + 2)}`,
  )
  const models = list.flatMap(({ id, models }) => models.map((model) => ({ provider: id, id: model.id })))
  expect(models.length).toBeGreaterThan(1000)
  const usages = [
    { input_tokens: 1000, output_tokens: 10, cache_read_tokens: 10 },
    { input_tokens: 500_000, output_tokens: 100 },
  ]
  const told = (price: typeof calcPrice) =>
    models.flatMap(({ provider: providerId, id }) =>
      usages.map((usage) => {
        try {
          const found = price(usage, id, { providerId })
          return [id, found?.total_price, found?.model.id, found?.model.context_window]
        } catch {
          return [id, 'no price by tokens']
        }
      }),
    )
  expect(told(light.calcPrice)).toEqual(told(calcPrice))
})

it('the rules against secrets find the same without the copies of lodash', async () => {
  const code = textOf('@secretlint/secretlint-rule-preset-recommend/module/index.js')
  const light = lighter.withoutLodash(code)
  expect(light.length).toBeLessThan(code.length - 100_000)
  expect(() => lighter.withoutLodash(light.replace('requireLodash_uniq ()', 'gone ()'))).toThrow('lodash.uniq')
  type Rules = {
    rules: { meta: { id: string }; create(context: unknown, options: object): { file?(s: unknown): unknown } }[]
  }
  const keys = ['a1B2', 'c3D4', 'e5F6'].map((part) => ['ghp', part.repeat(9)].join('_'))
  const content = `${keys[0]} and ${keys[1]}, ${keys[2]}; ${keys[1]} again`
  const found = async ({ rules }: Rules, allows: string[]) => {
    const ranges: unknown[] = []
    for (const rule of rules) {
      const translator = () => (messageId: string) => ({ messageId, message: messageId, data: {} })
      const report = ({ range }: { range: unknown }) => ranges.push([rule.meta.id, range])
      const context = { locale: 'en', sharedOptions: {}, createTranslator: translator, report, ignore: () => undefined }
      const source = { content, contentType: 'text', ext: '.txt', filePath: 'a.txt', getFilePath: () => 'a.txt' }
      await rule.create(context, { allows }).file?.({ ...source, hasBOM: false, getPhysicalFilePath: () => undefined })
    }
    return ranges
  }
  const [whole, lean] = [await loaded<Rules>(code), await loaded<Rules>(light)]
  // What is allowed goes through all three of them: patterns that overlap, and one that comes twice.
  for (const allows of [[], [keys[1] ?? ''], [keys[1] ?? '', '/ghp_a1/i', '/_a1B2/', keys[1] ?? '']]) {
    const expected = await found(whole, allows)
    expect(expected.length).toBe(allows.length === 0 ? 4 : allows.length === 1 ? 2 : 1)
    expect(await found(lean, allows)).toEqual(expected)
  }
})

it('the same telephone numbers are valid without the layouts of numbers', async () => {
  const text = textOf('libphonenumber-js/metadata.min.json.js')
  const { default: whole } = await loaded<{ default: MetadataJson }>(text)
  const { default: light } = await loaded<{ default: MetadataJson }>(lighter.withoutLayouts(text))
  expect(JSON.stringify(light).length).toBeLessThan(JSON.stringify(whole).length - 20_000)
  const examples = JSON.parse(textOf('libphonenumber-js/examples.mobile.json')) as Record<string, string>
  const countries = Object.keys(whole.countries) as CountryCode[]
  expect(countries.length).toBeGreaterThan(200)
  const isValid = (number: string, country: CountryCode | undefined, plans: MetadataJson) => {
    const found = country ? parse(number, country, plans) : parse(number, plans)
    return [found?.isValid(), found?.country, found?.number]
  }
  for (const country of countries) {
    const own = examples[country] ?? ''
    for (const digits of [own, `0${own}`, own.slice(1), `${own}7`, own.split('').reverse().join(''), '2125552368'])
      for (const [number, of] of [
        [digits, country],
        [`+${whole.countries[country]?.[0]}${digits}`, undefined],
      ] as const)
        expect(isValid(number, of, light), `${number} in ${of}`).toEqual(isValid(number, of, whole))
  }
})

it('descriptions of schemas are left out, and nothing else', () => {
  const code = "const A = z.string().min(1).describe('a' + `b`).optional()\nprogram.command('x').describe(made(1))\n"
  expect(lighter.undescribed(code)).toBe(
    "const A = z.string().min(1).optional()\nprogram.command('x').describe(made(1))\n",
  )
})

it.each(readdirSync(join(root, 'schema')))('%s says the same when its parts are shared', async (name) => {
  type Schemas = Record<'sharedParts' | 'unsharedParts', (schema: unknown) => unknown>
  const { sharedParts, unsharedParts } = await built<Schemas>('schemas.mjs')
  const text = readFileSync(join(root, 'schema', name), 'utf8')
  const shared = sharedParts(JSON.parse(text))
  expect(JSON.stringify(unsharedParts(shared))).toBe(JSON.stringify(JSON.parse(text)))
  const validate = (schema: unknown) => new Ajv({ strict: false, validateFormats: false }).compile(schema as object)
  expect(validate(shared)).toBeTypeOf('function')
})

it('packed schemas find in each other what they have of each other', async () => {
  type Packing = {
    packedSchema: (name: string, text: string) => string
    borrowed: Record<string, Record<string, string>>
  }
  const { packedSchema, borrowed } = await built<Packing>('schemas.mjs')
  const names = readdirSync(join(root, 'schema'))
  const whole = new Map(
    names.map((name) => [name, JSON.parse(readFileSync(join(root, 'schema', name), 'utf8')) as object]),
  )
  const at = (name: string, place: string): unknown =>
    place
      .split('/')
      .slice(1)
      .reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], whole.get(name))
  for (const [name, places] of Object.entries(borrowed))
    for (const [place, from] of Object.entries(places)) {
      const [lender = '', there = ''] = from.split('#')
      expect(at(name, place), `${name}${place}`).toBeTypeOf('object')
      expect(at(name, place), `${name}${place}`).toEqual(at(lender, there))
      for (const [, definition = ''] of JSON.stringify(at(name, place)).matchAll(/#\/definitions\/(\w+)/g))
        expect(at(name, `/definitions/${definition}`)).toEqual(at(lender, `/definitions/${definition}`))
    }
  const ajv = new Ajv({ strict: false, validateFormats: false })
  for (const [name, schema] of whole)
    ajv.addSchema(JSON.parse(packedSchema(name, JSON.stringify(schema))) as object, name)
  for (const name of names) expect(ajv.getSchema(name), name).toBeTypeOf('function')
  const judged = [[], [{ id: 'a' }], [{ id: 'a', vars: { b: 1 } }], [{ id: 'a b' }], [{ id: 'a', nothing: 1 }]]
  expect(judged.map((one) => ajv.validate('cases.schema.json', one))).toEqual([false, true, true, false, false])
})
