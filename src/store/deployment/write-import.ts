// Writes what a deployment file becomes: new files only, and new entries into aigate.yaml.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Document, isMap, isScalar, isSeq, parseDocument, stringify } from 'yaml'
import { AigateError } from '../../errors.ts'
import { schemaHome, withSchemaHome } from '../schema-home.ts'
import { fileError, writeText } from '../write-text.ts'
import type { ImportPlan } from './import-deployment.ts'
import { makeFolder } from '../../make-folder.ts'

const HEAD = '# yaml-language-server: $schema=node_modules/aigate/schema/aigate.schema.json\n'

/**
 * Writes the files of a plan below `root` and adds providers, models and components to aigate.yaml; what is there stays.
 * @returns the paths that were written, and sentences about entries that were there already
 * Throws AigateError `init_exists` where a file is in the way: then nothing was written.
 */
export async function writeImport(root: string, plan: ImportPlan): Promise<{ written: string[]; kept: string[] }> {
  const there = plan.files.filter(({ path }) => existsSync(join(root, path)))
  const inTheWay = there.filter(({ keep }) => keep !== true).map(({ path }) => path)
  if (inTheWay.length > 0) throw new AigateError('init_exists', { files: inTheWay.join(', ') })
  const config = await configText(join(root, 'aigate.yaml'), plan.config)
  const home = schemaHome(root)
  const written: string[] = []
  const files = plan.files.filter((one) => !there.includes(one))
  const stayed = there.map(({ path }) => `${path} was there already and stays as it is`)
  const all = [...files, ...(config.text === undefined ? [] : [{ path: 'aigate.yaml', text: config.text }])]
  for (const { path, text } of all) {
    const file = join(root, path)
    try {
      await makeFolder(dirname(file))
    } catch (error) {
      throw fileError(file, error, 'write')
    }
    await writeText(file, withSchemaHome(path, text, home))
    written.push(path)
  }
  return { written, kept: [...stayed, ...config.kept] }
}

/** aigate.yaml with the new entries; `text` is undefined where nothing changes. Comments stay. */
async function configText(file: string, config: ImportPlan['config']): Promise<{ text?: string; kept: string[] }> {
  if (!existsSync(file))
    return {
      text: `${HEAD}${stringify({ version: 1, suites: [], ...config }, { lineWidth: 0, aliasDuplicateObjects: false })}`,
      kept: [],
    }
  const doc = parseDocument(await readFile(file, 'utf8'))
  if (doc.errors.length > 0 || !isMap(doc.contents))
    throw new AigateError(
      'bad_file',
      { problem: 'aigate.yaml cannot be read', mend: 'Correct it first: see `aigate check`.' },
      { file },
    )
  const kept: string[] = []
  let changed = false
  for (const [section, entries] of Object.entries(config)) {
    if (Array.isArray(entries)) {
      changed = addToList(doc, section, entries) || changed
      continue
    }
    for (const [name, entry] of Object.entries(entries as Record<string, unknown>)) {
      if (hasIn(doc, [section, name])) {
        if (section === 'models') kept.push(`${section}.${name} was there already and stays as it is`)
        continue
      }
      doc.setIn([section, name], doc.createNode(entry))
      changed = true
    }
  }
  return changed ? { text: doc.toString({ lineWidth: 0, flowCollectionPadding: false }), kept } : { kept }
}

const hasIn = (doc: Document, path: string[]) => doc.hasIn(path)

/** Adds what a list of aigate.yaml lacks; a list that is not written has its default. */
function addToList(doc: Document, section: string, entries: readonly unknown[]): boolean {
  const node: unknown = doc.get(section)
  if (!isSeq(node)) return false
  const there = node.items.map((one) => (isScalar(one) ? one.value : one))
  const lacking = entries.filter((one) => !there.includes(one))
  for (const one of lacking) node.add(doc.createNode(one))
  return lacking.length > 0
}
