// The plane behind a program: one command sets the version, another prints it.
import { controlFailed } from './failure.ts'
import type { BarePlane, PlaneOf, PlaneWorld } from './bare-plane.ts'
import { fillText, type Words } from './put-in.ts'
import { outputOf } from './run-program.ts'

/** A cluster may take a moment until it says what it was told: looks are half a second, then two, then five seconds apart. */
function looksWithin(whole: number): number[] {
  const waits: number[] = []
  for (let left = whole; left > 0; ) {
    const wait = Math.min(left, [500, 2_000][waits.length] ?? 5_000)
    waits.push(wait)
    left -= wait
  }
  return waits
}

/** `set` and `read` run in the folder of aigate.yaml with the environment of aigate. */
export function commandPlane({ set, read, timeout, seen_within }: PlaneOf<'command'>, world: PlaneWorld): BarePlane {
  const { root, env, component } = world
  const idle = { version: '', component, key: '', reason: '' }
  const fill = (argv: readonly string[], words: Words) => argv.map((part) => fillText(part, words))
  fill(set, idle)
  fill(read, idle)
  const run = (argv: string[], signal: AbortSignal) => outputOf({ argv, cwd: root, env, timeoutMs: timeout, signal })
  return {
    where: `what ${read[0] ?? ''} prints`,
    waits: looksWithin(seen_within),
    apply: async (wanted, signal) => void (await run(fill(set, { ...wanted, component }), signal)),
    async read(signal) {
      const version = (await run(fill(read, idle), signal)).trim()
      if (version !== '' && version.length <= 300 && !/\p{Cc}/u.test(version)) return { version }
      throw controlFailed(
        `${read[0] ?? ''} printed ${JSON.stringify(version.slice(0, 60))} where one version was expected`,
        'Let `read` print the version that runs on one line, and nothing else.',
      )
    },
  }
}
