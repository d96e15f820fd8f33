// Bundles the command-line tool and the GitHub Action: users install one package and no dependency tree, and rarely used parts load on demand.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'
import { lighter } from './build-lighter.mjs'

await build({
  input: { main: 'src/main.ts', action: 'src/action.ts' },
  logLevel: 'warn',
  platform: 'node',
  output: {
    dir: 'dist',
    format: 'esm',
    minify: true,
    cleanDir: true,
    entryFileNames: '[name].js',
    // Without hashes, which cannot be compressed and which nobody needs in a package.
    chunkFileNames: 'chunks/[name].js',
    comments: { legal: false },
  },
  plugins: [lighter(), licences()],
})

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
        const isHolder = (line) => /^\s*(?:Copyright\s*(?:\(c\)|©|\d{4}|by )|\(c\)|©)/i.test(line)
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
      const entries = [...texts.values()].map(({ text, names }) => `${holdersOf(names)}\n\n${text}\n`)
      writeFileSync('dist/THIRD-PARTY-LICENCES.txt', entries.join(`\n${'-'.repeat(78)}\n\n`))
    },
  }
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
