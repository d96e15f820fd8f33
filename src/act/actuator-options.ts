// What every control plane is opened with.
import type { Control } from '../schema/rollout.ts'

export type ControlOf<T extends Control['type']> = Extract<Control, { type: T }>

/** `root`: absolute folder of the configuration; `planHash` goes into the metadata of flags. */
export type ActuatorOptions = {
  root: string
  env: Readonly<Record<string, string | undefined>>
  planHash?: string | undefined
  /** Of one attempt, in milliseconds; each plane has its own default. */
  timeoutMs?: number | undefined
}
