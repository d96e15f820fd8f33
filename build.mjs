// Bundles the command-line tool and the GitHub Action: users install one package and no dependency tree, and rarely used parts load on demand.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'rolldown'

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
    chunkFileNames: 'chunks/[name]-[hash].js',
    comments: { legal: false },
  },
  plugins: [licences()],
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
      const packages = new Map()
      for (const root of [...roots].sort()) {
        const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
        const text = licenceText(root)
        packages.set(text, [...(packages.get(text) ?? []), `${name} ${version} (${license})`])
      }
      const entries = [...packages].map(([text, names]) => `${[...new Set(names)].join('\n')}\n\n${text}\n`)
      writeFileSync('dist/THIRD-PARTY-LICENCES.txt', entries.join(`\n${'-'.repeat(78)}\n\n`))
    },
  }
}

function licenceText(root) {
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'LICENSE-MIT']) {
    try {
      return readFileSync(`${root}/${file}`, 'utf8').replaceAll('\r\n', '\n').trim()
    } catch {}
  }
  return 'The package ships no licence text of its own; see the licence named above.'
}
