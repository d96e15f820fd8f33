// aigate init --security: writes the security suite over the target of a suite that is there, or of a new project.
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, posix } from 'node:path'
import { AigateError, explain } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { choose } from '../../store/faults.ts'
import { loadProject } from '../../store/project.ts'
import { type ScaffoldFile, writeScaffold } from '../../store/scaffold.ts'
import { schemaHome, withSchemaHome } from '../../store/schema-home.ts'
import {
  familiesFor,
  securityCases,
  securitySuite,
  type SecurityTarget,
  securityToolsSuite,
  type Slots,
} from '../../store/security-suite.ts'
import { collectSuites, loadSuites } from '../../store/suites.ts'
import { checkCommand } from '../check.ts'
import { initCommand } from './init.ts'

/**
 * `suite`: whose target is attacked; `input`: the variable that the texts of attackers go into; `judge`: of aigate.yaml, who
 * tells refusals from answers instead of the detector.
 */
export type SecurityOptions = { suite?: string; input?: string; judge?: string }

/**
 * Writes the suite and its cases into the folder of the suite whose target it takes, never over a file; a folder without
 * aigate.yaml gets a project first. @returns what `aigate check` says of the result
 */
export async function initSecurityCommand(context: Context, folder: string, options: SecurityOptions): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  const project = await projectAt(context, root, folder, options)
  if (options.judge !== undefined && !Object.hasOwn(project.config.judges, options.judge)) throw noJudge(options.judge, project) // biome-ignore format: one check
  const suites = await loadSuites(project, { suites: options.suite === undefined ? [] : [options.suite] })
  const like = suites.find(({ target }) => target.kind === 'prompt') ?? suites[0]
  if (!like) throw new AigateError('usage', { problem: 'There is no suite whose target could be attacked.', mend: 'Write one first; `aigate init` shows how.' }) // biome-ignore format: one error
  const plan = planSuite(like, options)
  const home = schemaHome(project.root)
  const files = plan.files.map((file) => ({ ...file, text: withSchemaHome(file.path, file.text, home) }))
  const written = await writeScaffold(project.root, files)
  const left = plan.left.map((line) => `  left out: ${line}\n`).join('')
  const { suites: found } = await collectSuites(project, { suites: [] })
  const [first] = plan.files
  const unseen = found.some(({ file }) => file === first?.path) ? '' : `  npx aigate eval does not find it yet: add ${first?.path} to suites in aigate.yaml\n` // biome-ignore format: one choice
  context.stdout.write(
    `Written, against the target of ${like.suite.suite} (the texts go into ${plan.input}):\n${written.map((path) => `  ${path}\n`).join('')}${left}${unseen}\n` +
      nextSteps(like),
  )
  try {
    return await checkCommand({ ...context, cwd: project.root }, {})
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(explain(error))
    return error.outcome
  }
}

/** `aigate eval` alone asks for the attacks too: where answers are recorded, none of theirs is yet. */
function nextSteps({ suite, target }: LoadedSuite): string {
  const recorded = target.kind === 'prompt' && target.provider.config.type === 'replay'
  const steps = [
    recorded
      ? ['npx aigate eval security security-tools --record', 'asks the model for every case, once, and keeps the answers; it takes a key']
      : [`npx aigate eval security${target.kind === 'prompt' ? ' security-tools' : ''}`, 'asks for every case'],
    ...(recorded ? [[`npx aigate eval ${suite.suite}`, 'without the attacks, from recorded answers']] : []),
    ['npx aigate lock', 'where you keep a lock: it has to know the new suites'],
  ] // biome-ignore format: a step a line
  const width = Math.max(...steps.map(([command = '']) => command.length))
  return `Next:\n${steps.map(([command = '', why]) => `  ${command.padEnd(width)}   ${why}\n`).join('')}\n`
}

/** The project that the folder is in; where there is none, and no suite of one was named, it gets one. */
async function projectAt(context: Context, root: string, folder: string, options: SecurityOptions): Promise<Project> {
  // A folder that was named gets a project of its own, as with `aigate init <folder>`.
  const own = folder !== '.' && !existsSync(join(root, 'aigate.yaml'))
  try {
    if (!own) return await loadProject({ cwd: root })
  } catch (error) {
    const missing = error instanceof AigateError && error.code === 'config_missing'
    if (!missing || options.suite !== undefined || options.judge !== undefined) throw error
  }
  await initCommand(context, folder, { next: false })
  return loadProject({ cwd: root })
}

function noJudge(judge: string, { config }: Project): AigateError {
  const known = Object.keys(config.judges)
  const problem = `There is no judge ${judge} in aigate.yaml.`
  return new AigateError('usage', { problem, mend: choose(judge, known, 'judges of aigate.yaml', 'Add it: judges: {default: {model: judge-main}}.') }) // biome-ignore format: one error
}

type Plan = { files: ScaffoldFile[]; left: string[]; input: string }

function planSuite(like: LoadedSuite, { input, judge }: SecurityOptions): Plan {
  const target = targetOf(like)
  const slots = { ...slotsOf(like, input), judge, oneMessage: target.kind === 'application' }
  const { plain, tools, left } = familiesFor(target)
  left.push(...droppedOf(like))
  const at = (path: string) => posix.join(posix.normalize(dirname(like.file).replaceAll('\\', '/')), path)
  const files: ScaffoldFile[] = [
    { path: at('security.suite.yaml'), text: securitySuite(plain, target) },
    { path: at('cases/security.jsonl'), text: securityCases(plain, slots) },
  ]
  if (tools.length > 0) {
    files.push({ path: at('security-tools.suite.yaml'), text: securityToolsSuite(tools, target) })
    files.push({ path: at('cases/security-tools.jsonl'), text: securityCases(tools, slots) })
  }
  return { files, left, input: slots.question }
}

/** The target as it is written in a suite, in one line; JSON is YAML. What a suite leaves out stays out. */
function targetOf({ suite, target }: LoadedSuite): SecurityTarget {
  if (target.kind !== 'prompt') return { yaml: JSON.stringify(suite.target), kind: 'application', hasSystem: false }
  const { prompt, model, params } = suite.target as { prompt: string; model: string; params: Record<string, unknown> }
  const written = { prompt, model, ...(Object.keys(params).length > 0 && { params }) }
  const hasSystem = target.prompt.messages.some(({ role }) => role === 'system' || role === 'developer')
  return { yaml: JSON.stringify(written), kind: 'prompt', hasSystem }
}

/** What the target of the suite has and the attacks do without. */
function droppedOf({ target }: LoadedSuite): string[] {
  if (target.kind !== 'prompt') return []
  return [
    ...(target.tools === undefined
      ? []
      : ['tools of the target: security asks without them; security-tools has its own']),
    ...(target.response_format === undefined
      ? []
      : ['response_format of the target: the detectors read text, not JSON']),
  ]
}

const ASKS = /^(?:question|message|input|query|text|prompt|request|ask|user_?\w*)$/i
const KNOWS = /(?:context|excerpt|document|passage|article|source|knowledge|snippet|page)/i

/** Which variable is the question, which one holds documents; the others keep the values of the first case. */
function slotsOf(like: LoadedSuite, wanted: string | undefined): Slots {
  const first = like.cases[0]?.case.vars ?? {}
  const names = like.target.kind === 'prompt' ? like.target.prompt.input : Object.keys(first)
  const document = names.find((name) => KNOWS.test(name) && name !== wanted)
  const rest = names.filter((name) => name !== document)
  const question = wanted ?? (rest.length === 1 ? rest[0] : rest.find((name) => ASKS.test(name)))
  if (question === undefined || (names.length > 0 && !names.includes(question))) {
    const problem = wanted === undefined ? `It is not clear which variable of ${like.suite.suite} is the question` : `${like.suite.suite} has no variable ${wanted}` // biome-ignore format: one sentence
    const known = names.length > 0 ? `: ${names.join(', ')}` : ''
    throw new AigateError('usage', { problem: `${problem}${known}.`, mend: 'Name it: aigate init --security --input question.' }) // biome-ignore format: one error
  }
  const others = Object.fromEntries(names.filter((name) => name !== question).map((name) => [name, first[name] ?? '']))
  return { question, document, others }
}
