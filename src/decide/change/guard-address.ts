// Whether a change asks somebody else than its base: another kind of target, another program, another address.

/** `at`: for people; `key`: the same for the same place; `homemade`: recordings, or an address of the machine itself. */
export type GuardAddress = { kind: string; at: string; key: string; homemade: boolean }

type Side = {
  /** By suite: where it is asked. */
  addresses: ReadonlyMap<string, GuardAddress>
  /** Keys of all providers of aigate.yaml. */
  providers: ReadonlySet<string>
}
/** Who grades or plays users: a judge that is made for this change would find everything right. */
type Graders = { base: readonly Omit<GuardAddress, 'kind'>[]; head: readonly Omit<GuardAddress, 'kind'>[] }

/**
 * Addresses of graders that the base does not have for the suite. One that it registers is trusted, unless it answers from
 * recordings or on the machine itself, and none of the base's did.
 * @param providers keys of all providers of the base
 * @param allowed the base permits it, or the same target is asked as before, so that nothing can hide
 */
export function graderChange(
  { base, head }: Graders,
  { providers, allowed }: { providers: ReadonlySet<string>; allowed: boolean },
): { loosened: string[]; holds: string[] } {
  const known = new Set(base.map(({ key }) => key))
  const other = [...new Map(head.map((one) => [one.key, one])).values()].filter(({ key }) => !known.has(key))
  const loosened = other.map(({ at }) => `the suite has judges, embeddings or players at ${at}.`)
  const homemade = base.some((one) => one.homemade)
  const strange = allowed ? [] : other.filter((one) => !providers.has(one.key) || (one.homemade && !homemade))
  const holds = strange.map(
    ({ at }) =>
      `The answers of this change would be graded at ${at}, which the base does not know. Merge that in a pull request of its own that people look at, or let the base say \`allow_target_changes: true\`.`,
  )
  return { loosened, holds }
}

type Sides = { base: Side; head: Side; suite: string; allowed: boolean }

/**
 * Another kind of target, program or address: whoever answers there may be made for this change. A provider that the
 * base registers already is trusted, unless it answers from recordings or on the machine itself, and the base's did not.
 * @param allowed the base permits another target
 */
export function addressChange({ base, head, suite, allowed }: Sides): { loosened: string[]; holds: string[] } {
  const [was, is] = [base, head].map(({ addresses }) => addresses.get(suite))
  if (!was || !is || (was.kind === is.kind && was.key === is.key)) return { loosened: [], holds: [] }
  const what = was.at === is.at ? `${is.at}, with other headers or another query` : `${is.at} instead of ${was.at}`
  const loosened = [`the suite asks ${what}.`]
  const trusted = was.kind === is.kind && base.providers.has(is.key) && (!is.homemade || was.homemade)
  if (trusted || allowed) return { loosened, holds: [] }
  const mend =
    'Merge that in a pull request of its own that people look at, or let the base say `allow_target_changes: true`.'
  return { loosened, holds: [`This change asks ${what}, which the base does not know. ${mend}`] }
}
