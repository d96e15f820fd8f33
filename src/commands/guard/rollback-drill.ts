// A drill: the whole rollback on copies of flag files, repositories and the ledger, with the time that it takes.
import { existsSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StepResult } from '../../decide/rollback/runs.ts'
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'
import type { PlaneConfig, Planes } from '../../schema/planes.ts'
import { canonicalJson, sha256 } from '../../content-hash.ts'
import { applyRollback, type Done } from './rollback-apply.ts'
import type { Aimed, Opened, RollbackOptions } from './rollback-plan.ts'

/** @returns pass: all went back on the copies within the goal; inconclusive: a plane has no copy, or nothing had to change */
export async function drillRollback(
  context: Context,
  opened: Opened,
  aim: Aimed,
  options: RollbackOptions,
): Promise<Done> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-drill-'))
  try {
    const copies = await copiesOf(context, opened, aim, folder)
    const ledger = join(folder, 'ledger')
    if (existsSync(opened.folder)) await cp(opened.folder, ledger, { recursive: true })
    await rm(join(ledger, 'ledger.lock'), { force: true })
    const planes = { ...opened.planes, ...Object.fromEntries(copies.planes) }
    const { skipped } = copies
    const start = context.monotonic()
    const how = { options, start, drill: true, skipped, planes: planesHash(opened.planes) }
    const done = await applyRollback(
      context,
      { ...opened, folder: ledger, planes },
      { ...aim, planes: copies.planes },
      how,
    )
    return { ...done, result: { ...done.result, release: null } }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Of the planes of an environment, however their keys are ordered: a drill of others says nothing about these. */
export function planesHash(planes: Planes): string {
  return sha256(canonicalJson(planes))
}

async function copiesOf(
  context: Context,
  { project }: Opened,
  { planes }: Aimed,
  folder: string,
): Promise<{ planes: [string, PlaneConfig][]; skipped: StepResult[] }> {
  const { copyForDrill } = await import('../../act/drill-copy.ts')
  const found: { planes: [string, PlaneConfig][]; skipped: StepResult[] } = { planes: [], skipped: [] }
  for (const [component, config] of planes) {
    const world = { root: project.root, component, env: context.env, folder }
    const step = { component, where: component, wanted: null, attempts: 0, took_ms: 0 }
    try {
      const copy = await copyForDrill(config, world, context.signal)
      if (copy) found.planes.push([component, copy])
      else
        found.skipped.push({ ...step, state: 'skipped', problem: `not drilled: its plane has no \`drill\` commands` })
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      found.skipped.push({ ...step, state: 'failed', problem: error.message, mend: error.mend })
    }
  }
  return found
}
