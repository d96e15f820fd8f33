// What a verb must say where base and change are one and the same commit.
import { gitState } from '../../store/git.ts'

/**
 * On the base branch itself (a push, a schedule) the base of the change is the very commit that is judged.
 * @param base full id of the commit that judges
 * @returns the sentence; empty where another commit, or what is not committed, is held against the base
 */
export async function nothingHeld(root: string, base: string): Promise<string[]> {
  const now = await gitState(root)
  if (!now || now.commit !== base || now.dirty) return []
  return [
    `The base is this commit (${base.slice(0, 12)}), so nothing was held against it: its own rules and its own baseline judge. \`--base HEAD^\` names the commit before.`,
  ]
}
