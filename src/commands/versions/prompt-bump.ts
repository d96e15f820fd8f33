// aigate prompt bump: the next version of a prompt; an edit of a published version moves there.
import { type Bump, nextVersion, promptChange } from '../../decide/change/prompt-change.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedPrompt, Project } from '../../ports.ts'
import { sha256 } from '../../content-hash.ts'
import { loadProject } from '../../store/project.ts'
import { promptText, restorePrompt, writeVersion } from '../../store/prompt-files.ts'
import { findPrompt, listPrompts, loadPrompt, parsePrompt, type PromptEntry } from '../../store/prompts.ts'
import type { PublishedPrompt } from '../../store/published-prompts.ts'
import { collectSuites } from '../../store/suites.ts'
import { type Options, publishedRefs, refOf, say, usersOf, versionsOf } from './prompt.ts'

type BumpOptions = Options & { major?: boolean; minor?: boolean; patch?: boolean }

/**
 * Copies the newest version (or the one that `ref` names) to the next. Where that version is published and was edited,
 * the edit becomes the new version, and the published file is put back; the size of the step follows from the edit.
 */
export async function bumpCommand(context: Context, ref: string, options: BumpOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const all = await listPrompts(project)
  const from = findPrompt(all, ref.includes('@') ? ref : `${ref}@latest`)
  if ('problem' in from) throw new AigateError('usage', { problem: `${from.problem}.`, mend: from.mend })
  const text = await promptText(project, from)
  const edited = await publishedBefore(context, project, from, text)
  const chosen = chosenBump(options)
  const { version, bump } = chosen
    ? { version: nextVersion(from.version, chosen), bump: chosen }
    : await nextFree(project, all, from, text, edited)
  const made = await writeVersion(project, from, text, version)
  if (edited) await restorePrompt(project, { file: from.file, text: edited.text })
  if (options.json) {
    say(context, { aigate: 'prompt-bump', version: 1, from, to: made, bump, restored: edited !== undefined })
    return 'pass'
  }
  const { suites } = await collectSuites(project, { suites: [] })
  const users = usersOf(suites, refOf(from))
  context.stdout.write(
    [
      `Wrote ${made.file} (${bump.toUpperCase()}) from ${refOf(from)}.`,
      ...(edited ? [`Restored ${from.file} as it was published; your edit is in ${made.version}.`] : []),
      ...(project.config.prompt_changelog ? [`Write an entry "## ${made.version}" in its CHANGELOG.md.`] : []),
      ...(users.length > 0 ? [`These suites still ask ${refOf(from)}: ${users.join(', ')}.`] : []),
    ].join('\n') + '\n',
  )
  return 'pass'
}

/** The version as it was published, where its file says something else now. */
async function publishedBefore(context: Context, project: Project, from: PromptEntry, text: string) {
  const published = await publishedRefs(context, project)
  const was = published?.find((one) => refOf(one) === refOf(from))
  return was && was.hash !== sha256(text) ? was : undefined
}

/** @throws AigateError usage when several are chosen. */
function chosenBump({ major, minor, patch }: BumpOptions): Exclude<Bump, 'none'> | undefined {
  const chosen = ([major && 'major', minor && 'minor', patch && 'patch'] as const).filter((one) => one !== undefined)
  if (chosen.length > 1)
    throw new AigateError('usage', {
      problem: `--${chosen.join(' and --')} exclude each other.`,
      mend: 'Write one of them, or none.',
    })
  return chosen[0] || undefined
}

type Step = { version: string; bump: Exclude<Bump, 'none'> }

/**
 * The step that the edit asks for; before there is an edit, the one that most edits need. Where a later version took
 * that number already, the step goes from the newest one.
 */
async function nextFree(
  project: Project,
  all: readonly PromptEntry[],
  from: PromptEntry,
  text: string,
  edited: PublishedPrompt | undefined,
): Promise<Step> {
  const after = await parsePrompt(text, from.file, from)
  const stepFrom = (before: LoadedPrompt): Step => {
    const { bump } = promptChange(before, after)
    const needed = bump === 'none' ? 'patch' : bump
    return { version: nextVersion(before.version, needed), bump: needed }
  }
  const wanted: Step = edited
    ? stepFrom(await parsePrompt(edited.text, edited.file, edited))
    : { version: nextVersion(from.version, 'minor'), bump: 'minor' }
  const versions = versionsOf(all, from.name)
  const newest = versions.at(-1)
  if (newest === undefined || versions.every(({ version }) => version !== wanted.version)) return wanted
  return stepFrom(await loadPrompt(project, refOf(newest)))
}
