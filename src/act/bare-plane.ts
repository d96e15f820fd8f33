// What a plane of production is before it verifies itself, and what it is opened with.
import type { Plane } from '../ports.ts'
import type { PlaneConfig } from '../schema/planes.ts'

export type PlaneOf<T extends PlaneConfig['type']> = Extract<PlaneConfig, { type: T }>

/** `root`: absolute folder of the configuration. `component`: the key of the plane, put in for {{component}}. */
export type PlaneWorld = { root: string; component: string; env: Readonly<Record<string, string | undefined>> }
/**
 * A plane before it verifies itself. `waits`: milliseconds before each further look, where a change shows late. `apply` may
 * say what people should know of it, as sentences without a full stop.
 */
export type BarePlane = Omit<Plane, 'apply'> & {
  waits?: readonly number[]
  apply(...asked: Parameters<Plane['apply']>): Promise<readonly string[] | void>
}
