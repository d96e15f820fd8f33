// Packages of CommonJS as modules of ES: what they hold and nothing uses can then be left out, and no module needs a wrapper.
import { transformSync } from 'rolldown/utils'

/** What nobody asks of a function of stdlib by its name there: hung onto it, it would be in the bundle. */
const hung = /^setReadOnly\( main, 'factory', \w+ \);$/gm

/** Types among what modules of ajv pass on. */
const types = /, (?:Code|ScopeStore|ScopeValueSets)\b/g

/** Modules of stdlib that ask what JavaScript can, or check what they are given, before they do what stands here. */
const plain = {
  'array-uint8/lib/index.js': 'export default Uint8Array',
  'array-uint16/lib/index.js': 'export default Uint16Array',
  'array-uint32/lib/index.js': 'export default Uint32Array',
  'array-float64/lib/index.js': 'export default Float64Array',
  'utils-define-nonenumerable-read-only-property/lib/index.js':
    'export default (object, name, value) => Object.defineProperty(object, name, { value })',
  'assert-has-generator-support/lib/index.js': 'export default () => true',
  'math-base-tools-sum-series/lib/index.js': "export { default } from './generators.js'",
  'math-base-tools-continued-fraction/lib/index.js': "export { default } from './generators.js'",
  'utils-memoize/lib/index.js': `export default (answer) => {
    const answers = new Map()
    return (...given) => {
      const key = given.join()
      const known = answers.get(key) ?? answer(...given)
      answers.set(key, known)
      return known
    }
  }`,
}

/**
 * A module of stdlib: each begins with `var x = require( 'y' );`, ends with `module.exports = x;` and says nothing of either
 * between. Throws where one of them looks otherwise.
 */
export function ofStdlib(code, path) {
  const own = path.slice('@stdlib/'.length)
  if (Object.hasOwn(plain, own)) return plain[own]
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const module = bare
    .replace(hung, '')
    .replace(/^var (\w+) = require\( '([^']+)' \);/gm, "import $1 from '$2';")
    .replace(/^var (\w+) = require\( '([^']+)' \)\.factory;/gm, "import $1 from '$2/lib/factory.js';")
    .replace(/^var (\w+) = require\( '([^']+)' \)\.(\w+);/gm, "import $1Of from '$2';\nvar $1 = $1Of.$3;")
    .replace(/^module\.exports = /gm, 'export default ')
  if (/\brequire\(|\bexports\b/.test(module)) throw new Error(`${path} is a module of another form than the others`)
  return module
}

/**
 * A source of ajv or of its formats: what it exports for CommonJS is not in a module of ES, nor are the types that it passes
 * on: they have no mark of one. Of what the entries pass on, KeywordCxt is all that the formats use.
 */
export function ofAjv(code, path) {
  const isEntry = /^ajv(?:-formats\/src\/index|\/lib\/(?:ajv|core|2019|2020))\.ts$/.test(path)
  const passedOn = /^export (?:type )?\{[^}]*\} from "[^"]*"$/gm
  const source = code
    .replace(passedOn, (line) => (isEntry && !line.includes('{KeywordCxt}') ? '' : line.replace(types, '')))
    .replace(/^module\.exports.*$/gm, '')
    // Asked for by the name that it has where CommonJS is imported.
    .replace(/^export default formatsPlugin$/m, '(formatsPlugin as any).default = formatsPlugin\n$&')
    .replace(/^Object\.defineProperty\(exports, "__esModule".*$/gm, '')
    .replace(
      /^import \* as (\w+) from ("[^"]+\.json"|"fast-uri"|"fast-deep-equal"|"json-schema-traverse")/gm,
      'import $1 from $2',
    )
  const { code: module, errors } = transformSync(path, source, { typescript: { onlyRemoveTypeImports: false } })
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`)
  return module
}
