// Has judges judge answers that people labelled, or that they judged before: each as the gate would grade it.
import type { BaselineAnswer, JudgeTools } from '../../ports.ts'
import { fewAtATime } from '../../run/ask-once.ts'
import type { Assertion } from '../../schema/assertion.ts'
import type { JudgeRecord } from '../../schema/judge.ts'
import type { Observation } from '../../schema/run.ts'
import type { Case, Message } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'

export type ToJudge = {
  id: string
  assertion: Assertion
  vars: Record<string, Json>
  messages?: Message[] | undefined
  answer: string
  baseline?: string | undefined
}
/** What the judge said; nulls and `problem` where it gave no verdict. */
export type JudgedAnswer = {
  passed: boolean | null
  score: number | null
  votes: JudgeRecord['votes']
  record: JudgeRecord | null
  /** What was taken where there is no record. */
  lost: Observation['grader_cost'] | null
  problem: string | null
}

const AT_A_TIME = 64

/** Judges them in their order, a bounded number at a time (each judge has its own limit besides). Never rejects. */
export async function judgeAll(all: readonly ToJudge[], tools: JudgeTools): Promise<JudgedAnswer[]> {
  // Whether a judge may block does not matter here: it is what is being found out.
  const judges: JudgeTools = { ...tools, advisory: () => null }
  const { grade } = await import('../../score/grade.ts')
  return fewAtATime(
    all,
    AT_A_TIME,
    async ({ id, assertion, vars, messages, answer, baseline }): Promise<JudgedAnswer> => {
      const one: Case = { id, vars, tags: [], critical: false, assert: [{ ...assertion, weight: 1 }] }
      if (messages) one.messages = messages
      const before: BaselineAnswer =
        baseline === undefined ? { problem: 'the label has no `baseline` to compare with' } : { text: baseline }
      const world = { judges, baselineAnswer: () => before, runCommand: unavailable, loadExport: unavailable }
      const completion = { outcome: 'answered' as const, text: answer, tool_calls: [], attempts: 0 }
      const { scores, passed, score, grader_error, grader_cost } = await grade(one, completion, world)
      const record = scores[0]?.judged ?? null
      return {
        passed,
        score,
        votes: record?.votes ?? [],
        record,
        lost: grader_cost ?? null,
        problem: grader_error ?? null,
      }
    },
  )
}

const unavailable = () => Promise.reject(new Error('only judges are asked here'))
