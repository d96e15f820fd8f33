// Sucrase with the values of its enums where their names stand, and with its tree of keywords made when it is loaded.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../node_modules/sucrase/dist/esm/parser')
const source = (path) => readFileSync(join(folder, path), 'utf8')
/** Enums by the names that the modules give them, and what of their module is the enum itself. */
const body = (name) =>
  new RegExp(`^export var ${name}; \\(function \\(${name}\\) \\{$[\\s\\S]*?^\\}\\)\\(${name} .*$`, 'm')
const enumOf = (name, path) => {
  const [text] = body(name).exec(source(path)) ?? []
  if (text === undefined) throw new Error(`sucrase holds no enum ${name} any more`)
  return new Function(`${text.replace('export ', '')}; return ${name}`)()
}
const enums = {
  TokenType: enumOf('TokenType', 'tokenizer/types.js'),
  ContextualKeyword: enumOf('ContextualKeyword', 'tokenizer/keywords.js'),
  charCodes: enumOf('charCodes', 'util/charcodes.js'),
}
enums.tt = enums.TokenType

/** The numbers in place of the names. Throws where a module uses an enum otherwise than by the name of a value. */
export function ofSucrase(code, path) {
  if (path.endsWith('/readWordTree.js')) return wordTree(inlined(code, path))
  return inlined(code, path)
}

function inlined(code, path) {
  const own = ['TokenType', 'ContextualKeyword', 'charCodes'].reduce((text, name) => text.replace(body(name), ''), code)
  const numbers = own
    .replace(/^import *\{[^}]*\} from "[^"]*\/(?:types|keywords|charcodes)";$/gm, (line) => keptImport(line))
    .replace(/\b(tt|TokenType|ContextualKeyword|charCodes)\.(\w+)/g, (_, name, value) => {
      if (typeof enums[name][value] !== 'number') throw new Error(`${path}: ${name} has no ${value}`)
      return String(enums[name][value])
    })
  const text = numbers.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  if (/\b(?:tt|TokenType|ContextualKeyword|charCodes)\b/.test(text))
    throw new Error(`${path} uses an enum in another way`)
  return numbers
}

/** What an import of a module with an enum brings beside the enum. */
function keptImport(line) {
  const names = line.slice(line.indexOf('{') + 1, line.indexOf('}')).split(',')
  const kept = names
    .map((name) => name.trim())
    .filter((name) => !/^(?:(?:TokenType|ContextualKeyword|charCodes)\b.*|)$/.test(name))
  return kept.length > 0 ? `import {${kept.join(', ')}} from ${line.slice(line.lastIndexOf('"', line.length - 3))}` : ''
}

/** Runs in the bundle: a node of 27 numbers for each beginning of a word, in the order of the alphabet. */
export function treeOf(words) {
  const starts = ['', ...new Set(words.flatMap(([word]) => [...word].map((_, i) => word.slice(0, i + 1))))].sort()
  const tree = new Int32Array(starts.length * 27).fill(-1)
  const at = new Map(starts.map((start, i) => [start, i * 27]))
  for (const start of starts.slice(1))
    tree[at.get(start.slice(0, -1)) + start.charCodeAt(start.length - 1) - 96] = at.get(start)
  for (const [word, value] of words) tree[at.get(word)] = value
  return tree
}

/** The module of the tree with the words that are in it. Throws where the tree that comes of them is another. */
function wordTree(code) {
  const tree = new Function(`${code.replace('export const READ_WORD_TREE =', 'return')}`)()
  const words = []
  const walk = (at, word) => {
    if (tree[at] !== -1) words.push([word, tree[at]])
    for (let letter = 1; letter < 27; letter++)
      if (tree[at + letter] !== -1) walk(tree[at + letter], word + String.fromCharCode(96 + letter))
  }
  walk(0, '')
  if (treeOf(words).join() !== tree.join()) throw new Error("sucrase's tree of keywords looks otherwise now")
  return `${treeOf}\nexport const READ_WORD_TREE = treeOf(${JSON.stringify(words)})`
}
