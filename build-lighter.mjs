// What the packages inside the bundle hold that aigate never uses, and would carry: left out while it is built.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { lighterPrices } from './build-prices.mjs'

/** Parts of sucrase for languages other than TypeScript, which it is never asked to read. */
const foreign =
  /[\\/]sucrase[\\/]dist[\\/]esm[\\/](?:parser[\\/]plugins[\\/](?:flow|jsx[\\/]index|jsx[\\/]xhtml)|transformers[\\/](?:CJSImport|Flow|JSX|JestHoist|ReactDisplayName|ReactHotLoader)Transformer|computeSourceMap|util[\\/]formatTokens)\.js$/

/**
 * Parts of OpenAI's client for other things than chat completions and embeddings. What runs tools, collects streams or parses
 * answers by itself is among them: aigate reads answers itself.
 */
const unasked =
  /[\\/]openai[\\/](?:resources[\\/](?!(?:index|shared|embeddings)\.mjs$|chat[\\/])|lib[\\/]|bedrock\.mjs$|auth[\\/]).*$|[\\/]openai[\\/]resources[\\/]chat[\\/]completions[\\/]messages\.mjs$/

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
  'lib/verbose/log.js': 'export const verboseLog = () => {}\nexport const serializeVerboseMessage = String',
  'lib/verbose/complete.js': 'export const logResult = () => {}',
}

/**
 * In place of what looks for attacks in entities of a document type: every entity is one. aigate refuses a document type
 * before it reads XML.
 */
const noEntities = 'export const isUnsafe = () => true\nexport const HTML = []\nexport const XML = []\n'

/** What each package of lodash does that the rules of secretlint carry a copy of, 27 kB each. */
const lodash = {
  uniq: 'return (all) => [...new Set(all)]',
  uniqwith:
    'return (all, same) => all.reduce((kept, one) => (kept.some((before) => same(one, before)) ? kept : [...kept, one]), [])',
  sortby:
    'return (all, keys) => [...all].sort((a, b) => { for (const key of keys) if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1; return 0 })',
}

/** The rules of secretlint without their three copies of lodash. Throws where one of them is not found. */
export function withoutLodash(code) {
  let light = code
  for (const [name, body] of Object.entries(lodash)) {
    const start = light.indexOf(`function requireLodash_${name} () {`)
    const end = light.indexOf('\n}\n', start)
    if (start < 0 || end < 0) throw new Error(`secretlint holds no lodash.${name} any more`)
    light = `${light.slice(0, start)}function requireLodash_${name} () { ${body} ${light.slice(end + 1)}`
  }
  return light
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

/** Modules of ES in place of those of CommonJS: what is not used of them can be left out. */
const modules = { sucrase: 'sucrase/dist/esm/index.js', yaml: 'yaml/browser/dist/index.js' }

/** A plugin of rolldown. */
export function lighter() {
  return {
    name: 'lighter',
    resolveId: (id) => (Object.hasOwn(modules, id) ? join(import.meta.dirname, 'node_modules', modules[id]) : null),
    load(id) {
      if (/[\\/]@pydantic[\\/]genai-prices[\\/]dist[\\/]index\.js$/.test(id))
        return lighterPrices(readFileSync(id, 'utf8'))
      if (/[\\/]secretlint-rule-preset-recommend[\\/]module[\\/]index\.js$/.test(id))
        return withoutLodash(readFileSync(id, 'utf8'))
      if (foreign.test(id)) return emptied(readFileSync(id, 'utf8'))
      if (unasked.test(id)) return emptied(readFileSync(id, 'utf8'), { made: true })
      if (/[\\/]openai[\\/]internal[\\/]utils[\\/]log\.mjs$/.test(id)) return quiet(readFileSync(id, 'utf8'))
      const [, part] = /[\\/]node_modules[\\/]execa[\\/](.*)$/.exec(id) ?? []
      const own = part?.replaceAll('\\', '/')
      if (own !== undefined && Object.hasOwn(runOtherwise, own))
        return runOtherwise[own] ?? emptied(readFileSync(id, 'utf8'))
      return /[\\/]is-unsafe[\\/]src[\\/]index\.js$/.test(id) ? noEntities : null
    },
    transform(code, id) {
      return id.startsWith(join(import.meta.dirname, 'src')) && code.includes('.describe(') ? undescribed(code) : null
    },
  }
}
