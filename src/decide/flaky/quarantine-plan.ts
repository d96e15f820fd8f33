// The plan to put a case into quarantine: the entry that will stand in the list, and what it changes.
import { AigateError } from '../../errors.ts'
import { LONGEST_QUARANTINE_DAYS, QuarantineEntry } from '../../schema/quarantine.ts'
import { dayOf, daysAfter, isExpired, latestDay } from './quarantine.ts'
import { counted } from '../words.ts'

/** `renewed`: an expired entry of the case is replaced. `days`: whole days from today to the last one. */
export type QuarantinePlan = {
  action: 'quarantined' | 'renewed'
  entry: QuarantineEntry
  days: number
  critical: boolean
}

type Wanted = {
  suite: string
  case: string
  owner: string
  reason: string
  /** YYYY-MM-DD, or a number of days from today such as 14d. */
  until: string
  critical: boolean
  allowCritical: boolean
  /** The entry that the list already has. */
  before: QuarantineEntry | null
  now: Date
}

/**
 * @throws AigateError usage for an end that is no day, over, or more than 90 days ahead, for a case that is in
 * quarantine already, for a critical case that was not allowed, and for an owner or reason that is no line of text
 */
export function quarantinePlan(wanted: Wanted): QuarantinePlan {
  const { suite, case: id, now, before, critical, allowCritical } = wanted
  const name = `${suite}/${id}`
  if (before && !isExpired(before, now)) {
    refuse(
      `${name} is already quarantined until ${before.until} (owner ${before.owner}).`,
      `To change that, run \`aigate cases release ${suite} ${id}\` first.`,
    )
  }
  if (critical && !allowCritical) {
    refuse(
      `${name} is critical: in quarantine it could break without blocking anything.`,
      'Mend the case, or add --allow-critical if that is meant.',
    )
  }
  const until = endOf(wanted.until, now)
  const read = QuarantineEntry.safeParse({
    suite,
    case: id,
    owner: wanted.owner,
    reason: wanted.reason,
    until,
    ...(critical && { allow_critical: true }),
  })
  if (!read.success) {
    const issue = read.error.issues[0]
    refuse(`--${String(issue?.path[0])}: ${issue?.message}.`, 'Write one line of plain text, at most 200 characters.')
  }
  const days = Math.round((Date.parse(until) - Date.parse(dayOf(now))) / 86_400_000)
  return { action: before ? 'renewed' : 'quarantined', entry: read.data, days, critical }
}

/** The last day of the quarantine, YYYY-MM-DD in UTC. */
function endOf(written: string, now: Date): string {
  const days = /^(\d{1,4})d$/.exec(written)?.[1]
  const until = days === undefined ? written : daysAfter(now, Number(days))
  if (!QuarantineEntry.shape.until.safeParse(until).success) {
    refuse(`"${written}" is no day.`, 'Write --until 14d, or a day such as 2026-12-31.')
  }
  if (until < dayOf(now)) refuse(`${until} is over.`, `Write a day from ${dayOf(now)} to ${latestDay(now)}.`)
  if (until > latestDay(now)) {
    refuse(
      `${until} is more than ${LONGEST_QUARANTINE_DAYS} days ahead.`,
      `Write ${latestDay(now)} or a day before it, and look at the case again then.`,
    )
  }
  return until
}

function refuse(problem: string, mend: string): never {
  throw new AigateError('usage', { problem, mend })
}

/** What the plan did, in sentences. */
export function quarantineEffect({ action, entry, days, critical }: QuarantinePlan, file: string): string {
  const { suite, case: id, owner, reason, until } = entry
  const again = action === 'renewed' ? 'is quarantined again' : 'is quarantined'
  return [
    `${file}: ${suite}/${id} ${again} until ${until} (${days === 0 ? 'today' : counted(days, 'day')}), owner ${owner}: ${reason}`,
    'It is still run and shown, but enters no gate. After that day it counts again.',
    ...(critical ? [`It is critical: until then a break of ${id} blocks nothing.`] : []),
    `Commit ${file}.`,
    '',
  ].join('\n')
}

export function releaseEffect({ suite, case: id, owner, until }: QuarantineEntry, file: string): string {
  return [
    `${file}: ${suite}/${id} counts again (was quarantined until ${until}, owner ${owner}).`,
    `Commit ${file}.`,
    '',
  ].join('\n')
}
