// Conversations in which a recorded tool was asked for what nobody recorded: they say little about the model.
import { NOT_RECORDED } from '../../schema/conversation.ts'
import type { Observation } from '../../schema/run.ts'
import { counted, names } from '../words.ts'

/** @param byCase measured trials of whole passes by case */
export function toolWarnings(byCase: Iterable<readonly Observation[]>): string[] {
  const tools = new Set<string>()
  let trials = 0
  for (const all of byCase)
    for (const { completion } of all) {
      const steps = completion.conversation?.steps
      const lacking = steps?.filter(
        ({ role, error, content }) => role === 'tool' && error === true && content.startsWith(NOT_RECORDED),
      )
      if (!lacking || lacking.length === 0) continue
      trials += 1
      for (const { name } of lacking) if (name !== undefined) tools.add(name)
    }
  if (trials === 0) return []
  return [
    `In ${counted(trials, 'conversation')} a tool was called with arguments for which nothing is recorded (${names([...tools].sort())}): the model was told an error. Add a result for them, or one without \`arguments\`.`,
  ]
}
