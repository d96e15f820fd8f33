// aigate init --security: writes the security suite over the target of a suite that is there, or of a new project.
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, posix } from 'node:path'
import { AigateError, explain } from '../../errors.ts'
import type { Context, Ending, LoadedSuite } from '../../ports.ts'
import { loadProject } from '../../store/project.ts'
import { type ScaffoldFile, writeScaffold } from '../../store/scaffold.ts'
import {
  familiesFor,
  securityCases,
  securitySuite,
  type SecurityTarget,
  securityToolsSuite,
  type Slots,
} from '../../store/security-suite.ts'
import { loadSuites } from '../../store/suites.ts'
import { checkCommand } from '../check.ts'
import { initCommand } from './init.ts'

/** `suite`: whose target is attacked; `input`: the variable that the texts of attackers go into. */
export type SecurityOptions = { suite?: string; input?: string }

/**
 * Writes the suite and its cases into the folder of the suite whose target it takes, never over a file; a folder without
 * aigate.yaml gets a project first. @returns what `aigate check` says of the result
 */
export async function initSecurityCommand(context: Context, folder: string, options: SecurityOptions): Promise<Ending> {
  const root = isAbsolute(folder) ? folder : join(context.cwd, folder)
  if (!existsSync(join(root, 'aigate.yaml'))) await initCommand(context, folder, {})
  const project = await loadProject({ cwd: root })
  const suites = await loadSuites(project, { suites: options.suite === undefined ? [] : [options.suite] })
  const like = suites.find(({ target }) => target.kind === 'prompt') ?? suites[0]
  if (!like) throw new AigateError('usage', { problem: 'There is no suite whose target could be attacked.', mend: 'Write one first; `aigate init` shows how.' }) // biome-ignore format: one error
  const plan = planSuite(like, options.input)
  const written = await writeScaffold(project.root, plan.files)
  const left = plan.left.map((line) => `  left out: ${line}\n`).join('')
  context.stdout.write(
    `Written, against the target of ${like.suite.suite} (the texts go into ${plan.input}):\n${written.map((path) => `  ${path}\n`).join('')}${left}\n` +
      'Next:\n  npx aigate eval security --record   asks the model for every case, and keeps the answers\n' +
      '  npx aigate lock                     where you keep a lock: it has to know the new suites\n\n',
  )
  try {
    return await checkCommand({ ...context, cwd: project.root }, {})
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    context.stderr.write(explain(error))
    return error.outcome
  }
}

type Plan = { files: ScaffoldFile[]; left: string[]; input: string }

function planSuite(like: LoadedSuite, input: string | undefined): Plan {
  const target = targetOf(like)
  const slots = slotsOf(like, input)
  const { plain, tools, left } = familiesFor(target)
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
