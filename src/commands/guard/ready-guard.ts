// The part of readiness that looks at production: do triggers get data, and does a notice reach whoever is on call?
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asPlan, limitsFor } from '../../decide/guard/as-plan.ts'
import { type GuardData, noticesOf, onCallRow, type Row } from '../../decide/ready/rows.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Project } from '../../ports.ts'
import type { GuardAction, GuardPlan } from '../../schema/guard.ts'
import { collectGuards } from '../../store/guard-file.ts'

/** Reads the newest `within` milliseconds of the source of every guard; what a guard keeps for itself stays as it is. */
export async function triggerData(context: Context, project: Project, within: number): Promise<GuardData[]> {
  const { plans } = await collectGuards(project)
  const found: GuardData[] = []
  for (const { plan } of plans) found.push(await dataOf(context, project, plan, within))
  return found
}

async function dataOf(context: Context, project: Project, plan: GuardPlan, within: number): Promise<GuardData> {
  const { openSource } = await import('../../observe/registry.ts')
  const until = context.now().getTime()
  const span = Math.max(within, ...plan.triggers.map(({ window }) => window))
  const folder = await mkdtemp(join(tmpdir(), 'aigate-ready-'))
  try {
    const source = openSource(plan.source, { root: project.root, env: context.env })
    const { blocks } = await source.read({
      plan: asPlan(plan),
      cursor: null,
      since: until - span,
      until,
      closed: null,
      folder,
      changes: [],
      limits: limitsFor(plan),
      whole: true,
      signal: context.signal,
    })
    const recent = blocks.filter(({ start, length }) => start + length > until - within)
    const events: Record<string, number> = {}
    for (const { arms } of recent)
      for (const [name, { n }] of Object.entries(arms.baseline.metrics)) events[name] = (events[name] ?? 0) + n
    return { plan, events, failure: null }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { plan, events: {}, failure: error.message }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const variables = (action: GuardAction): string[] => {
  if (action.type === 'webhook') return action.url_env === undefined ? [] : [action.url_env]
  if (action.type === 'pagerduty') return [action.routing_key_env]
  return action.type === 'github-issue' ? [action.token_env] : []
}

/** Whom triggers tell; with `notify` everybody is sent one test notice, and PagerDuty's is resolved at once. */
export async function onCall(
  context: Context,
  project: Project,
  guards: readonly GuardData[],
  notify: boolean,
): Promise<Row> {
  const all = guards.flatMap(({ plan }) =>
    noticesOf(plan).flatMap((name) => {
      const action = plan.actions[name]
      return action ? [{ name, guard: plan.guard, action }] : []
    }),
  )
  const unset = [...new Set(all.flatMap(({ action }) => variables(action)))].filter(
    (name) => (context.env[name] ?? '').trim() === '',
  )
  const names = all.map(({ name }) => name)
  if (!notify) return onCallRow(names, unset, null)
  const told = []
  for (const one of all) told.push({ name: one.name, problem: await tellOne(context, project, one) })
  return onCallRow(names, unset, told)
}

type Told = { name: string; guard: string; action: GuardAction }

async function tellOne(context: Context, project: Project, { name, guard, action }: Told): Promise<string | null> {
  if (action.type === 'rollback') return 'this is no notice'
  const { performAction } = await import('../../act/notices/registry.ts')
  const at = context.now()
  const key = `${guard}-test-${name}-${at.getTime()}`
  const notice = {
    key,
    incident: key,
    guard,
    cause: 'test',
    metric: 'test',
    value: null,
    at: at.toISOString(),
    title: `Test of ${guard}: nothing has happened`,
    text: 'aigate ready --notify makes sure that this reaches you. There is nothing to do.',
    resolve: false,
  }
  const { env, signal } = context
  const world = { root: project.root, env, signal, now: () => context.now().getTime() }
  try {
    await performAction(action, notice, world)
    // Nobody shall be woken by a test for longer than it takes.
    if (action.type === 'pagerduty')
      await performAction(action, { ...notice, key: `${key}-resolve`, resolve: true }, world)
    return null
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return error.message
  }
}
