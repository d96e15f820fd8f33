// For tests only: plans, wishes and temporary folders of this room.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { RolloutPlan } from '../schema/rollout.ts'
import type { Desired } from '../schema/rollout-journal.ts'

/** A plan of two components with the given control plane. */
export function planWith(control: object, more: object = {}): RolloutPlan {
  return RolloutPlan.parse({
    rollout: 'support-1.3',
    release: { prompt: 'support/answer@1.3.0', model: 'support-next' },
    baseline: { prompt: 'support/answer@1.2.0', model: 'support-main' },
    control,
    source: { type: 'jsonl', path: 'logs/*.jsonl' },
    stages: ['1%', '5%', '25%', '50%', '100%'].map((traffic) => ({ traffic })),
    metrics: { error_rate: { bad: 'error.type != null' } },
    ...more,
  })
}

/** A wish for both components; `lease` in milliseconds from now. */
export function wish(ppm: number, more: Partial<Desired> & { lease?: number } = {}): Desired {
  const { lease = 900_000, ...rest } = more
  return {
    ppm,
    generation: 1,
    killed: false,
    lease_until: new Date(Date.now() + lease).toISOString(),
    components: ['prompt', 'model'],
    ...rest,
  }
}

const folders: string[] = []
/** A folder that is gone when the tests of the file have ended. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-act-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
export const never = new AbortController().signal
