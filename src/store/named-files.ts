// Checks that the modules and programs that a suite names by a path are there, before anything is asked.
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import process from 'node:process'
import type { Assertion } from '../schema/assertion.ts'
import type { ToolBehaviours } from '../schema/conversation.ts'
import type { Target } from '../schema/suite.ts'
import type { WrittenCase } from './case-files.ts'
import type { Fault } from './faults.ts'
import type { SuiteFile } from './suite-cases.ts'
import type { Path } from './schema-walk.ts'
import type { Locate } from './yaml.ts'

/** A path as it is written in a suite or in a case, and where. */
type Named = { what: string; path: string; at: Path; locate: Locate }

/** A fault for each module and each program with a path, of the target and of the graders, that is no file. */
export async function namedFileFaults(
  { suite, dir, locate }: SuiteFile,
  cases: readonly WrittenCase[],
): Promise<Fault[]> {
  const named = [
    ...inTarget(suite.target, locate),
    ...inAssertions(suite.assert, locate),
    ...inTools(suite.tools, locate),
    ...cases.flatMap(({ case: one, locate: of }) =>
      one.assert.length === 0 && !one.turns && !one.tools
        ? []
        : [
            ...inAssertions(one.assert, of),
            ...(one.turns ?? []).flatMap((turn, i) => inAssertions(turn.assert, of, ['turns', i])),
            ...inTools(one.tools, of),
          ],
    ),
  ]
  const known = new Map<string, Promise<boolean>>()
  const faults: Fault[] = []
  for (const { what, path, at, locate: placeOf } of named) {
    const file = resolve(dir, path)
    const there = known.get(file) ?? isFile(file)
    known.set(file, there)
    if (await there) continue
    const mend = 'Correct the path (it is relative to the folder of the suite), or make the file.'
    faults.push({ problem: `${what}: there is no file ${path}`, mend, place: placeOf(at) })
  }
  return faults
}

function inTarget(target: Target, locate: Locate): Named[] {
  if ('module' in target) return [{ what: 'target.module', path: target.module, at: ['target', 'module'], locate }]
  if (!('command' in target)) return []
  return program(target.command).map((path) => ({
    what: 'target.command',
    path,
    at: ['target', 'command', 0],
    locate,
  }))
}

function inTools(tools: ToolBehaviours = {}, locate: Locate): Named[] {
  return Object.entries(tools).flatMap(([name, tool]): Named[] => {
    const at = ['tools', name]
    if ('module' in tool) return [{ what: `tools.${name}.module`, path: tool.module, at, locate }]
    if (!('command' in tool)) return []
    return program(tool.command).map((path) => ({ what: `tools.${name}.command`, path, at, locate }))
  })
}

function inAssertions(assertions: readonly Assertion[], locate: Locate, above: Path = []): Named[] {
  return assertions.flatMap((one, index): Named[] => {
    const at = [...above, 'assert', index, one.type]
    if (one.type === 'module')
      return [{ what: `assert[${index}].module.path`, path: one.args.path, at: [...at, 'path'], locate }]
    if (one.type !== 'command') return []
    const what = `assert[${index}].command.run`
    return program(one.args.run).map((path) => ({ what, path, at: [...at, 'run', 0], locate }))
  })
}

/** The program where it is a path. A bare name is looked for in PATH; Windows also tries endings of its own. */
function program([first = '']: readonly string[]): string[] {
  return first.includes('/') && process.platform !== 'win32' ? [first] : []
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null))?.isFile() ?? false
}
