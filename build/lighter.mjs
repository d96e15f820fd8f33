// What the packages inside the bundle hold that aigate never uses, and would carry: left out while it is built.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { ofAjv, ofStdlib } from './modules.mjs'
import { pressed, unpress } from './pressed.mjs'
import { lighterPrices } from './prices.mjs'
import { ofSucrase } from './sucrase.mjs'

const root = join(import.meta.dirname, '..')

/** Parts of sucrase for other languages than TypeScript, and for older ones than Node reads: it is never asked for them. */
const foreign =
  /[\\/]sucrase[\\/]dist[\\/]esm[\\/](?:parser[\\/]plugins[\\/](?:flow|jsx[\\/]index|jsx[\\/]xhtml)|transformers[\\/](?:CJSImport|Flow|JSX|JestHoist|NumericSeparator|OptionalCatchBinding|OptionalChainingNullish|ReactDisplayName|ReactHotLoader)Transformer|CJSImportProcessor|computeSourceMap|util[\\/]formatTokens)\.js$/

/** What makes JSON schemas of zod's: they are made from the sources, never by the program. */
const schemaMakers = /[\\/]zod[\\/]v4[\\/]core[\\/](?:to-json-schema|json-schema-processors)\.js$/

/**
 * Parts of OpenAI's client for other things than chat completions and embeddings. What runs tools, collects streams or parses
 * answers by itself is among them: aigate reads answers itself.
 */
const unasked =
  /[\\/]openai[\\/](?:resources[\\/](?!(?:index|shared|embeddings)\.mjs$|chat[\\/])|lib[\\/]|bedrock\.mjs$|auth[\\/]|core[\\/](?:streaming|uploads)\.mjs$|internal[\\/](?:uploads|to-file)\.mjs$).*$|[\\/]openai[\\/]resources[\\/]chat[\\/]completions[\\/]messages\.mjs$/

/**
 * The same exports, each of which throws when it is called after all. `made`: classes can be made all the same, by a client
 * that makes all its parts at once; then they can do nothing.
 */
export function emptied(code, { made = false } = {}) {
  const names = (kind) => [...code.matchAll(new RegExp(`^export (?:${kind}) (\\w+)`, 'gm'))].map(([, name]) => name)
  const thrown = names(made ? 'async function|function|const' : 'async function|function|const|class')
  const own = /^export default/m.test(code) ? ['export default unused'] : []
  const body = "function unused() { throw new Error('this part of the package is not in the bundle') }"
  const passedOn = [...code.matchAll(/^export [^;\n]* from [^;\n]*/gm)].map(([line]) => line)
  return [
    body,
    ...own,
    ...thrown.map((name) => `export { unused as ${name} }`),
    ...(made ? names('class').map((name) => `export class ${name} {}`) : []),
    ...passedOn,
  ].join('\n')
}

/** Parts of execa that run programs another way than ours are: what stands in their place, by their path. */
const runOtherwise = {
  'index.js': "import { createExeca } from './lib/methods/create.js'\nexport const execa = createExeca(() => ({}))",
  'lib/methods/main-sync.js': null,
  'lib/methods/template.js': 'export const isTemplateString = () => false\nexport const parseTemplates = () => []',
  'lib/pipe/setup.js': null,
  'lib/convert/add.js': 'export const addConvertedStreams = () => {}',
  'lib/ipc/methods.js': 'export const addIpcMethods = () => {}',
  'lib/ipc/graceful.js': null,
  'lib/ipc/ipc-input.js': 'export const validateIpcInputOption = () => {}\nexport const sendIpcInput = async () => {}',
  'lib/ipc/buffer-messages.js':
    'export const waitForIpcOutput = async ({ ipcOutput }) => ipcOutput\nexport const getBufferedIpcOutput = async (_, ipcOutput) => ipcOutput',
  'lib/methods/node.js': 'export const handleNodeOption = (file, given, options) => [file, given, options]',
  'lib/resolve/all-async.js': 'export const makeAllStream = () => {}\nexport const waitForAllStream = () => {}',
  'lib/transform/normalize.js': 'export const normalizeTransforms = (items) => items',
  'lib/transform/generator.js': null,
  'lib/terminate/graceful.js':
    'export const validateGracefulCancel = () => {}\nexport const throwOnGracefulCancel = () => []',
  'lib/verbose/output.js': 'export const shouldLogOutput = () => false\nexport const logLines = () => {}',
  'lib/verbose/info.js': 'export const getVerboseInfo = (verbose) => ({ verbose })',
  'lib/verbose/start.js': 'export const logCommand = () => {}',
  'lib/verbose/values.js': 'export const isFullVerbose = () => false',
  'lib/verbose/log.js': 'export const verboseLog = () => {}\nexport const serializeVerboseMessage = String',
  'lib/verbose/complete.js': 'export const logResult = () => {}',
}

/**
 * What stands in place of a module, by the end of its path. aigate refuses a document type before it reads XML, so that entities
 * need neither a reader nor a guard; the options that sucrase is given are our own.
 */
const replaced = {
  // What stdlib says about its iterations where DEBUG is set.
  'debug/src/index.js': 'module.exports = () => () => undefined',
  'debug/src/node.js': 'module.exports = () => () => undefined',
  // cli-table3 colours nothing here: its styles are empty.
  '@colors/colors/safe.js': 'module.exports = {}',
  'sucrase/dist/esm/Options.js': 'export function validateOptions() {}',
  'is-unsafe/src/index.js': 'export const isUnsafe = () => true\nexport const HTML = []\nexport const XML = []',
  'fast-xml-parser/src/xmlparser/DocTypeReader.js':
    "export default class { setXmlVersion() {} readDocType() { throw new Error('a document type is not read') } }",
}

/** The plans of telephone numbers without how a number is laid out: it is only asked whether one is valid. */
export function withoutLayouts(code) {
  const start = code.indexOf('export default {') + 'export default '.length
  const plans = JSON.parse(code.slice(start))
  if (!Array.isArray(plans.countries?.US?.[4])) throw new Error('the plans of telephone numbers look otherwise now')
  for (const plan of [...Object.values(plans.countries), ...Object.values(plans.nonGeographic)])
    if (Array.isArray(plan[4])) plan[4] = 0
  return `${unpress}\nexport default ${pressed(plans)}`
}

/** What each package of lodash does that the rules of secretlint carry a copy of, 27 kB each. */
const lodash = {
  uniq: 'return (all) => [...new Set(all)]',
  uniqwith:
    'return (all, same) => all.reduce((kept, one) => (kept.some((before) => same(one, before)) ? kept : [...kept, one]), [])',
  sortby:
    'return (all, keys) => [...all].sort((a, b) => { for (const key of keys) if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1; return 0 })',
}

/** The rules of secretlint in English, without their three copies of lodash. Throws where one of them is not found. */
export function withoutLodash(code) {
  let light = code.replace(/^\s*ja: \(.*$/gm, (line) => (line.endsWith('`,') ? '' : line))
  for (const [name, body] of Object.entries(lodash)) {
    const start = light.indexOf(`function requireLodash_${name} () {`)
    const end = light.indexOf('\n}\n', start)
    if (start < 0 || end < 0) throw new Error(`secretlint holds no lodash.${name} any more`)
    light = `${light.slice(0, start)}function requireLodash_${name} () { ${body} ${light.slice(end + 1)}`
  }
  return light
}

/** Formats that zod's strings can be asked for by a method, `z.string().email()`; `z.email()` does the same. */
const formats =
  'email url jwt emoji guid uuid uuidv4 uuidv6 uuidv7 nanoid cuid cuid2 ulid base64 base64url xid ksuid ipv4 ipv6 cidrv4 cidrv6 e164'.split(
    ' ',
  )
/** What any schema can be asked for by a method, beside a function of the same name. */
const wrappers = ['and', 'nonoptional', 'exactOptional']
const asMethod = new RegExp(`(?<!\\bz)\\.(?:${[...formats, ...wrappers].join('|')})\\(`)

/** Zod's schemas without a method for each of those: none of ours calls one, and they hold all of them in the bundle. */
export function withoutFormats(code) {
  const methods = [
    ...formats.map((name) => `    ${name}(params) {\n        return this.check(core._${name}(`),
    ...wrappers.map((name) => `    ${name}(`),
  ]
  return methods.reduce((light, method) => {
    const start = light.indexOf(method)
    const end = light.indexOf('\n    },\n', start)
    if (start < 0 || end < 0) throw new Error(`zod has no method any more that begins with ${method.trim()}`)
    return light.slice(0, start) + light.slice(end + '\n    },\n'.length)
  }, code)
}

/** A module without its `.describe('…')`: they are for the JSON schemas, which are made from the sources. */
export function undescribed(code) {
  const cuts = []
  const isText = (node) =>
    (node.type === 'Literal' && typeof node.value === 'string') ||
    node.type === 'TemplateLiteral' ||
    (node.type === 'BinaryExpression' && node.operator === '+' && isText(node.left) && isText(node.right))
  const walk = (node) => {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) return node.forEach(walk)
    const { callee, arguments: given } = node
    if (
      node.type === 'CallExpression' &&
      callee.type === 'MemberExpression' &&
      callee.property.name === 'describe' &&
      given.length === 1 &&
      isText(given[0])
    )
      cuts.push([callee.object.end, node.end])
    for (const [key, inner] of Object.entries(node)) if (key !== 'parent') walk(inner)
  }
  walk(parseAst(code, { lang: 'ts' }).body)
  return cuts.sort((a, b) => b[0] - a[0]).reduce((text, [from, to]) => text.slice(0, from) + text.slice(to), code)
}

/** OpenAI's log without what is written out for every call, its headers masked one by one, and then not logged. */
export function quiet(code) {
  const start = code.indexOf('export const formatRequestDetails = (details) => {')
  if (start < 0) throw new Error("OpenAI's client has no formatRequestDetails any more")
  return `${code.slice(0, start)}export const formatRequestDetails = () => ({})\n`
}

/** Commander without the module that starts programs, which takes Node longer to load than all of commander: no verb of ours is a program. */
export function withoutPrograms(code) {
  const load = "const childProcess = require('node:child_process');"
  if (!code.includes(load)) throw new Error('commander loads no node:child_process any more')
  return code.replace(load, 'const childProcess = undefined;')
}

/** The words behind the question mark of an address, each of which is a text: OpenAI's client can write lists of lists. */
const flatQuery = `const word = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => '%' + sign.charCodeAt(0).toString(16).toUpperCase())
export const stringifyQuery = (query) => Object.entries(query).filter(([, value]) => value !== undefined).map(([name, value]) => {
  if (typeof value !== 'string') throw new Error('this part of the package is not in the bundle')
  return word(name) + '=' + word(value)
}).join('&')`

/** Modules of ES in place of those of CommonJS: what is not used of them can be left out. */
const modules = {
  ajv: 'ajv/lib/ajv.ts',
  'ajv/dist/2019.js': 'ajv/lib/2019.ts',
  'ajv/dist/2020.js': 'ajv/lib/2020.ts',
  'ajv/dist/compile/codegen': 'ajv/lib/compile/codegen/index.ts',
  'ajv-formats': 'ajv-formats/src/index.ts',
  liquidjs: 'liquidjs/dist/liquid.node.mjs',
  sucrase: 'sucrase/dist/esm/index.js',
  yaml: 'yaml/browser/dist/index.js',
}
const moduleOf = (id) =>
  Object.hasOwn(modules, id) ? modules[id] : id.replace(/^validator\/lib\//, 'validator/es/lib/')

/** A plugin of rolldown. */
export function lighter() {
  return {
    name: 'lighter',
    resolveId: (id) => (moduleOf(id) === id ? null : join(root, 'node_modules', moduleOf(id))),
    load(id) {
      const path = id.replaceAll('\\', '/').replace(/^.*\/node_modules\//, '')
      const text = () => readFileSync(id, 'utf8')
      if (Object.hasOwn(replaced, path)) return replaced[path]
      if (path === '@pydantic/genai-prices/dist/index.js') return lighterPrices(text())
      if (path.startsWith('@stdlib/') && path.endsWith('.js')) return ofStdlib(text(), path)
      if (/^ajv(?:-formats)?\/(?:lib|src)\/.*\.ts$/.test(path)) return { code: ofAjv(text(), path), moduleType: 'js' }
      if (path.endsWith('/secretlint-rule-preset-recommend/module/index.js')) return withoutLodash(text())
      if (path === 'libphonenumber-js/metadata.min.json.js') return withoutLayouts(text())
      if (path === 'zod/v4/classic/schemas.js') return withoutFormats(text())
      if (path === 'commander/lib/command.js') return withoutPrograms(text())
      if (path === 'openai/internal/utils/query.mjs') return flatQuery
      if (path === 'openai/internal/utils/log.mjs') return quiet(text())
      if (foreign.test(id) || schemaMakers.test(id)) return emptied(text())
      if (unasked.test(id)) return emptied(text(), { made: true })
      if (path.startsWith('sucrase/dist/esm/')) return ofSucrase(text(), path)
      const own = path.startsWith('execa/') ? path.slice('execa/'.length) : ''
      return Object.hasOwn(runOtherwise, own) ? (runOtherwise[own] ?? emptied(text())) : null
    },
    transform(code, id) {
      if (!id.startsWith(join(root, 'src'))) return null
      const [method] = asMethod.exec(code) ?? []
      if (method) throw new Error(`${id}: write z${method}) and not z.string()${method}), which is not in the bundle`)
      return code.includes('.describe(') ? undescribed(code) : null
    },
  }
}
