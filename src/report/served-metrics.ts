// Rollouts in the text format of Prometheus, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
import type { Decision } from '../schema/rollout-journal.ts'
import { Outcome } from '../schema/verdict.ts'

/** `at`: when the last look was, in milliseconds since 1970; `ppm`: share of the candidate in millionths. */
export type Verdict = {
  verdict: Outcome
  reasons: string[]
  mode: string
  stage: number
  ppm: number
  at: number | null
}
export type ServedRollout = Verdict & {
  rollout: string
  generation: number
  lease_until: number | null
  looks: number
  failing: number
  units: { baseline: number; candidate: number }
  requests: { baseline: number; candidate: number }
  metrics: Decision['metrics']
}

type Sample = { labels: Record<string, string>; value: number | null }
type Family = { name: string; help: string; samples: (rollout: ServedRollout) => Sample[] }

const one = (of: (rollout: ServedRollout) => number | null) => (rollout: ServedRollout) => [
  { labels: {}, value: of(rollout) },
]
const arms = (of: 'units' | 'requests') => (rollout: ServedRollout) =>
  (['baseline', 'candidate'] as const).map((arm) => ({ labels: { arm }, value: rollout[of][arm] }))
const measured = (field: keyof Decision['metrics'][string]) => (rollout: ServedRollout) =>
  Object.entries(rollout.metrics).map(([metric, numbers]) => ({ labels: { metric }, value: numbers[field] }))
const seconds = (milliseconds: number | null) => (milliseconds === null ? null : milliseconds / 1000)

const families: readonly Family[] = [
  {
    name: 'verdict',
    help: '1 for the verdict as of now, 0 for the others.',
    samples: ({ verdict }) =>
      Outcome.options.map((option) => ({ labels: { verdict: option }, value: option === verdict ? 1 : 0 })),
  },
  { name: 'mode', help: 'Always 1; the label says the mode.', samples: ({ mode }) => [{ labels: { mode }, value: 1 }] },
  { name: 'stage', help: 'Number of the stage, from 0.', samples: one(({ stage }) => stage) },
  {
    name: 'share',
    help: 'Share of the units that the candidate serves, 0 to 1.',
    samples: one(({ ppm }) => ppm / 1e6),
  },
  { name: 'generation', help: 'Number of the change of share.', samples: one(({ generation }) => generation) },
  { name: 'looks', help: 'Looks so far.', samples: one(({ looks }) => looks) },
  { name: 'failing_actions', help: 'Actions that failed and are tried again.', samples: one(({ failing }) => failing) },
  { name: 'last_look_timestamp_seconds', help: 'When the last look was.', samples: one(({ at }) => seconds(at)) },
  {
    name: 'lease_until_timestamp_seconds',
    help: 'When everybody is served the baseline without a renewal.',
    samples: one(({ lease_until: until }) => seconds(until)),
  },
  { name: 'units', help: 'Units seen in each arm.', samples: arms('units') },
  { name: 'requests', help: 'Operations seen in each arm.', samples: arms('requests') },
  { name: 'harm_log_evidence', help: 'Natural logarithm of the evidence of harm.', samples: measured('harm') },
  { name: 'harm_log_bound', help: 'From which on harm is proven.', samples: measured('harm_bound') },
  { name: 'safe_log_evidence', help: 'Natural logarithm of the evidence of no harm.', samples: measured('safe') },
  { name: 'safe_log_bound', help: 'From which on no harm is proven.', samples: measured('safe_bound') },
  { name: 'estimate', help: 'Risk ratio, or difference of means.', samples: measured('estimate') },
  { name: 'estimate_low', help: 'Lower end of its confidence sequence.', samples: measured('low') },
  { name: 'estimate_high', help: 'Upper end of its confidence sequence.', samples: measured('high') },
]

/** What is not known has no sample: never a zero. Of a rollout whose journal cannot be read, nothing but that is known. */
export function servedMetrics(rollouts: readonly ServedRollout[], unreadable: readonly string[] = []): string {
  const lines = families.flatMap(({ name, help, samples }) => {
    const metric = `aigate_rollout_${name}`
    const written = rollouts.flatMap((rollout) =>
      samples(rollout).flatMap(({ labels, value }) =>
        value === null ? [] : [`${metric}${labelText({ rollout: rollout.rollout, ...labels })} ${numberText(value)}`],
      ),
    )
    return written.length === 0 ? [] : [`# HELP ${metric} ${help}`, `# TYPE ${metric} gauge`, ...written]
  })
  const readable = 'aigate_rollout_readable'
  const samples = [
    ...rollouts.map(({ rollout }) => [rollout, 1] as const),
    ...unreadable.map((name) => [name, 0] as const),
  ]
  if (samples.length > 0)
    lines.push(`# HELP ${readable} 0 where the journal cannot be read.`, `# TYPE ${readable} gauge`)
  for (const [rollout, value] of samples) lines.push(`${readable}${labelText({ rollout })} ${value}`)
  return lines.map((line) => `${line}\n`).join('')
}

function labelText(labels: Record<string, string>): string {
  const quoted = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(',')}}`
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
