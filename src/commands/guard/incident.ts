// aigate incident: the timeline of what was deployed, measured and done, from the ledger and all journals.
import { foldGuard } from '../../decide/guard/fold.ts'
import { incident, type IncidentSources, type Span, spanOf } from '../../decide/incident/timeline.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { incidentMarkdown } from '../../report/incident.ts'
import { redactor, secretNames } from '../../run/redact.ts'
import { Duration } from '../../schema/values.ts'
import { actionsFolder } from '../../store/action-journal.ts'
import { soundActions } from '../../store/action-repair.ts'
import { guardNames, guardRecords } from '../../store/guard-history.ts'
import { releasesFolder, soundRecords } from '../../store/ledger.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { journaledRollouts, readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { say } from '../versions/release.ts'

export type IncidentOptions = { config?: string; json?: boolean; since?: string; until?: string }

/** Writes Markdown, or JSON. Nothing is decided: it passes whatever happened. */
export async function incidentCommand(
  context: Context,
  id: string | undefined,
  options: IncidentOptions,
): Promise<Ending> {
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const { sources, problems } = await sourcesOf(project)
  for (const problem of problems) context.stderr.write(`warning: ${problem}\n`)
  const now = context.now().getTime()
  const span = spanWanted(id, sources, options, now)
  const found = incident(id ?? 'timeline', span, sources)
  const redact = redactor(context.env, secretNames(project.config))
  const view = { ...found, entries: found.entries.map((one) => ({ ...one, text: redact(one.text) })) }
  say(context, options.json, { aigate: 'incident', ...view }, incidentMarkdown(view))
  return 'pass'
}

/** `problems`: what of it is damaged and cannot be told. */
async function sourcesOf(project: Project): Promise<{ sources: IncidentSources; problems: string[] }> {
  const rollouts = await journaledRollouts(project)
  const actions = soundActions(actionsFolder(project))
  const guards = guardNames(project).map((name) => ({ name, ...guardRecords(project, name) }))
  const problems = [
    ...guards.flatMap((one) => one.problems),
    ...(actions.problem === undefined ? [] : [actions.problem]),
  ]
  const sources = {
    ledger: soundRecords(releasesFolder(project)),
    rollouts: rollouts.map((name) => ({
      name,
      records: readRolloutJournal(rolloutFolder(project, name)).chain.records,
    })),
    guards: guards.map(({ name, records }) => ({ name, records, episodes: foldGuard(records).episodes })),
    actions: actions.records,
  }
  return { sources, problems }
}

function spanWanted(id: string | undefined, sources: IncidentSources, options: IncidentOptions, now: number): Span {
  const { since, until } = options
  const named = id === undefined ? null : spanOf(id, sources, now)
  if (id !== undefined && named === null) {
    const problem = `No rollout, firing or release is called ${id}.`
    const known = [
      ...sources.rollouts.map(({ name }) => name),
      ...sources.guards.flatMap(({ episodes }) => episodes.map((one) => one.id)),
    ]
    const mend =
      known.length === 0
        ? 'Name a time: --since 2h.'
        : `There are: ${known.slice(-8).join(', ')}; or name a time: --since 2h.`
    throw new AigateError('usage', { problem, mend })
  }
  if (named === null && since === undefined)
    throw new AigateError('usage', { problem: 'It is not said which incident.', mend: 'Name its id, or --since 2h.' })
  const from = since === undefined ? (named?.since ?? now) : moment('--since', since, now)
  const to = until === undefined ? (named?.until ?? now) : moment('--until', until, now)
  if (from <= to) return { since: from, until: to }
  throw new AigateError('usage', {
    problem: 'The end lies before the beginning.',
    mend: 'Exchange --since and --until.',
  })
}

/** A time, or a duration before now. */
function moment(flag: string, written: string, now: number): number {
  const ago = Duration.safeParse(written)
  if (ago.success) return now - ago.data
  const at = Date.parse(written)
  if (!Number.isNaN(at)) return at
  throw new AigateError('usage', {
    problem: `${flag} ${written} is no time.`,
    mend: 'Write 2h, or 2026-11-21T10:00:00Z.',
  })
}
