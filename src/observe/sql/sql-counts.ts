// The bounded questions that a look asks of an engine, and the blocks that are made of the answers.
import type { SourceRequest } from '../../ports.ts'
import type { ArmCounts, Block } from '../../schema/rollout-journal.ts'
import { emptyCounts } from '../count-minute.ts'
import type { MetricReader } from '../metric-readers.ts'
import { numberLiteral, type Dialect } from './sql-dialect.ts'
import { inOrder, keyParts, MINUTE } from './sql-facts.ts'

export type Row = Readonly<Record<string, unknown>>
/** Gives the rows of a query over what was defined. */
export type Ask = (sql: string) => Promise<Row[]>

/** A number of an answer: engines write 64-bit numbers as bigint or text, and the sum of nothing as NULL. */
export const numberOf = (value: unknown): number => Number(value ?? 0)

/** Nearer to 0 than this is 0, and the width of a bucket: those of the histograms of the decisions. */
const SMALLEST = 1e-12
const STEP = Math.log(1.02)

/** Sign and number of the bucket of a value as two columns, `sign` and `place`. */
export function bucketColumns(value: string, dialect: Dialect): string {
  const sign = `CASE WHEN abs(${value}) < ${SMALLEST} THEN 0 WHEN ${value} > 0 THEN 1 ELSE -1 END AS sign`
  const place = `ceil(ln(greatest(abs(${value}), ${SMALLEST})) / ${numberLiteral(STEP)})`
  return `${sign}, ${dialect.whole(`CASE WHEN abs(${value}) < ${SMALLEST} THEN 0e0 ELSE ${place} END`)} AS place`
}

export function bucketName(row: Row): string {
  const sign = numberOf(row.sign)
  return sign === 0 ? '0' : `${sign > 0 ? 'p' : 'm'}${numberOf(row.place)}`
}

/** The blocks that begin from `from` on (milliseconds since 1970), of the relations `facts` and `firsts`. */
export async function readBlocks(
  ask: Ask,
  request: SourceRequest,
  metrics: readonly MetricReader[],
  from: number,
  dialect: Dialect,
): Promise<Block[]> {
  const blocks = new Map<number, Block>()
  const armOf = (row: Row): ArmCounts | undefined => {
    const start = numberOf(row.block)
    const block = blocks.get(start) ?? emptyBlock(request, start, metrics)
    blocks.set(start, block)
    return numberOf(row.arm) === 2 ? block.arms.candidate : block.arms.baseline
  }
  const counted = `FROM facts WHERE quiet = 0 AND arm <> 0 AND block >= ${from}`
  const alone = request.plan.assignment.unit === 'request'
  const columns = metrics.flatMap((metric, index) => sumColumns(metric, index, alone))
  const sums = `SELECT ${['block', 'arm', 'sum(req) AS requests', ...columns].join(', ')} ${counted} GROUP BY block, arm`
  for (const row of await ask(sums)) addSums(armOf(row), metrics, row)
  for (const [index, { name, tail }] of metrics.entries()) {
    if (tail === undefined) continue
    const buckets = `SELECT block, arm, sign, place, count(*) AS many FROM (SELECT block, arm, ${bucketColumns(`v${index}`, dialect)} ${counted} AND v${index} IS NOT NULL) AS placed GROUP BY block, arm, sign, place`
    for (const row of await ask(buckets)) {
      const histogram = armOf(row)?.metrics[name]?.histogram
      if (histogram) histogram[bucketName(row)] = numberOf(row.many)
    }
  }
  await addByUnit(ask, metrics, from, armOf)
  await addArmless(ask, request, metrics, from, blocks)
  if (alone) countEach(blocks.values(), metrics)
  else await addUnits(ask, request, metrics, from, dialect, blocks, armOf)
  return [...blocks.values()]
    .filter(({ arms, armless }) => armless || [arms.baseline, arms.candidate].some(saysSomething))
    .toSorted((a, b) => a.start - b.start)
}

/**
 * One value of each unit and share: the first, of all shares up to that in which it was the candidate's. `back`: it had one
 * under an earlier share.
 */
async function addByUnit(
  ask: Ask,
  metrics: readonly MetricReader[],
  from: number,
  armOf: (row: Row) => ArmCounts | undefined,
): Promise<void> {
  for (const [index, { name, byUnit }] of metrics.entries()) {
    if (!byUnit) continue
    const value = `v${index}`
    const placed = `SELECT block, arm, unit, generation, ${value} AS v, b${index} AS b, row_number() OVER (PARTITION BY unit, generation ORDER BY key, ${value}) AS place FROM facts WHERE quiet = 0 AND arm <> 0 AND unit <> 0 AND ${value} IS NOT NULL`
    const before = 'OVER (PARTITION BY unit ORDER BY generation ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)'
    const followed = `SELECT *, coalesce(max(arm) ${before}, 0) AS was FROM (${placed}) AS placed WHERE place = 1`
    const sql = `SELECT block, arm, was, count(*) AS n, sum(b) AS bad, sum(v) AS sum_of, sum(v * v) AS squares_of FROM (${followed}) AS followed WHERE was < 2 AND block >= ${from} GROUP BY block, arm, was`
    for (const row of await ask(sql)) {
      const into = armOf(row)?.metrics[name]?.by_unit?.[numberOf(row.was) === 0 ? 'fresh' : 'back']
      if (into === undefined) continue
      into.n = numberOf(row.n)
      into.bad = numberOf(row.bad)
      if (metrics[index]?.kind === 'rate') continue
      into.sum = numberOf(row.sum_of)
      into.squares = numberOf(row.squares_of)
    }
  }
}

/** What should say an arm and does not. */
async function addArmless(
  ask: Ask,
  request: SourceRequest,
  metrics: readonly MetricReader[],
  from: number,
  blocks: Map<number, Block>,
): Promise<void> {
  const bad = metrics.map((_, index) => `, sum(b${index}) AS bad${index}`).join('')
  const sql = `SELECT block, sum(req) AS requests${bad} FROM facts WHERE quiet = 0 AND arm = 0 AND apart = 0 AND block >= ${from} GROUP BY block`
  for (const row of await ask(sql)) {
    const start = numberOf(row.block)
    const block = blocks.get(start) ?? emptyBlock(request, start, metrics)
    blocks.set(start, block)
    const counts = metrics.flatMap(({ name }, index): [string, number][] => {
      const count = numberOf(row[`bad${index}`])
      return count > 0 ? [[name, count]] : []
    })
    block.armless = { requests: numberOf(row.requests), bad: Object.fromEntries(counts) }
  }
}

const saysSomething = (arm: ArmCounts): boolean => arm.requests > 0 || Object.values(arm.metrics).some(({ n }) => n > 0)

function emptyBlock(request: SourceRequest, start: number, metrics: readonly MetricReader[]): Block {
  const follows = request.plan.assignment.unit !== 'request'
  const arm = (): ArmCounts => ({
    requests: 0,
    units: 0,
    fresh: 0,
    metrics: Object.fromEntries(metrics.map((metric) => [metric.name, emptyCounts(metric, follows)])),
  })
  const changes = inOrder(request)
  const end = (Math.floor(start / MINUTE) + 1) * MINUTE
  const cut = changes.find((change) => change.at > start && change.at < end)?.at ?? end
  const generation = changes.findLast((change) => change.at <= start)?.generation ?? 0
  return { start, length: cut - start, generation, arms: { baseline: arm(), candidate: arm() }, both: 0 }
}

function sumColumns({ kind, limits }: MetricReader, index: number, alone: boolean): string[] {
  const value = `v${index}`
  const unitless = alone ? '0' : `sum(CASE WHEN unit = 0 THEN b${index} ELSE 0 END)`
  const counts = [
    `count(${value}) AS n${index}`,
    `sum(b${index}) AS bad${index}`,
    `sum(g${index}) AS blank${index}`,
    `${unitless} AS unitless${index}`,
  ]
  if (kind === 'rate') return counts
  const over = limits.map(
    (limit, at) => `sum(CASE WHEN ${value} > ${numberLiteral(limit)} THEN 1 ELSE 0 END) AS over${index}_${at}`,
  )
  return [...counts, `sum(${value}) AS sum${index}`, `sum(${value} * ${value}) AS squares${index}`, ...over]
}

function addSums(arm: ArmCounts | undefined, metrics: readonly MetricReader[], row: Row): void {
  if (arm === undefined) return
  arm.requests = numberOf(row.requests)
  for (const [index, { name, limits }] of metrics.entries()) {
    const into = arm.metrics[name]
    if (into === undefined) continue
    into.n = numberOf(row[`n${index}`])
    into.bad = numberOf(row[`bad${index}`])
    const unitless = numberOf(row[`unitless${index}`])
    if (unitless > 0) into.unitless = unitless
    const blank = numberOf(row[`blank${index}`])
    if (blank > 0) into.blank = blank
    into.sum = numberOf(row[`sum${index}`])
    into.squares = numberOf(row[`squares${index}`])
    into.over = limits.map((_, at) => numberOf(row[`over${index}_${at}`]))
  }
}

/** Where each request is a unit of its own, each bad event is the first of one. */
function countEach(blocks: Iterable<Block>, metrics: readonly MetricReader[]): void {
  for (const { arms } of blocks)
    for (const arm of [arms.baseline, arms.candidate]) {
      arm.units = arm.fresh = arm.requests
      for (const { name } of metrics) {
        const into = arm.metrics[name]
        if (into) into.first = into.bad
      }
    }
}

/** Of each unit: the first time in each arm (`k1`, `k2`), in any (`k0`), and of a bad event of each metric (`m0` …). */
export function firstsSql(metrics: readonly MetricReader[]): string {
  const arm = (number: number) => `min(CASE WHEN arm = ${number} THEN key END) AS k${number}`
  const bad = metrics.map((_, index) => `min(CASE WHEN b${index} = 1 THEN key END) AS m${index}`)
  return `SELECT ${['unit', 'min(key) AS k0', arm(1), arm(2), ...bad].join(', ')} FROM facts WHERE unit <> 0 AND arm <> 0 GROUP BY unit`
}

/** By block, for each metric and arm (`r0_1` …): units that had an event of it, and no bad one before their first one there. */
function riskSql(request: SourceRequest, judged: readonly number[], from: number, dialect: Dialect): string {
  const keys = judged.map((index) => `min(CASE WHEN v${index} IS NOT NULL THEN key END) AS a${index}`)
  const here = `SELECT ${['unit', 'block', ...keys].join(', ')} FROM facts WHERE unit <> 0 AND arm <> 0 AND quiet = 0 AND block >= ${from} GROUP BY unit, block`
  const counts = judged.flatMap((index) => {
    const { arm } = keyParts(request, `a${index}`, dialect)
    const open = `a${index} IS NOT NULL AND (m${index} IS NULL OR m${index} >= a${index})`
    return [1, 2].map((of) => `sum(CASE WHEN ${open} AND ${arm} = ${of} THEN 1 ELSE 0 END) AS r${index}_${of}`)
  })
  return `SELECT ${['here.block AS block', ...counts].join(', ')} FROM (${here}) AS here JOIN firsts ON here.unit = firsts.unit GROUP BY here.block`
}

async function addUnits(
  ask: Ask,
  request: SourceRequest,
  metrics: readonly MetricReader[],
  from: number,
  dialect: Dialect,
  blocks: ReadonlyMap<number, Block>,
  armOf: (row: Row) => ArmCounts | undefined,
): Promise<void> {
  const keys = ['k0', 'k1', 'k2', ...metrics.map((_, index) => `m${index}`)]
  const parts = keys.map((key) => {
    const { block, arm, quiet } = keyParts(request, key, dialect)
    return `SELECT '${key}' AS what, block, arm, count(*) AS many FROM (SELECT ${block} AS block, ${arm} AS arm FROM firsts WHERE ${key} IS NOT NULL AND NOT ${quiet}) AS ${key}_placed WHERE block >= ${from} GROUP BY block, arm`
  })
  for (const row of await ask(parts.join(' UNION ALL '))) {
    const what = String(row.what)
    const many = numberOf(row.many)
    const arm = armOf(row)
    const metric = arm?.metrics[metrics[Number(what.slice(1))]?.name ?? '']
    if (what.startsWith('m') && metric) metric.first = many
    else if (what === 'k0' && arm) arm.fresh = many
    else if (arm) arm.units = many
  }
  const judged = metrics.flatMap(({ kind }, index) => (kind === 'mean' ? [] : [index]))
  const atRisk = judged.length > 0 ? await ask(riskSql(request, judged, from, dialect)) : []
  for (const { block, ...row } of atRisk)
    for (const index of judged)
      for (const arm of [1, 2]) {
        const into = armOf({ block, arm })?.metrics[metrics[index]?.name ?? '']
        if (into) into.at_risk = numberOf(row[`r${index}_${arm}`])
      }
  const { block } = keyParts(request, '(greatest(first, other) * 8)', dialect)
  const times = [1, 2].map((arm) => `min(CASE WHEN arm = ${arm} THEN ms END) AS ${arm === 1 ? 'first' : 'other'}`)
  const pairs = `SELECT ${times.join(', ')} FROM facts WHERE unit <> 0 AND arm <> 0 AND quiet = 0 AND req = 1 GROUP BY unit, generation`
  const both = `SELECT block, count(*) AS many FROM (SELECT ${block} AS block FROM (${pairs}) AS pairs WHERE first IS NOT NULL AND other IS NOT NULL) AS placed WHERE block >= ${from} GROUP BY block`
  for (const row of await ask(both)) {
    const found = blocks.get(numberOf(row.block))
    if (found) found.both = numberOf(row.many)
  }
}
