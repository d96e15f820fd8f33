// aigate baseline verify: follows the chain of accepted baselines through the history of git.
import { join, relative } from 'node:path'
import { type ChainVersion, verifyChain } from '../../decide/baseline/baseline-chain.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { safeJson } from '../../report/safe-text.ts'
import { baselineFile, parseBaseline } from '../../store/baseline-file.ts'
import { fileHistory, type FileVersion } from '../../store/file-history.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'

type VerifyOptions = { config?: string; json?: boolean }
/** `links`: how many were checked; `course`: how the baseline moved, in words; null: there never was one. */
type Verified = { suite: string; file: string; holds: boolean; links: number; course: string | null; problems: string[]; notes: string[] } // biome-ignore format: short

/** Says for each suite how its baseline came about. Ends with `fail` when a chain is broken. */
export async function verifyCommand(context: Context, names: string[], options: VerifyOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites: Verified[] = []
  for (const { suite } of await loadSuites(project, { suites: names }))
    suites.push(await verifySuite(context, project, suite.suite))
  const holds = suites.every((one) => one.holds)
  const data = { aigate: 'baseline-verification', version: 1, holds, suites }
  if (options.json) context.stdout.write(`${safeJson(JSON.stringify(data, null, 2))}\n`)
  else context.stdout.write(suites.map(verifiedText).join(''))
  return holds ? 'pass' : 'fail'
}

async function verifySuite(context: Context, project: Project, suite: string): Promise<Verified> {
  const file = baselineFile(join(project.root, project.config.baselines), suite)
  const shown = relative(context.cwd, file) || file
  const { versions, whole } = await fileHistory(project.root, file)
  if (versions.length === 0)
    return {
      suite,
      file: shown,
      holds: true,
      links: 0,
      course: null,
      problems: [],
      notes: ['no baseline, now or ever'],
    }
  const read: ChainVersion[] = []
  for (const version of versions) read.push(await readVersion(version, suite, shown))
  const found = verifyChain(read, { whole })
  return { suite, file: shown, holds: found.problems.length === 0, ...found }
}

function verifiedText({ file, holds, links, course, problems, notes }: Verified): string {
  if (holds && links === 0 && course === null && notes.length === 1) return `${file}: ${notes[0]}.\n`
  const end = holds ? `every link holds (${links} checked)` : `the chain is broken`
  const lines = [`${file}: ${course === null ? '' : `${course}; `}${end}.`, ...problems, ...notes]
  return lines.map((line, i) => `${i > 0 ? '  ' : ''}${line}\n`).join('')
}

async function readVersion({ commit, text, digest }: FileVersion, suite: string, shown: string): Promise<ChainVersion> {
  const at = commit?.slice(0, 12) ?? 'work tree'
  if (text === null) return { at, digest, baseline: null }
  try {
    return { at, digest, baseline: await parseBaseline(`${at}:${shown}`, text, suite) }
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { at, digest, baseline: null, problem: error.message }
  }
}
