// Whether files of shards are the parts of one run: all of them, each once, and of the same questions and rules.
import { relative } from 'node:path'
import { AigateError } from '../../../errors.ts'
import { contentHash } from '../../../content-hash.ts'
import type { RunHeader } from '../../../schema/run.ts'
import type { ShardFile } from '../../../schema/shard.ts'
import { gitState } from '../../../store/git.ts'

export type NamedShard = { file: string; content: ShardFile }

/** What may differ from machine to machine. */
const OWN = ['id', 'started_at', 'node', 'shard', 'invocation', 'git', 'compared_with', 'kept'] as const

const words: Partial<Record<keyof RunHeader, string>> = {
  target: 'what is asked (prompt, model, parameters)',
  policy: 'the policy of the gate',
  cases: 'the cases or their assertions',
  trials: 'the trials',
  seed: 'the seed',
  guard: 'the base of the change',
  code: 'files that answer or grade',
  tool_version: 'the version of aigate',
  quarantined: 'the quarantine list',
  suites: 'which suites are run',
  against: 'the commit that --against names',
  judging: 'the judges, their prompts or their calibration',
}

/**
 * @throws AigateError `usage` for shards that are there twice, of another run, or of another commit than the one that is
 * checked out here; `shards_incomplete` for a shard that is missing
 */
export async function requireWhole(root: string, shards: readonly NamedShard[]): Promise<void> {
  const [first] = shards
  if (!first) throw refuse('There is no file of a shard.', 'Name the files that `aigate eval --shard` wrote.')
  const { of } = first.content
  for (const { file, content } of shards) {
    const where = relative(root, file)
    if (content.of !== of)
      throw refuse(
        `${where} is one of ${content.of} shards, and ${relative(root, first.file)} one of ${of}.`,
        'Merge the shards of one run.',
      )
    const twin = shards.find((other) => other.file !== file && other.content.shard === content.shard)
    if (twin)
      throw refuse(
        `Shard ${content.shard} of ${of} is there twice: ${where} and ${relative(root, twin.file)}.`,
        'Keep the file of the run that you mean, and delete the other.',
      )
  }
  for (const other of shards) sameRun(root, first, other)
  await sameCommit(root, first)
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter(
    (nth) => !shards.some(({ content }) => content.shard === nth),
  )
  if (missing.length > 0) {
    const problem = `${missing.length === 1 ? 'Shard' : 'Shards'} ${missing.join(', ')} of ${of} ${missing.length === 1 ? 'is' : 'are'} missing: what ${missing.length === 1 ? 'it' : 'they'} should have asked was not measured.`
    throw new AigateError('shards_incomplete', {
      problem,
      mend: `Run it again, for example \`aigate eval --shard ${missing[0]}/${of}\`, and merge all files.`,
    })
  }
  wholeCases(shards)
}

const refuse = (problem: string, mend: string) => new AigateError('usage', { problem, mend })

function sameRun(root: string, first: NamedShard, other: NamedShard): void {
  const [one, two] = [relative(root, first.file), relative(root, other.file)]
  const mend = 'Merge the shards of one run; run all of them again when you cannot tell.'
  const differing = (what: string) => refuse(`${one} and ${two} are not of the same run: ${what} differ.`, mend)
  const suites = (shard: NamedShard) => shard.content.suites.map(({ header }) => header.suite)
  const names = suites(first)
  if (contentHash(names.toSorted()) !== contentHash(suites(other).toSorted()))
    throw differing(`the suites (${names.join(', ')}; ${suites(other).join(', ')})`)
  for (const part of first.content.suites) {
    const same = other.content.suites.find(({ header }) => header.suite === part.header.suite)
    if (!same) continue
    const { suite, git } = part.header
    if (git?.commit !== same.header.git?.commit)
      throw differing(
        `the commits of ${suite} (${git?.commit.slice(0, 12) ?? 'none'} and ${same.header.git?.commit.slice(0, 12) ?? 'none'})`,
      )
    const unlike = unlikeIn(part.header, same.header)
    if (unlike.length > 0) throw differing(`${suite}: ${unlike.join(', ')}`)
    const [sides, others] = [sidesOf(part), sidesOf(same)]
    if (contentHash(Object.keys(sides)) !== contentHash(Object.keys(others)))
      throw differing(`${suite}: what is asked besides (--against, --attribute)`)
    for (const [name, header] of Object.entries(sides)) {
      const twin = others[name]
      const apart = twin ? unlikeIn(header, twin) : []
      if (apart.length > 0) throw differing(`${suite}, ${name}: ${apart.join(', ')}`)
    }
    if (contentHash(part.baseline) !== contentHash(same.baseline)) throw differing(`${suite}: the baselines`)
  }
  if (first.content.split !== other.content.split) throw differing('the ways in which the cases were split')
}

/** What differs and may not, in words. */
function unlikeIn(one: RunHeader, other: RunHeader): string[] {
  const keys = Object.keys({ ...one, ...other }) as (keyof RunHeader)[]
  return keys.flatMap((key) => {
    if (OWN.some((own) => own === key) || contentHash(shared(one, key)) === contentHash(shared(other, key))) return []
    return [words[key] ?? key]
  })
}

/** What must be the same: each machine asks judges for their gold answers by itself, and gets others at another cost. */
function shared({ judging, ...header }: RunHeader, key: keyof RunHeader): unknown {
  // What is not there has no hash of its own.
  if (key !== 'judging') return header[key] ?? null
  return judging ? { judges: judging.judges, embeddings: judging.embeddings, uses: judging.uses } : null
}

/** The headers of everything that was asked besides the candidate, by name. */
const sidesOf = ({ against, cells = [] }: ShardFile['suites'][number]): Record<string, RunHeader> =>
  Object.fromEntries([
    ...(against ? [['the other side', against.header] as const] : []),
    ...cells.map(({ name, header }) => [name, header] as const),
  ])

/** Shards of yesterday say nothing about what is checked out today. */
async function sameCommit(root: string, { file, content }: NamedShard): Promise<void> {
  const asked = content.suites.find(({ header }) => header.git)?.header.git?.commit
  const here = (await gitState(root))?.commit
  if (asked === undefined || here === undefined || asked === here) return
  throw refuse(
    `${relative(root, file)} is of commit ${asked.slice(0, 12)}, and ${here.slice(0, 12)} is checked out here.`,
    'Merge in a checkout of the commit that the shards asked.',
  )
}

/** What no untouched file can show. */
function wholeCases(shards: readonly NamedShard[]): void {
  for (const { header, against } of shards[0]?.content.suites ?? []) {
    if (header.against && !against)
      throw refuse(
        `The shards do not have the answers of ${header.against.ref}, which ${header.suite} is compared with.`,
        'The files were changed after they were written: run the shards again.',
      )
    const asked = shards.flatMap(
      ({ content }) => content.suites.find((one) => one.header.suite === header.suite)?.cases ?? [],
    )
    if (contentHash(asked.toSorted()) !== contentHash(header.cases.map(({ id }) => id).toSorted()))
      throw refuse(
        `The shards do not have each case of ${header.suite} once.`,
        'A file was changed after it was written: run that shard again.',
      )
  }
}
