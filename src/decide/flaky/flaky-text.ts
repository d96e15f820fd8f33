// Flaky cases and the history of a case as text for a terminal.
import type { CaseRecord, FlakyReport, Steadiness } from './flaky.ts'
import { counted, intervalText, percent } from '../words.ts'

const day = (moment: string) => moment.slice(0, 10)

function quarantineText({ quarantine }: CaseRecord): string {
  if (!quarantine) return ''
  const { until, owner, expired } = quarantine
  return expired ? `  quarantine expired on ${until} (${owner})` : `  quarantined until ${until} (${owner})`
}

const rateText = ({ passes, trials, rate, interval }: CaseRecord): string =>
  rate === null
    ? 'not measured'
    : `${passes}/${trials}  ${percent(rate)} (${interval && intervalText(interval, percent)})`

/** The flaky cases of a suite one by one, the others counted. */
export function flakyText({ suite, suite_version, accepted_runs, stored_runs, cases }: FlakyReport): string {
  const of = (wanted: Steadiness) => cases.filter(({ steadiness }) => steadiness === wanted)
  const flaky = of('flaky')
  const wide = Math.max(0, ...flaky.map(({ id }) => id.length))
  const rows = flaky.map(
    (one) =>
      `  ${one.id.padEnd(wide)}  ${rateText(one)}  since ${day(one.since ?? '')}${one.critical ? '  critical' : ''}${quarantineText(one)}`,
  )
  const held = cases.filter(({ quarantine, steadiness }) => quarantine && steadiness !== 'flaky')
  const many = { never_failed: of('never_failed').length, always_failed: of('always_failed').length }
  const others = [
    `${many.never_failed} never failed`,
    `${many.always_failed} always failed`,
    ...(of('moved').length > 0 ? [`${of('moved').length} changed with the configuration only`] : []),
    ...(of('unknown').length > 0 ? [`${of('unknown').length} not measured with this content`] : []),
  ]
  const known = `${counted(accepted_runs, 'accepted run')}, ${counted(stored_runs, 'stored run')}`
  return [
    `${suite} ${suite_version} · ${counted(cases.length, 'case')} · ${known}`,
    flaky.length === 0
      ? 'No flaky case: none passed and failed under one configuration.'
      : `${counted(flaky.length, 'flaky case')}: passed and failed under one configuration`,
    ...rows,
    others.join(' · '),
    ...held.map((one) => `In the quarantine list, but not flaky: ${one.id}${quarantineText(one)}`),
    '',
  ].join('\n')
}

/** The runs that saw a case with its present content, oldest first. */
export function historyText(suite: string, one: CaseRecord): string {
  const words: Record<Steadiness, string> = {
    flaky: `flaky since ${day(one.since ?? '')}`,
    never_failed: 'never failed',
    always_failed: 'always failed',
    moved: 'changed with the configuration only',
    unknown: 'not measured with this content',
  }
  const rows = one.runs.map(
    ({ run, at, passes, trials, source }) =>
      `  ${at.slice(0, 16).replace('T', ' ')}  ${passes}/${trials}  ${source}  ${run}`,
  )
  const all = one.trials > 0 ? `, ${rateText(one)}` : ''
  return [`${suite}/${one.id}: ${words[one.steadiness]}${all}${quarantineText(one)}`, ...rows, ''].join('\n')
}
