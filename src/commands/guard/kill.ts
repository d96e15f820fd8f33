// aigate kill: switches everything, a model, a feature, a segment or a user off and on again, through the flag file.
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { type KillState, switchOff, switchOn } from '../../act/kill-file.ts'
import { type KillOptions, scopeName } from '../../act/kill-list.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { type KillEntry, KillScope } from '../../schema/kill.ts'
import type { Json } from '../../schema/values.ts'
import { type ActionLog, actionsFolder, openActions, withActions } from '../../store/action-journal.ts'
import { gitUser } from '../../store/git.ts'
import { loadProjectOrDefaults } from '../../store/project.ts'
import { flagsWithoutKill, killFiles, killLine, killOptions, killStates } from './kill-files.ts'
import { ownFlags, REACHED, reachIn, requireKnown, UNREACHED } from './kill-reach.ts'
import { say } from '../versions/release.ts'

export type KillCommandOptions = {
  model?: string
  feature?: string
  segment?: string
  user?: string
  reason?: string
  until?: string
  all?: boolean
  /** Makes a flag file or a switch that is not there. */
  create?: boolean
  /** The flag file, instead of those that the configuration names. */
  file?: string
  config?: string
  json?: boolean
}
type Open = { context: Context; project: Project; files: string[]; missing: string[]; options: KillOptions }

/** `missing`: flag files that are not there; what is not there is read by nobody. */
async function open(context: Context, options: KillCommandOptions): Promise<Open> {
  const project = await loadProjectOrDefaults({ cwd: context.cwd, config: options.config })
  const files = options.file === undefined ? await killFiles(project) : [resolve(context.cwd, options.file)]
  if (files.length === 0)
    throw new AigateError('usage', {
      problem: 'No flag file is known: neither `kill.path` of aigate.yaml, nor a plane or rollout plan of type flagd.',
      mend: 'Write `kill: {path: deploy/flags.json}` in aigate.yaml, or name the file with --file.',
    })
  const there = files.filter((file) => existsSync(file))
  const missing = files.filter((file) => !there.includes(file))
  return { context, project, files: there, missing, options: killOptions(project) }
}

/** The flag files to write. Throws AigateError `usage` where there is none, and --create does not say that one shall be. */
function written(opened: Open, { create }: KillCommandOptions): Open {
  if (create) return { ...opened, files: [...opened.files, ...opened.missing], missing: [] }
  if (opened.files.length > 0) return opened
  throw new AigateError('usage', {
    problem: noFile(opened),
    mend: 'Name the one that applications read, with --file or `kill.path` in aigate.yaml; --create makes it.',
  })
}
const noFile = ({ context, missing }: Open) =>
  `There is no flag file ${missing.map((file) => relative(context.cwd, file)).join(', ')}.`

/** What is killed, and whether flagd will do so. Reads only. */
export async function killStatusCommand(context: Context, options: KillCommandOptions): Promise<Ending> {
  const opened = await open(context, options)
  const { states, unreadable } = await killStates(context, opened.files, opened.options)
  tell(opened, options, states)
  if (opened.missing.length > 0) context.stderr.write(`warning: ${noFile(opened)}\n`)
  for (const { file, said } of await flagsWithoutKill(opened.project))
    if (opened.files.includes(file)) context.stderr.write(`warning: ${said}\n`)
  for (const problem of unreadable) context.stderr.write(`error: ${problem}\n`)
  return unreadable.length > 0 ? 'invalid' : 'pass'
}

/**
 * Switches a kill on: the flag file first, without which nothing else matters, then the report. Idempotent: the same scope
 * again renews reason and end. @returns action_failed where it could not be verified for every flag that is concerned
 */
export async function killOnCommand(context: Context, options: KillCommandOptions): Promise<Ending> {
  const scope = scopeOf(options)
  const reason = reasonOf(options, 'on')
  const until = options.until === undefined ? null : endOf(options.until, context.now())
  const opened = written(await open(context, options), options)
  const flags = ownFlags(opened.project, scope)
  const by = await author(opened)
  const kill: KillEntry = { scope, reason, by, at: context.now().toISOString(), until, flags: flags ?? [] }
  const reach = options.create ? REACHED : await reachIn(opened, kill)
  const missed = await flagsWithoutKill(opened.project, kill)
  if (reach.nothing && flags === undefined && missed.length === 0) requireKnown(shown(opened), scope, reach)
  const ending = await carryOut(
    opened,
    options,
    { on: true, subject: scopeName(scope), reason, by, wanted: { on: scopeName(scope), until } },
    (file) => switchOn(file, kill, opened.options, context.now().getTime()),
  )
  for (const { file, said } of missed) if (opened.files.includes(file)) context.stderr.write(`warning: ${said}\n`)
  const lacking = [
    ...(opened.missing.length > 0 ? [`${noFile(opened)} It was not written: --create makes it.`] : []),
    ...(reach.nothing ? [UNREACHED] : []),
  ]
  for (const one of lacking) context.stderr.write(`error: ${one}\n`)
  return lacking.length > 0 ? 'action_failed' : ending
}
/** Takes a kill off the list, the global one without a scope. @returns action_failed where it could not be verified */
export async function killOffCommand(context: Context, options: KillCommandOptions): Promise<Ending> {
  const scope = scopeOf(options)
  const reason = reasonOf(options, 'off')
  const opened = written(await open(context, options), {})
  const what = options.all ? 'all' : scope
  const subject = what === 'all' ? 'all' : scopeName(what)
  const by = await author(opened)
  const { states } = await killStates(context, opened.files, opened.options)
  if (what !== 'all' && !states.some(({ kills }) => kills.some(({ name }) => name === subject)))
    context.stderr.write(`warning: ${subject === 'global' ? 'Everything' : subject} was not killed.\n`)
  return carryOut(opened, options, { on: false, subject, reason, by, wanted: { off: subject } }, (file) =>
    switchOff(file, what, opened.options, context.now().getTime()),
  )
}

type Wish = { on: boolean; subject: string; reason: string; by: string; wanted: Json }

async function carryOut(
  opened: Open,
  options: KillCommandOptions,
  wish: Wish,
  act: (file: string) => Promise<KillState>,
): Promise<Ending> {
  const { context } = opened
  const states: KillState[] = []
  const problems: string[] = []
  const failures = await journaled(opened, wish, async (file) => {
    const state = await act(file)
    states.push(state)
    const said = state.problems.map((problem) => `${relative(opened.project.root, file) || file}: ${problem}`)
    problems.push(...said)
    if (wish.on && said.length > 0) throw new AigateError('control_failed', { problem: said.join('; '), mend: MEND })
    return { kills: state.kills.map(({ name }) => name) }
  })
  tell(opened, options, states)
  for (const problem of failures) context.stderr.write(`error: ${problem}\n`)
  if (failures.length === 0) for (const one of problems) context.stderr.write(`warning: ${one}\n`)
  return failures.length > 0 ? 'action_failed' : 'pass'
}
const MEND = 'Mend the flag file, or stop these by hand: the rest of the kill is in force.'

/**
 * Acts on each file with an intent before and a record after. A kill does not wait for a journal: one that is held by a
 * long action, or cannot be written, is said and gone without. @returns what failed, as sentences
 */
async function journaled(
  opened: Open,
  { on, subject, reason, by, wanted }: Wish,
  act: (file: string) => Promise<{ kills: string[] }>,
): Promise<string[]> {
  const { context, project, files } = opened
  const folder = actionsFolder(project)
  const run = `kill-${context.now().toISOString()}-${randomUUID().slice(0, 8)}`
  const start = context.monotonic()
  let done: Promise<string[]> | undefined
  const work = async (log: ActionLog | null): Promise<string[]> => {
    const note = noter(context, log)
    note({
      kind: 'begun',
      run,
      verb: 'kill',
      subject,
      why: reason,
      drill: false,
      plan: { on, wanted, files: shown(opened) },
    })
    const failures: string[] = []
    for (const file of files) {
      const id = `${run}:${relative(project.root, file)}`
      note({
        kind: 'intent',
        run,
        id,
        action: on ? 'kill-on' : 'kill-off',
        subject: relative(project.root, file),
        wanted,
        why: reason,
      })
      try {
        note({ kind: 'applied', run, id, read_back: await act(file), took_ms: context.monotonic() - start })
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        failures.push(`${error.message} ${error.mend}`)
        note({ kind: 'failed', run, id, error: error.message, attempt: 1 })
      }
    }
    const outcome = failures.length > 0 ? 'action_failed' : 'pass'
    note({
      kind: 'ended',
      run,
      verb: 'kill',
      subject,
      drill: false,
      outcome,
      took_ms: context.monotonic() - start,
      detail: { failures },
    })
    return failures
  }
  try {
    return await withActions(folder, 'kill', () => {
      const log = openActions(folder, () => ({ at: context.now().toISOString(), by }))
      done = work(log)
      return done
    })
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(`warning: The kill is not in the journal of actions: ${error.message}\n`)
    return done ?? work(null)
  }
}

/** A record that cannot be written is said once; the act goes on. */
function noter(context: Context, log: ActionLog | null): (entry: Parameters<ActionLog['add']>[0]) => void {
  let silent = log === null
  return (entry) => {
    if (silent) return
    try {
      log?.add(entry)
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      silent = true
      context.stderr.write(`warning: The kill is not in the journal of actions: ${error.message}\n`)
    }
  }
}

const shown = ({ files, project }: Open) => files.map((file) => relative(project.root, file))

async function author({ context, project }: Open): Promise<string> {
  const name = await gitUser(project.root)
  return name === 'unknown' ? (context.env.USER ?? context.env.USERNAME ?? name) : name
}

function tell(opened: Open, { json }: KillCommandOptions, states: readonly KillState[]): void {
  const { context, project } = opened
  const files = states.map(({ file, kills, problems }) => ({ file: relative(project.root, file), kills, problems }))
  const now = states.flatMap(({ kills }) => kills.filter(({ over }) => !over))
  const lines = states.flatMap(({ file, kills, problems }) => [
    `${relative(project.root, file)}:${kills.length === 0 ? ' nothing is killed.' : ''}`,
    ...kills.flatMap((kill) => [
      `  ${kill.over ? 'over  ' : 'KILLED'} ${killLine(kill)}`,
      `         flags: ${kill.flags_concerned.join(', ') || 'none that asks the list'}; switches: ${kill.switches.join(', ')}`,
    ]),
    ...problems.map((problem) => `  problem: ${problem}`),
  ])
  say(context, json, { aigate: 'kills', killed: now.length > 0, files }, `${lines.join('\n')}\n`)
}

function scopeOf({ model, feature, segment, user }: KillCommandOptions): KillScope {
  const scope = KillScope.safeParse({
    ...(model === undefined ? {} : { model }),
    ...(feature === undefined ? {} : { feature }),
    ...(segment === undefined ? {} : { segment }),
    ...(user === undefined ? {} : { user }),
  })
  if (scope.success) return scope.data
  const { path, message } = scope.error.issues[0] ?? { path: [], message: 'not understood' }
  throw new AigateError('usage', { problem: `--${path.join('.')}: ${message}.`, mend: 'Write a name of one line.' })
}

function reasonOf({ reason }: KillCommandOptions, verb: string): string {
  const said = reason?.replaceAll(/\s+/g, ' ').trim()
  if (said) return said
  throw new AigateError('usage', {
    problem: `aigate kill ${verb} needs a reason.`,
    mend: 'Add --reason "…": everybody who looks at a status sees it.',
  })
}

/** `2h`, `30m`, `1d` from now, or a time such as 2026-12-31T10:00:00Z. */
function endOf(written: string, now: Date): string {
  const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(written) ?? []
  const at =
    unit === ''
      ? /^\d{4}-\d\d-\d\dT/.test(written)
        ? Date.parse(written)
        : NaN
      : now.getTime() + Number(amount) * (units[unit] ?? 0)
  if (at > now.getTime() && at < now.getTime() + 366 * 86_400_000) return new Date(at).toISOString()
  throw new AigateError('usage', {
    problem: `"${written}" is no end within a year from now.`,
    mend: 'Write --until 30m, 2h, 1d or 2026-12-31T10:00:00Z; without it a kill stays until it is switched off.',
  })
}
