// What `aigate check` says about prompts as code: published versions, the size of version steps, changelog entries.
import { promptFaults, type PromptVersion } from '../../decide/change/prompt-change.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import { sha256 } from '../../content-hash.ts'
import { type Base, findBase } from '../../store/base-commit.ts'
import { promptChangelogs, promptText } from '../../store/prompt-files.ts'
import { listPrompts, parsePrompt, type PromptEntry } from '../../store/prompts.ts'
import { publishedPrompts } from '../../store/published-prompts.ts'

/** `problems` stop the pipeline; `notes` say what could not be compared. */
export type PromptFindings = { problems: AigateError[]; notes: string[] }

/** Compares the prompts with the base commit. Without a base that is a problem in CI, where somebody relies on it, and a note elsewhere. */
export async function promptFindings(context: Context, project: Project): Promise<PromptFindings> {
  const entries = await listPrompts(project)
  const base = await findBase(project.root, { env: context.env })
  if ('problem' in base) {
    const nothingPublished = base.kind === 'no_commit' || (base.kind === 'no_git' && !context.env['CI'])
    if (entries.length === 0 || nothingPublished) return { problems: [], notes: [] }
    const problem = `published prompts cannot be compared: ${base.problem}`
    if (context.env['CI'] && base.kind !== 'no_git')
      return { problems: [new AigateError('usage', { problem: `${problem}.`, mend: base.mend })], notes: [] }
    return { problems: [], notes: [`${problem}. ${base.mend}`] }
  }
  try {
    return { problems: await againstBase(project, base, entries), notes: [] }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { problems: [error], notes: [] }
  }
}

async function againstBase(project: Project, base: Base, entries: PromptEntry[]): Promise<AigateError[]> {
  const published = await publishedPrompts(project, base.commit)
  const known = new Set(published.prompts.map(({ name, version }) => `${name}@${version}`))
  const moving = new Set(entries.flatMap(({ name, version }) => (known.has(`${name}@${version}`) ? [] : [name])))
  const prompts: PromptVersion[] = []
  for (const entry of entries) prompts.push(await versionOf(project, entry, moving.has(entry.name)))
  const asked = project.config.prompt_changelog || published.changelog
  const changelogs = asked ? await promptChangelogs(project, new Set(entries.map(({ name }) => name))) : null
  const state = { base: base.commit.slice(0, 12), published: published.prompts, prompts, changelogs }
  return promptFaults(state).map(
    ({ file, problem, mend }) => new AigateError('bad_file', { problem: `${problem}.`, mend }, { file }),
  )
}

/**
 * A file that is no valid prompt has a hash all the same; what is wrong in it is told elsewhere. The content is read
 * (`parsed`) only where a new version is to be measured: most prompts of a repository stand still.
 */
async function versionOf(project: Project, entry: PromptEntry, parsed: boolean): Promise<PromptVersion> {
  const unreadable = { ...entry, hash: '', content: null }
  try {
    const text = await promptText(project, entry)
    if (!parsed) return { ...entry, hash: sha256(text), content: null }
    const content = await parsePrompt(text, entry.file, entry).catch((error: unknown) => {
      if (error instanceof AigateError) return null
      throw error
    })
    return { ...entry, hash: sha256(text), content }
  } catch (error) {
    if (error instanceof AigateError) return unreadable
    throw error
  }
}
