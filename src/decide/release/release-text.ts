// Releases, statuses, what a rollback needs and a bisection, in words for people; each text ends with a line break.
import type { ReleaseManifest } from '../../schema/release.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { type Bisection, majorityError } from './bisect.ts'
import { releaseChanges } from './release-diff.ts'
import type { StatusRow } from './release-status.ts'
import type { Need } from '../rollback/rollback-needs.ts'
import { counted, percent } from '../words.ts'

const lines = (list: readonly string[]) => `${list.join('\n')}\n`
const minute = (at: string) => at.slice(0, 16).replace('T', ' ')

const overridden = ({ override }: ReleaseManifest) =>
  override ? [`RELEASED AGAINST ITS EVIDENCE (${override.outcome}): ${override.reason}`] : []

/** A release, whole. */
export function releaseText(release: ReleaseManifest): string {
  const { id, env, at, by, sentence, note, git, container, prompts, models, components, suites, verdicts } = release
  const { rollback, irreversible = [] } = release
  const params = (values: object) => (Object.keys(values).length > 0 ? ` ${JSON.stringify(values)}` : '')
  return lines([
    `release ${id} to ${env}`,
    ...overridden(release),
    sentence,
    ...(note === undefined ? [] : [`note: ${note}`]),
    ...(rollback?.reason === undefined ? [] : [`reason: ${rollback.reason}`]),
    ...(rollback && rollback.left.length > 0 ? [`NOT BACK: ${rollback.left.join(', ')}`] : []),
    ...irreversible.map((one) => `going back does not undo: ${one}`),
    `recorded: ${minute(at)} UTC by ${by}`,
    `code: ${git ? `${git.commit.slice(0, 12)}${git.dirty ? ', and changes that were not committed' : ''}` : 'not in git'}`,
    ...(container === undefined ? [] : [`container: ${container}`]),
    ...prompts.map(({ name, version, hash }) => `prompt: ${name} ${version} (${hash.slice(0, 12)})`),
    ...models.map((model) => `model: ${model.name} = ${model.provider}/${model.id}${params(model.params)}`),
    ...Object.entries(components).map(
      ([name, part]) => `${name}: ${part.version}${part.note ? ` (${part.note})` : ''}`,
    ),
    ...suites.map(({ suite, version, cases }) => `suite: ${suite} ${version}, ${counted(cases, 'case')}`),
    ...verdicts.map(
      ({ suite, run, outcome, reason }) =>
        `evidence: ${suite} ${outcome}${run === null ? '' : ` in run ${run}`}: ${reason}`,
    ),
  ])
}

export function refusalText(manifest: ReleaseManifest, outcome: Outcome): string {
  const open = manifest.verdicts.filter((one) => one.outcome !== 'pass')
  return lines([
    `not recorded: the evidence for this release says ${outcome}`,
    ...(manifest.verdicts.length === 0 ? ['  there is no suite'] : []),
    ...open.map(({ suite, outcome: said, reason }) => `  ${suite}: ${said}: ${reason}`),
    '  Run `aigate eval` on what is to be released, or write --override "why it is released all the same".',
  ])
}

/** The releases, the newest first. `current`: ids of what runs now. */
export function listText(releases: readonly ReleaseManifest[], current: ReadonlySet<string>): string {
  if (releases.length === 0) return 'No release is recorded yet.\n'
  const rows = releases.toReversed().map((release) => {
    const { id, env, at, sentence, override, verdicts } = release
    const said = override
      ? `OVERRIDE of ${override.outcome}`
      : verdicts.every(({ outcome }) => outcome === 'pass')
        ? 'pass'
        : 'not passed'
    return `${current.has(id) ? '*' : ' '} ${id}  ${env}  ${minute(at)}  ${said}  ${sentence}`
  })
  return lines([...rows, '', '* runs now'])
}

export function diffText(before: ReleaseManifest, after: ReleaseManifest, changes: readonly string[]): string {
  const list = changes.length > 0 ? changes : ['nothing differs']
  return lines([`${before.id} -> ${after.id}`, ...list.map((change) => `  ${change}`)])
}

export function statusText(rows: readonly StatusRow[]): string {
  if (rows.length === 0) return 'Nothing was released yet.\n'
  const width = Math.max(...rows.map(({ kind, name }) => kind.length + name.length + 1))
  return lines(
    rows.map(({ kind, name, status, keep_until, note, release }) =>
      [
        `${kind}:${name}`.padEnd(width),
        status.padEnd('rollback_ready'.length),
        `last in ${release}`,
        ...(keep_until === null ? [] : [`keep until ${keep_until}`]),
        ...(note === null ? [] : [note]),
      ].join('  '),
    ),
  )
}

export function needsText(target: ReleaseManifest, needs: readonly Need[]): string {
  const missing = needs.filter(({ state }) => state === 'missing').length
  const unknown = needs.filter(({ state }) => state === 'unknown').length
  const open = unknown > 0 ? `; ${counted(unknown, 'part')} nobody looked for` : ''
  return lines([
    missing === 0
      ? `A rollback to ${target.id} has what it needs${open}.`
      : `A rollback to ${target.id} would FAIL: ${counted(missing, 'part')} of it ${missing === 1 ? 'is' : 'are'} missing${open}.`,
    ...needs.map(({ what, state, detail }) => `  ${state.padEnd('unknown'.length)}  ${what}: ${detail}`),
  ])
}

/** What a bisection found, what it asked, and how often it errs. `k`: most trials of a release. */
export function bisectText(found: Bisection, asked: { case: string; k: number; releases: number }): string {
  return lines([
    bisectSentence(found, asked),
    ...found.steps.map((step) => `  ${stepText(step, asked.k)}`),
    ...errorText(found, asked.k),
  ])
}

const stepText = ({ release, passes, fails, errors }: Bisection['steps'][number], k: number) =>
  `${release}: passed ${passes} of ${counted(passes + fails, 'trial')}${errors > 0 ? `, ${errors} not measured` : ''} (at most ${k})`

export function bisectSentence(
  { outcome, steps, before, broke }: Bisection,
  asked: { case: string; releases: number },
): string {
  const id = asked.case
  const [first, second] = steps
  if (outcome === 'found' && before && broke) {
    const changes = releaseChanges(before, broke).join('; ')
    return `Release ${broke.id} broke ${id}: ${changes || 'what runs is unchanged by name'}.`
  }
  if (outcome === 'good_fails')
    return `${id} fails in ${first?.release} already: name an older release as the good one.`
  if (outcome === 'bad_passes')
    return `${id} passes in ${second?.release}: the prompts and models of these releases did not break it. Look at the index, the guardrails and the code.`
  if (outcome === 'same')
    return `These ${asked.releases} releases ask the same prompt of the same model: neither of them broke ${id}. Look at the index, the guardrails and the code.`
  return `${id} could not be measured in ${steps.at(-1)?.release ?? 'the first release'}.`
}

/** Two typical steadinesses; where the case is as unsteady as a coin, no search can tell. */
function errorText({ steps }: Bisection, k: number): string[] {
  if (steps.length === 0) return []
  const at = (rate: number) => {
    const one = majorityError(rate, k)
    const any = percent(1 - (1 - one) ** steps.length)
    return `${percent(rate)} of the trials alike: ${percent(one)} of the releases misjudged, ${any} of such searches`
  }
  return [
    `How often this errs (majority of ${k} trials, ${counted(steps.length, 'release')} asked):`,
    `  ${at(0.95)}`,
    `  ${at(0.8)}`,
  ]
}
