// Whether a change asks somebody else than its base: another kind of target, another program, another address.

/** `at`: for people; `key`: the same for the same place; `homemade`: recordings, or an address of the machine itself. */
export type GuardAddress = { kind: string; at: string; key: string; homemade: boolean }

type Side = {
  /** By suite: where it is asked; by `helperKey`: where its judges, embedding models and simulated users are. */
  addresses: ReadonlyMap<string, GuardAddress>
  /** Keys of all providers of aigate.yaml. */
  providers: ReadonlySet<string>
}
type Sides = { base: Side; head: Side; suite: string; allowed: boolean }

/** The name under which `addresses` holds who helps a suite: `judge default`. */
export const helperKey = (suite: string, who: string): string => `${suite}\0${who}`

/** As `addressOne`, of the suite and of all who help it: whoever grades elsewhere may be made for this change as well. */
export function addressChange({ base, head, suite, allowed }: Sides): { loosened: string[]; holds: string[] } {
  const own = [...base.addresses.keys()].filter((name) => name === suite || name.startsWith(helperKey(suite, '')))
  const found = own.map((name) => addressOne({ base, head, suite: name, allowed }))
  return { loosened: found.flatMap(({ loosened }) => loosened), holds: found.flatMap(({ holds }) => holds) }
}

/**
 * Another kind of target, program or address: whoever answers there may be made for this change. A provider that the
 * base registers already is trusted, unless it answers from recordings or on the machine itself, and the base's did not.
 * @param allowed the base permits another target
 */
function addressOne({ base, head, suite, allowed }: Sides): { loosened: string[]; holds: string[] } {
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
