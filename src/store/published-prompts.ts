// The prompt versions that are published: those of the base commit, read from git objects.
import { relative, resolve, sep } from 'node:path'
import * as z from 'zod'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { Config } from '../schema/config.ts'
import { sha256 } from '../content-hash.ts'
import { fileAt, textsAt } from './git-objects.ts'
import { type PromptEntry, promptEntries } from './prompts.ts'
import { parseYaml } from './yaml.ts'

/** `text` has LF line ends and no byte order mark; `hash` is that of `LoadedPrompt`. `file` is relative to the root. */
export type PublishedPrompt = PromptEntry & { text: string; hash: string }

const { prompts, prompt_changelog } = Config.shape
/** Only what is needed, so that the configuration of an older release can be read. */
const BaseConfig = z.looseObject({ prompts, prompt_changelog })

/**
 * All versions in the folder of the prompts at a commit, by name and then by version, and whether the configuration of
 * then asks for changelog entries. The folder is the one that aigate.yaml named then: moving it hides nothing.
 * @throws AigateError `cannot_read` when git fails.
 */
export async function publishedPrompts(
  project: Project,
  commit: string,
): Promise<{ prompts: PublishedPrompt[]; changelog: boolean }> {
  const config = await configAt(project, commit)
  const folder = fromRoot(project, config.prompts)
  const texts = await textsAt(project.root, commit, folder)
  const below = [...texts.keys()].flatMap((path) =>
    folder === '' ? [path] : path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [],
  )
  const entries = promptEntries(below, (path) => (folder === '' ? path : `${folder}/${path}`))
  const prompts = entries.map((entry) => {
    const text = (texts.get(entry.file) ?? '').replace(/^\ufeff/, '').replaceAll('\r\n', '\n')
    return { ...entry, text, hash: sha256(text) }
  })
  return { prompts, changelog: config.prompt_changelog }
}

const fromRoot = ({ root }: Project, path: string) => relative(root, resolve(root, path)).split(sep).join('/')

async function configAt(project: Project, commit: string): Promise<z.infer<typeof BaseConfig>> {
  const file = fromRoot(project, project.file)
  const text = await fileAt(project.root, commit, file)
  if (text === null) return project.config
  try {
    return parseYaml(text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n'), file, BaseConfig, 'configuration').value
  } catch (error) {
    if (error instanceof AigateError) return project.config
    throw error
  }
}
