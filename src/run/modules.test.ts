// Loading TypeScript as users do: from the bundled program, on this very Node, without a test runner in between.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { rolldown } from 'rolldown'
import { beforeAll, describe, expect, it } from 'vitest'
import { graderTools } from './grader-tools.ts'

const dir = mkdtempSync(join(tmpdir(), 'aigate-modules-'))
const user = join(dir, 'user')
const files = {
  'a.ts': `import { twice } from './b.ts'
    import type { N } from './types.ts'
    export default function f(n: N): string { return String(twice(n) satisfies number) }
    export const later = async (): Promise<string> => (await import('./c.ts')).c`,
  'b.ts': 'export const twice = (n: number): number => n * 2',
  'c.ts': 'export const c: string = "later"',
  'types.ts': 'export type N = number',
  'js.mjs': `export { twice } from './b.ts'`,
  'broken.ts': 'export const = 3',
  'built.ts': `import { twice } from './b.js'\nexport default twice`,
  'bare.ts': `import { twice } from './b'\nexport default twice`,
  'gone.ts': `import { x } from './nowhere.js'\nexport default x`,
  'throws.ts': 'throw new Error("at the top: " + (1 as number))',
}
const main = `
  import { loadExport } from ${JSON.stringify(join(import.meta.dirname, 'modules.ts'))}
  async function load([dir = '', ...rest]: string[]) {
    const out: string[] = []
    for (const one of rest) {
      const [path = '', name = ''] = one.split('#')
      try {
        const loaded = await loadExport(dir, path, name) as (n: number) => unknown
        out.push(String(await loaded(21)))
      } catch (error) {
        out.push(String(error))
      }
    }
    console.log(JSON.stringify(out))
  }
  void load(process.argv.slice(2))`

beforeAll(async () => {
  mkdirSync(user)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(user, name), text)
  writeFileSync(join(dir, 'main.ts'), main)
  const bundle = await rolldown({ input: join(dir, 'main.ts'), platform: 'node', logLevel: 'silent' })
  await bundle.write({ dir: join(dir, 'dist'), format: 'cjs', strict: true, minify: true, entryFileNames: 'main.cjs' })
  await bundle.close()
})

async function load(...wanted: string[]): Promise<string[]> {
  const { stdout } = await execa(process.execPath, [join(dir, 'dist/main.cjs'), user, ...wanted], { timeout: 10_000 })
  return JSON.parse(stdout) as string[]
}

describe('loadExport, bundled', () => {
  it('loads TypeScript with imports of its own, and lets the program end', async () => {
    expect(await load('a.ts#default', 'a.ts#later', 'js.mjs#twice', 'a.ts#default')).toEqual([
      '42',
      'later',
      '42',
      '42',
    ])
  })

  it('says which ending an import needs, where the file is there under another', async () => {
    const [built, bare, gone] = await load('built.ts#default', 'bare.ts#default', 'gone.ts#default')
    for (const said of [built, bare])
      expect(said).toMatch(
        /Cannot find module .*\. Write the ending that it has, \.ts, in the import: nothing is built here\.$/,
      )
    expect(gone).toMatch(/Cannot find module/)
    expect(gone).not.toMatch(/ending/)
  })

  it('says what is wrong', async () => {
    const [broken, throws, missing, none] = await load('broken.ts#x', 'throws.ts#x', 'nowhere.ts#x', 'b.ts#default')
    expect(broken).toMatch(/^Error: broken\.ts could not be loaded: /)
    expect(throws).toBe('Error: throws.ts could not be loaded: at the top: 1')
    expect(missing).toBe('Error: There is no file nowhere.ts to load.')
    expect(none).toBe('Error: b.ts has no export "default"; it exports twice.')
  })
})

describe('graderTools', () => {
  const env = { PATH: process.env['PATH'], HOME: '/h', KEY: 'secret-secret' }
  const tools = graderTools({ dir, env })

  it('runs programs in the folder of the suite, without the rest of the environment', async () => {
    const script =
      'process.stdin.pipe(process.stdout); console.error(process.cwd(), process.env.KEY); process.exitCode = 1'
    const ended = await tools.runCommand([process.execPath, '-e', script], 'in', 5_000)
    expect(ended).toEqual({ exitCode: 1, stdout: 'in', stderr: `${dir} undefined` })
  })

  it('rejects what cannot start or does not end', async () => {
    await expect(tools.runCommand(['no-such-program-here'], '', 1_000)).rejects.toThrow('there is no such program')
    const endless = tools.runCommand([process.execPath, '-e', 'setInterval(() => {}, 1000)'], '', 300)
    await expect(endless).rejects.toThrow('did not end within 300 ms')
  })
})
