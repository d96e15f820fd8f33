// Bundles the command-line tool and the GitHub Action: users install one package and no dependency tree, and rarely used parts load on demand.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'
import { lighter } from './lighter.mjs'

const output = { dir: 'dist', minify: true, comments: { legal: false, annotation: false, jsdoc: false } }
const common = {
  platform: 'node',
  optimization: { inlineConst: { mode: 'all', pass: 3 } },
  // To read a property, or a name of JavaScript itself, does nothing that anybody would miss.
  treeshake: { propertyReadSideEffects: false, unknownGlobalSideEffects: false },
}

/**
 * Names of chunks are without hashes, which cannot be compressed and which nobody needs in a package. They begin with the folder
 * of what is in them: a package is packed in the order of the names, and what is alike takes less room beside each other.
 */
function chunkName({ facadeModuleId, moduleIds }) {
  const path = (facadeModuleId ?? moduleIds.at(-1) ?? '').replaceAll('\\', '/').replace('\0', '')
  const [, own = ''] = /.*\/node_modules\/(.*)/.exec(path) ?? []
  const folders = (own === '' ? path.replace(/^.*\/src\//, '') : `lib/${own}`).split('/').slice(0, -1)
  return `chunks/${[...folders.map((name) => name.replace(/[^\w]+/g, '-')), '[name]'].join('-')}.cjs`
}

await build({
  ...common,
  logLevel: 'warn',
  input: { main: 'src/main.ts' },
  // CommonJS: Node loads it with less work than modules of ES.
  output: {
    ...output,
    cleanDir: true,
    format: 'cjs',
    strict: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: chunkName,
  },
  plugins: [lighter(), licences()],
})
// The GitHub Action is run from git and not from the package: with chunks of its own it splits none of the program's.
await build({
  ...common,
  logLevel: 'silent',
  input: { action: 'src/action.ts' },
  output: { ...output, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'action/[name].js' },
  plugins: [lighter()],
})
writeFileSync('dist/.npmignore', 'action.js\naction/\n')

/** Writes dist/THIRD-PARTY-LICENCES.txt: every package inside the bundle, grouped by the text of its licence. */
function licences() {
  return {
    name: 'third-party-licences',
    writeBundle(_options, bundle) {
      const roots = new Set()
      for (const chunk of Object.values(bundle)) {
        for (const id of chunk.type === 'chunk' ? Object.keys(chunk.modules) : []) {
          const found = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id.replace(/^\0/, ''))
          if (found) roots.add(found[1])
        }
      }
      // One text of a licence stands for all that differ from it only in who holds the copyright, or in where lines end.
      const texts = new Map()
      for (const root of [...roots].sort()) {
        const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
        const lines = licenceText(root).split('\n')
        const isHolder = (line) => /^\s*(?:Copyright\s*(?:\(c\)|©|\d{4}|by )|\(c\)\s*\d{4}|©)/i.test(line)
        const holders = lines.filter(isHolder).map((line) => line.trim())
        const text = lines
          .filter((line) => !isHolder(line))
          .join('\n')
          .trim()
        const key = text.replace(/\s+/g, ' ').toLowerCase()
        const entry = texts.get(key) ?? { text, names: new Map() }
        entry.names.set(`${name} ${version} (${license})`, holders)
        texts.set(key, entry)
      }
      // Alike ones beside each other: they are compressed to almost nothing.
      const alike = [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
      const entries = alike.map(({ text, names }) => `${holdersOf(names)}\n\n${text}\n`)
      writeFileSync('dist/THIRD-PARTY-LICENCES.txt', apacheOnce(entries.join(`\n${'-'.repeat(78)}\n\n`)))
    },
  }
}

/** The terms of the Apache License stand in it once; where the very same come again, it is said where they stand. */
function apacheOnce(text) {
  let first
  return text.replace(/[ \t]*Apache License\s+Version 2\.0,[\s\S]*?END OF TERMS AND CONDITIONS/g, (terms) => {
    const words = terms.replace(/\s+/g, ' ').trim()
    const isAgain = words === first
    first ??= words
    return isAgain ? 'Apache License, Version 2.0: its terms stand above, where they come first in this file.' : terms
  })
}

/** Packages, and under those of one holder who that is. */
function holdersOf(names) {
  const groups = new Map()
  for (const [name, holders] of names) {
    const who = holders.join('\n')
    groups.set(who, [...(groups.get(who) ?? []), name])
  }
  return [...groups].map(([who, own]) => `${own.join('\n')}${who === '' ? '' : `\n${who}`}`).join('\n\n')
}

function licenceText(root) {
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'LICENSE-MIT']) {
    try {
      return readFileSync(`${root}/${file}`, 'utf8').replaceAll('\r\n', '\n').trim()
    } catch {}
  }
  return 'The package ships no licence text of its own; see the licence named above.'
}
