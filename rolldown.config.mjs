// Bundles the command-line tool: users install one package and no dependency tree, and rarely used parts load on demand.
import { readFileSync, writeFileSync } from 'node:fs'
import { defineConfig } from 'rolldown'

export default defineConfig({
  input: { main: 'src/main.ts' },
  platform: 'node',
  output: {
    dir: 'dist',
    format: 'esm',
    minify: true,
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    legalComments: 'none',
  },
  plugins: [licences()],
})

/** Writes dist/THIRD-PARTY-LICENCES.txt: name, version, licence and licence text of every package inside the bundle. */
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
      const entries = [...roots].map((root) => describe(root)).sort((a, b) => (a < b ? -1 : 1))
      writeFileSync('dist/THIRD-PARTY-LICENCES.txt', [...new Set(entries)].join(`\n${'-'.repeat(78)}\n`))
    },
  }
}

function describe(root) {
  const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'license', 'LICENSE-MIT']) {
    try {
      return `${name} ${version} (${license})\n\n${readFileSync(`${root}/${file}`, 'utf8').trim()}\n`
    } catch {}
  }
  return `${name} ${version} (${license})\n`
}
