// aigate drift --live: learns what is normal in live traffic, and compares a window of it with that.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { liveDrift } from '../../decide/drift/live-drift.ts'
import { driftAsPlan, sampleOf } from '../../decide/drift/live-plan.ts'
import { releasesOf } from '../../decide/release/releases.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { liveDriftText } from '../../report/drift.ts'
import { openSource } from '../../observe/registry.ts'
import { DRIFT_REFERENCE_FORMAT, type DriftReference, type DriftSample } from '../../schema/drift.ts'
import { type LoadedDrift, readDrift, readReference, writeReference } from '../../store/drift-file.ts'
import { gitUser } from '../../store/git.ts'
import { releasesFolder, soundRecords } from '../../store/ledger.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { say } from '../versions/release.ts'

export type LiveOptions = { config?: string; json?: boolean; learn?: boolean; for?: number; env: string }
const DAY = 86_400_000

/**
 * Learns (`--learn`), or compares the window; with `--for` only so long after the newest release, and with alpha shared
 * out over the looks of one a day. @returns fail: drift is proven; inconclusive: open; invalid: not measured
 */
export async function driftLiveCommand(context: Context, file: string, options: LiveOptions): Promise<Ending> {
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const loaded = await readDrift(project, resolve(context.cwd, file))
  const now = context.now().getTime()
  if (options.learn) return learn(context, project, loaded, now)
  const watched = options.for === undefined ? null : postDeploy(project, options.for, options.env, now)
  if (watched?.over) {
    const value = { aigate: 'drift-live', drift: loaded.plan.drift, outcome: 'pass', over: true, release: watched.id }
    say(context, options.json, value, `${loaded.plan.drift}: the watch after release ${watched.id} is over.\n`)
    return 'pass'
  }
  const reference = requireReference(context, loaded)
  const { plan } = loaded
  const since = Math.max(now - plan.window, watched?.since ?? 0)
  const sample = await readSample(context, project, loaded, { since, until: now })
  const alpha = options.for === undefined ? plan.alpha : plan.alpha / Math.max(1, Math.ceil(options.for / DAY))
  const look = liveDrift(plan, reference.sample, sample, alpha)
  say(context, options.json, { aigate: 'drift-live', ...look }, liveDriftText(look))
  return look.outcome
}

async function learn(context: Context, project: Project, loaded: LoadedDrift, now: number): Promise<Ending> {
  const { plan, reference: file, hash } = loaded
  const sample = await readSample(context, project, loaded, { since: now - plan.learn, until: now })
  if (sample.events < plan.min_events) {
    const problem = `Only ${sample.events} events in what was to be learnt; it takes ${plan.min_events}.`
    throw new AigateError('source_failed', { problem, mend: 'Learn later, or over more of the past (learn: 14d).' })
  }
  const reference: DriftReference = {
    aigate: 'drift-reference',
    version: DRIFT_REFERENCE_FORMAT,
    drift: plan.drift,
    watch_hash: hash,
    learnt: { at: new Date(now).toISOString(), by: await gitUser(project.root) },
    sample,
  }
  await writeReference(file, reference)
  const shown = relative(context.cwd, file) || file
  context.stdout.write(`${shown}: learnt from ${sample.events} events. Commit it.\n`)
  return 'pass'
}

function requireReference(context: Context, { reference: file, hash }: LoadedDrift): DriftReference {
  const reference = readReference(file)
  const shown = relative(context.cwd, file) || file
  const mend = 'Learn it: `aigate drift --live <file> --learn`, and commit the file.'
  if (reference === null) throw new AigateError('usage', { problem: `There is no reference ${shown} yet.`, mend })
  if (reference.watch_hash === hash) return reference
  throw new AigateError('usage', { problem: `What is watched changed since ${shown} was learnt.`, mend })
}

async function readSample(
  context: Context,
  project: Project,
  { plan }: LoadedDrift,
  span: { since: number; until: number },
): Promise<DriftSample> {
  // Every look reads the whole span anew: what the source keeps between looks is worth nothing to it.
  const folder = await mkdtemp(join(tmpdir(), 'aigate-drift-'))
  try {
    const source = openSource(plan.source, { root: project.root, env: context.env })
    const reading = await source.read({
      plan: driftAsPlan(plan),
      cursor: null,
      ...span,
      closed: null,
      folder,
      changes: [],
      limits: {},
      whole: true,
      signal: context.signal,
    })
    return sampleOf(plan, reading, span)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The watch after a release: from its time on, for so long. Throws AigateError `usage` where nothing was released. */
function postDeploy(project: Project, lasts: number, env: string, now: number) {
  const newest = releasesOf(soundRecords(releasesFolder(project)), env).at(-1)
  if (!newest) {
    const mend = 'Record it: `aigate release record`, or leave --for out.'
    throw new AigateError('usage', {
      problem: `Nothing was released to ${env}, so nothing can be watched after it.`,
      mend,
    })
  }
  const since = Date.parse(newest.at)
  return { id: newest.id, since, over: now > since + lasts }
}
