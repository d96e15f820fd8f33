// Suites of different providers are asked at the same time, those of one provider one after the other: nobody waits for a stranger's limit.
import type { Context, LoadedSuite } from '../../ports.ts'
import type { AskOptions } from '../options.ts'

/** Whose limits a suite is asked under. Programs on this machine share it; so do recordings, which wait for nobody. */
export function askedWhere({ target }: Pick<LoadedSuite, 'target'>, { offline, record }: AskOptions): string {
  if (offline) return 'recordings'
  if (target.kind === 'http') return `http ${target.target.http.url}`
  if (target.kind !== 'prompt') return 'this machine'
  const { name, config } = target.provider
  return config.type === 'replay' && !record ? 'recordings' : `provider ${name}`
}

/**
 * Does `work` on all items: those of one group in their order, groups side by side. After an interruption no further item is begun.
 * @param work is given a context of its own: what is written by several at once is whole lines, and a fault in one ends the others
 * @returns results in the order of the items, as far as they were begun; throws the fault that came first
 */
export async function sideBySide<T, R>(
  context: Context,
  items: readonly T[],
  groupOf: (item: T) => string,
  work: (item: T, context: Context) => Promise<R>,
): Promise<R[]> {
  const groups = new Map<string, number[]>()
  for (const [index, item] of items.entries()) {
    const group = groupOf(item)
    groups.set(group, [...(groups.get(group) ?? []), index])
  }
  const faults: unknown[] = []
  const broken = new AbortController()
  const own: Context = groups.size > 1 ? together(context, broken.signal) : context
  const results = new Map<number, R>()
  const inOrder = async (indexes: readonly number[]) => {
    for (const index of indexes) {
      if (results.size > 0 && own.signal.aborted) return
      results.set(index, await work(items[index] as T, own))
    }
  }
  const all = [...groups.values()].map((indexes) =>
    inOrder(indexes).catch((error: unknown) => {
      faults.push(error)
      broken.abort()
    }),
  )
  await Promise.all(all)
  if (faults.length > 0) throw faults[0]
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}

function together(context: Context, broken: AbortSignal): Context {
  const { stderr } = context
  return {
    ...context,
    signal: AbortSignal.any([context.signal, broken]),
    // One line that moves cannot show two suites.
    stderr: { write: (text) => stderr.write(text), columns: stderr.columns },
  }
}
