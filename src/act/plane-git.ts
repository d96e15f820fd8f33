// The plane that is a version in a file in git: a commit sets it, whoever deploys from git does the rest.
import type { PlaneOf, PlaneWorld, BarePlane } from './bare-plane.ts'
import { gitValue } from './git-value.ts'

const TIMEOUT_MS = 20_000

/** The trailer `Aigate-Intent: <key>` names the act; `reason` is in the first line of the message. */
export function gitPlane({ path, pointer, push }: PlaneOf<'git'>, { root, env, component }: PlaneWorld): BarePlane {
  const text = gitValue({ path, pointer, push, kind: 'text' }, { root, env, timeoutMs: TIMEOUT_MS })
  return {
    where: `${pointer} in ${path} in git${push ? ', pushed' : ''}`,
    read: async (signal) => ({ version: String(await text.read(signal)) }),
    async apply({ version, key, reason }, signal) {
      const subject = `${component}: ${version}${reason === '' ? '' : ` (${reason})`}`
      return text.set(version, { id: key, subject: subject.replace(/\s+/g, ' ').slice(0, 200) }, signal)
    },
  }
}
