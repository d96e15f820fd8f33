// Recorded answers that a change itself brings: nobody but its author asked the model, or the judge.
import { join } from 'node:path'
import type { LoadedSuite, Project } from '../../ports.ts'
import { expander } from '../../run/expand.ts'
import type { BaseProject } from '../../store/base-project.ts'
import { judgeRecordings, openRecordings } from '../../store/recordings.ts'

type Asked = { offline?: boolean }

/** Where judges, or embeddings, are replayed: recordings that the base does not know, or knows otherwise. */
async function newJudgements(
  project: Project,
  base: BaseProject,
  { suite: { suite }, graders }: LoadedSuite,
  options: Asked,
): Promise<string[]> {
  if (!graders) return []
  const models = [...Object.values(graders.judges).map(({ model }) => model), ...Object.values(graders.embeddings)]
  if (options.offline !== true && models.every(({ provider }) => provider.config.type !== 'replay')) return []
  const open = ({ root, config }: Project) => openRecordings(join(root, config.recordings), judgeRecordings(suite))
  const [now, then] = [(await open(project)).judgements(), (await open(base.project)).judgements()]
  const strangers = [...now].filter(([name, answer]) => then.get(name) !== answer)
  if (strangers.length === 0) return []
  return [
    `${strangers.length} of ${now.size} recorded answers of judges come from this change itself: nobody but its author asked the judge. Ask it in CI, or let the base say \`allow_new_recordings: true\`.`,
  ]
}

/** Where answers are replayed: those that the base does not know, or knows otherwise. */
export async function newRecordings(
  project: Project,
  base: BaseProject,
  suite: LoadedSuite,
  options: Asked,
): Promise<string[]> {
  const replays = suite.target.kind === 'prompt' && suite.target.provider.config.type === 'replay'
  if (suite.policy.allow_new_recordings) return []
  const judged = await newJudgements(project, base, suite, options)
  if (!replays && options.offline !== true) return judged
  const open = ({ root, config }: Project) => openRecordings(join(root, config.recordings), suite.suite.suite)
  const [now, then] = [await open(project), await open(base.project)]
  const ask = await expander(suite.target)
  const trials = Array.from({ length: suite.suite.trials.max }, (_, index) => index + 1)
  const strangers = suite.cases.filter((each) =>
    trials.some((trial) => {
      const { key } = ask(each.case, trial)
      const answer = now.find(key, trial)
      return answer !== undefined && JSON.stringify(answer) !== JSON.stringify(then.find(key, trial))
    }),
  )
  if (strangers.length === 0) return judged
  return [
    ...judged,
    `The answers to ${strangers.length} of ${suite.cases.length} cases come from recordings that this change itself brings: nobody but its author asked the model. Ask it in CI, or let the base say \`allow_new_recordings: true\`.`,
  ]
}
