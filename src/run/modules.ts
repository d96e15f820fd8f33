// Loads functions that users write in JavaScript or TypeScript, on every supported Node, also from inside the bundle.
import { existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { register } from 'node:module'
import { extname, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { toldErrors } from '../errors.ts'

/** Whether this Node takes types out by itself. */
const strips = Boolean((process.features as { typescript?: unknown }).typescript)

/**
 * Loads one export of a JavaScript or TypeScript file. TypeScript needs no build: where Node does not take types out by
 * itself (before 22.18), sucrase does; imports of further `.ts` files by relative path work. Throws an Error with a
 * sentence when the file or the export is missing or the file fails to load.
 * @param dir absolute folder that `path` is relative to
 */
export async function loadExport(dir: string, path: string, name: string): Promise<unknown> {
  const file = resolve(dir, path)
  await access(file).catch(() => {
    throw new Error(`There is no file ${path} to load.`)
  })
  // JavaScript may import TypeScript too.
  const release = strips ? undefined : readTypeScript()
  let loaded: Record<string, unknown>
  try {
    loaded = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    if (typeof error === 'object' && error !== null) toldErrors.add(error)
    const said = error instanceof Error ? error.message : String(error)
    throw new Error(`${path} could not be loaded: ${said}${meant(error)}`, { cause: error })
  } finally {
    release?.()
  }
  if (!Object.hasOwn(loaded, name)) {
    const known = Object.keys(loaded).join(', ') || 'nothing'
    throw new Error(`${path} has no export "${name}"; it exports ${known}.`)
  }
  return loaded[name]
}

/** `./b.js` and `./b` of a TypeScript project mean `b.ts` after a build; here nothing is built. */
function meant(error: unknown): string {
  const { code, url } = error as { code?: unknown; url?: unknown }
  if (code !== 'ERR_MODULE_NOT_FOUND' || typeof url !== 'string' || !url.startsWith('file:')) return ''
  const missing = fileURLToPath(url)
  const others = [missing.replace(/\.([mc]?)js$/, '.$1ts'), `${missing}.ts`, `${missing}.js`]
  const there = others.find((one) => one !== missing && existsSync(one))
  if (there === undefined) return ''
  return `. Write the ending that it has, ${extname(there)}, in the import: nothing is built here.`
}

/**
 * The loader runs in a thread of Node's own and is text, because the bundle holds no file that could be named. It asks
 * this thread, which has sucrase at hand, to take the types out.
 */
const hook = `
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
let port, last = 0
const waiting = new Map()
export function initialize(data) {
  port = data.port
  port.on('message', ({ id, source, problem }) => {
    const { resolve, reject } = waiting.get(id)
    waiting.delete(id)
    if (problem === undefined) resolve(source)
    else reject(new SyntaxError(problem))
  })
}
export async function load(url, context, next) {
  if (!/^file:[^?#]*[.]m?ts([?#]|$)/.test(url)) return next(url, context)
  const text = await readFile(fileURLToPath(url), 'utf8')
  const source = await new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject })
    port.postMessage({ id: last, text, file: fileURLToPath(url) })
  })
  return { format: 'module', source, shortCircuit: true }
}
`

let port: MessagePort | undefined
let loading = 0
/** Teaches this process to import TypeScript, once, and keeps it running until the function that is returned is called. */
function readTypeScript(): () => void {
  port ??= registerHook()
  loading += 1
  port.ref()
  return () => {
    loading -= 1
    // The port alone must not keep the program running.
    if (loading === 0) port?.unref()
  }
}

function registerHook(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port1.on('message', ({ id, text, file }: { id: number; text: string; file: string }) => {
    void withoutTypes(text, file).then((answer) => port1.postMessage({ id, ...answer }))
  })
  const url = `data:text/javascript,${encodeURIComponent(hook)}`
  register<{ port: MessagePort }>(url, { data: { port: port2 }, transferList: [port2] })
  return port1
}

async function withoutTypes(text: string, file: string): Promise<{ source: string } | { problem: string }> {
  const { transform } = await import('sucrase')
  try {
    const { code } = transform(text, { transforms: ['typescript'], disableESTransforms: true, filePath: file })
    return { source: code }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}
