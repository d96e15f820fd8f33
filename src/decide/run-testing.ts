// Runs and baselines made up for the tests of this folder.
import type { Baseline, CaseTally } from '../schema/baseline.ts'
import { defaultPolicy, type GatePolicy } from '../schema/gate.ts'
import type { CaseInfo, Completion, Observation, Run, TargetSnapshot } from '../schema/run.ts'
import { judge, type JudgeInput } from './gate/judge.ts'

export const target: TargetSnapshot = { kind: 'prompt', label: 'support/answer@1.2.0 with main', hash: 't1' }

/** `n` cases c000, c001, ...; `of` changes some of them. */
export function casesOf(n: number, of: (i: number) => Partial<CaseInfo> = () => ({})): CaseInfo[] {
  return Array.from({ length: n }, (_, i) => {
    const id = `c${String(i).padStart(3, '0')}`
    return { id, hash: `h-${id}`, tags: [], critical: false, file: 'evals/s.suite.yaml', line: i + 1, ...of(i) }
  })
}

type Trial = {
  passed?: boolean | null
  latency?: number
  cost?: number
  score?: number
  deterministic?: boolean
} & Partial<Completion>

/** One trial; `passed: null` is a provider error. */
export function observe(
  id: string,
  trial: number,
  given: Trial = {},
  purpose: Observation['purpose'] = 'pass',
): Observation {
  const { passed = true, latency = 100, cost, score, deterministic = true, ...completion } = given
  const failed = { error: { kind: 'server_error' as const, message: 'HTTP 500' }, outcome: 'error' as const }
  return {
    case: id,
    trial,
    purpose,
    completion: {
      outcome: 'answered',
      text: passed ? 'good' : 'bad',
      tool_calls: [],
      latency_ms: latency,
      attempts: 1,
      ...(cost !== undefined && { cost_usd: cost }),
      ...(passed === null && failed),
      ...completion,
    },
    scores:
      passed === null
        ? []
        : [
            {
              assertion: 'contains',
              passed,
              score: passed ? 1 : 0,
              weight: 1,
              reason: passed ? 'found' : '"right" is missing',
              deterministic,
            },
          ],
    passed,
    score: passed === null ? null : (score ?? (passed ? 1 : 0)),
  }
}

/** Whole passes 1 to `trials`; `of` says how case i ends in trial t. */
export function passesOf(
  cases: CaseInfo[],
  trials: number,
  of: (i: number, t: number) => Trial = () => ({}),
): Observation[] {
  return Array.from({ length: trials }, (_, t) => cases.map(({ id }, i) => observe(id, t + 1, of(i, t + 1)))).flat()
}

export function baselineOf(
  cases: CaseInfo[],
  of: (i: number) => Partial<CaseTally> = () => ({}),
  trials = 5,
): Baseline {
  return {
    aigate: 'baseline',
    version: 1,
    suite: 's',
    suite_version: '1.0.0',
    target,
    response_models: ['m-1'],
    accepted: { at: '2026-01-01T00:00:00.000Z', by: 'somebody', reason: 'first' },
    runs: [{ id: 'r0', at: '2026-01-01T00:00:00.000Z', trials, git: null, tool_version: '0.1.0' }],
    cases: cases.map(({ id, hash, category }, i) => ({
      id,
      hash,
      ...(category !== undefined && { category }),
      passes: trials,
      trials,
      errors: 0,
      scores: Array<number>(trials).fill(1),
      latencies_ms: Array<number>(trials).fill(100),
      costs_usd: Array<number>(trials).fill(0.001),
      answer: 'good',
      ...of(i),
    })),
  }
}

export const policyOf = (changes: Partial<GatePolicy> = {}): GatePolicy => ({ ...defaultPolicy, ...changes })

/** Judges with one fixed pass unless told otherwise. */
export function judged(input: Partial<JudgeInput> & Pick<JudgeInput, 'cases' | 'observations'>) {
  const found = judge({ baseline: null, policy: policyOf(), trials: { min: 1, max: 1 }, partial: false, ...input })
  const gate = (id: string) => found.verdict.gates.find((one) => one.id === id)
  return { ...found, gate }
}

export function runOf(cases: CaseInfo[], observations: Observation[], changes: Partial<Run['header']> = {}): Run {
  return {
    header: {
      aigate: 'run',
      version: 1,
      id: 'r1',
      suite: 's',
      suite_version: '1.0.0',
      target,
      policy: policyOf(),
      trials: { min: 1, max: 3 },
      seed: 1,
      partial: false,
      cases,
      git: { commit: 'abcdef0123456789', branch: 'main', dirty: false },
      tool_version: '0.1.0',
      node: '20.19.0',
      started_at: '2026-01-02T00:00:00.000Z',
      ...changes,
    },
    observations,
    complete: true,
  }
}
