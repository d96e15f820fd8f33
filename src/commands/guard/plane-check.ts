// What of the planes and kill switches in aigate.yaml cannot work: files, flags, variants, values and programs that are not there.
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { flagNames } from '../../act/flagd-flag.ts'
import { variantsIn } from '../../act/kill-file.ts'
import { KILL } from '../../act/kill-list.ts'
import { AigateError } from '../../errors.ts'
import type { Project } from '../../ports.ts'
import { Config } from '../../schema/config.ts'
import type { PlaneConfig } from '../../schema/planes.ts'
import { collectPlans } from '../../store/rollout-plan.ts'
import { sourceFile } from '../../store/source-text.ts'
import { readYaml } from '../../store/yaml.ts'
import { type Found, placed } from '../rollout/plan-faults.ts'
import { killFiles } from './kill-files.ts'

/** Files and flags that the rollout plans make when they start, as `file` and `file#flag`. */
type Made = ReadonlySet<string>

/** Every such problem, with its place. Nothing is run, and no network is asked. */
export async function planeProblems(project: Project): Promise<AigateError[]> {
  const { production, environments, kill } = project.config
  if (!production && !environments && !kill) return []
  const { locate } = await readYaml(sourceFile(project.root, project.file), Config, 'configuration')
  const made = await madeByPlans(project)
  const faults: Found[] = await killFaults(project, made)
  const all = [
    ...Object.entries(production ?? {}).map(([name, plane]) => ({ path: ['production', name], plane })),
    ...Object.entries(environments ?? {}).flatMap(([env, planes]) =>
      Object.entries(planes).map(([name, plane]) => ({ path: ['environments', env, name], plane })),
    ),
  ]
  for (const { path, plane } of all) faults.push(...(await faultsOf(project, plane, { path, made })))
  return placed(faults, locate)
}

async function madeByPlans(project: Project): Promise<Made> {
  const { plans } = await collectPlans(project)
  return new Set(
    plans.flatMap(({ plan }) => {
      if (plan.control.type !== 'flagd') return []
      const file = resolve(project.root, plan.control.path)
      return [file, ...Object.values(flagNames(plan)).map((flag) => `${file}#${flag}`)]
    }),
  )
}

type At = { path: string[]; made: Made }

async function faultsOf(project: Project, plane: PlaneConfig, at: At): Promise<Found[]> {
  if (plane.type === 'flagd') return flagFaults(project, plane, at)
  if (plane.type === 'git') return valueFaults(project, plane, at)
  return plane.type === 'command' ? programFaults(project, plane, at) : []
}

const fault = (path: string[], key: string | number, problem: string, mend: string): Found => ({
  path: [...path, key],
  problem: `${path.join('.')}: ${problem}`,
  mend,
})

/** Sentences instead of what cannot be read. */
async function said<T>(work: () => Promise<T>): Promise<T | AigateError> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AigateError) return error
    throw error
  }
}

async function flagFaults({ root }: Project, plane: Extract<PlaneConfig, { type: 'flagd' }>, at: At): Promise<Found[]> {
  const { path, made } = at
  const file = resolve(root, plane.path)
  if (made.has(`${file}#${plane.flag}`)) return []
  const variants = await said(() => variantsIn(file, plane.flag))
  if (variants instanceof Error) return [fault(path, 'path', variants.message, variants.mend)]
  if (variants === null)
    return [fault(path, 'path', `there is no ${plane.path}.`, 'Paths are relative to aigate.yaml.')]
  if (variants === undefined)
    return [fault(path, 'flag', `${plane.path} has no flag ${plane.flag}.`, 'Add the flag to the file, or correct its name.')] // biome-ignore format: one fault
  if (variants.length > 0) return []
  return [fault(path, 'flag', `the flag ${plane.flag} in ${plane.path} has no variants.`, 'Its variants are the versions: add them.')] // biome-ignore format: one fault
}

async function valueFaults(
  { root }: Project,
  plane: Extract<PlaneConfig, { type: 'git' }>,
  { path }: At,
): Promise<Found[]> {
  const { textOf } = await import('../../act/replace-file.ts')
  const { scalarIn } = await import('../../act/git-scalar.ts')
  const { pointerParts } = await import('../../act/http.ts')
  const text = await said(() => textOf(resolve(root, plane.path)))
  if (text instanceof Error) return [fault(path, 'path', text.message, text.mend)]
  // What is pushed need not be checked out here.
  if (text === null)
    return plane.push ? [] : [fault(path, 'path', `there is no ${plane.path}.`, 'Paths are relative to aigate.yaml.')]
  const found = await said(() => scalarIn(text, pointerParts(plane.pointer), { ...plane, kind: 'text' }))
  return found instanceof Error ? [fault(path, 'pointer', found.message, found.mend)] : []
}

function programFaults({ root }: Project, plane: Extract<PlaneConfig, { type: 'command' }>, { path }: At): Found[] {
  return (['set', 'read'] as const).flatMap((key) => {
    const [program = ''] = plane[key]
    if (!/[\\/]/.test(program) || program.includes('{{') || existsSync(resolve(root, program))) return []
    return [fault(path, key, `there is no program ${program}.`, 'Paths of programs are relative to aigate.yaml.')]
  })
}

async function killFaults(project: Project, made: Made): Promise<Found[]> {
  const { kill } = project.config
  if (!kill) return []
  const files = await killFiles(project)
  const there = files.filter((file) => existsSync(file))
  const shown = files.map((file) => relative(project.root, file)).join(', ')
  if (kill.path !== undefined && there.length === 0 && files.every((file) => !made.has(file)))
    return [fault(['kill'], 'path', `there is no ${kill.path}: a kill would reach nobody.`, 'Name the flag file that applications read.')] // biome-ignore format: one fault
  const faults: Found[] = []
  const look = async (path: string[], key: string | number, flag: string, variant?: string) => {
    // A switch that applications ask for comes with the first kill.
    if (flag === KILL || flag.startsWith(`${KILL}-`)) return
    if (files.some((file) => made.has(`${file}#${flag}`))) return
    const found = await Promise.all(there.map((file) => said(() => variantsIn(file, flag))))
    const lists = found.filter(Array.isArray)
    if (found.some((one) => one instanceof Error)) return
    if (lists.length === 0)
      faults.push(fault(path, key, `no flag ${flag} is in ${shown || 'any flag file'}: no kill reaches it.`, 'Correct its name, or add the flag to the file.')) // biome-ignore format: one fault
    else if (variant !== undefined && !lists.some((list) => list.includes(variant)))
      faults.push(fault(path, key, `the flag ${flag} has no variant ${variant}; it has ${lists.flat().join(', ')}.`, 'Name the variant that is served when it is killed.')) // biome-ignore format: one fault
  }
  for (const [flag, variant] of Object.entries(kill.flags)) await look(['kill', 'flags'], flag, flag, variant)
  for (const [feature, flags] of Object.entries(kill.features))
    for (const [index, flag] of flags.entries()) await look(['kill', 'features', feature], index, flag)
  return faults
}
