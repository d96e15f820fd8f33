// What every list of verbs is given to hang its verbs on.
import type { Command } from 'commander'
import type { Ending } from '../ports.ts'

export type Verbs = {
  program: Command
  verb: (usage: string, summary: string, examples: string[], parent?: Command) => Command
  end: (result: Promise<Ending>) => Promise<void>
}
