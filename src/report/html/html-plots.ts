// The pictures of the HTML report besides the forest plot: flips, distributions and the history of the baseline, as inline SVG.
import type { CaseReport, SuiteReport } from '../../schema/verdict.ts'
import { headRow, htmlLine, paragraph, table } from './html-parts.ts'
import { dollars, duration, median, moment, plural, share } from '../numbers.ts'
import { passRate } from '../phrases.ts'
import { oneLine, safeAttribute } from '../safe-text.ts'

const WIDTH = 340
const HEIGHT = 170
const FOOT = 24
const LEFT = 46

const svg = (label: string, height: number, body: readonly string[]) =>
  [
    `<svg role="img" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" aria-label="${safeAttribute(label, 400)}">`,
    ...body,
    '</svg>',
  ].join('')
const text = (x: number, y: number, anchor: 'start' | 'middle' | 'end', content: string) =>
  `<text class="dim" text-anchor="${anchor}" x="${x.toFixed(0)}" y="${y.toFixed(0)}">${content}</text>`
const line = (x1: number, y1: number, x2: number, y2: number) =>
  `<line class="axis" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`
const figure = (title: string, picture: string, note: string) =>
  `<div><h3>${title}</h3>${picture}${paragraph(note, 'dim')}</div>`

type Pair = { before: number; now: number }

const pairs = (cases: readonly CaseReport[]): Pair[] =>
  cases.flatMap(({ baseline, passes, trials, quarantined }) =>
    baseline && baseline.trials > 0 && trials > 0 && !quarantined
      ? [{ before: baseline.passes / baseline.trials, now: passes / trials }]
      : [],
  )

/** Cases by what passed before and now: nine counts, which say in words what the bubbles show. */
export function flipsFigure({ cases }: SuiteReport): string {
  const compared = pairs(cases)
  if (compared.length === 0) return ''
  const kinds = ['all', 'some', 'none'] as const
  const kindOf = (rate: number) => (rate === 1 ? 'all' : rate === 0 ? 'none' : 'some')
  const rows = kinds.map((before) => {
    const cells = kinds.map(
      (now) => compared.filter((one) => kindOf(one.before) === before && kindOf(one.now) === now).length,
    )
    return `<tr><th scope="row">${before}</th>${cells.map((cases) => `<td>${cases}</td>`).join('')}</tr>`
  })
  const head = headRow(['before ↓ now →', ...kinds])
  const matrix = `<table class="flips">${head}<tbody>${rows.join('')}</tbody></table>`
  return figure(
    'Before and now',
    scatter(compared) + matrix,
    'Cases by how many of their trials passed. Bubbles: a case below the diagonal got worse.',
  )
}

function scatter(compared: readonly Pair[]): string {
  const size = 230
  const x = (rate: number) => LEFT + 22 + rate * (size - 30)
  const y = (rate: number) => size - 8 - rate * (size - 30)
  const groups = new Map<string, Pair & { cases: number }>()
  for (const { before, now } of compared) {
    const key = `${before.toFixed(2)} ${now.toFixed(2)}`
    groups.set(key, { before, now, cases: (groups.get(key)?.cases ?? 0) + 1 })
  }
  const bubbles = [...groups.values()]
    .toSorted((a, b) => b.cases - a.cases)
    .map(({ before, now, cases }) => {
      const radius = Math.min(16, 3 + 1.2 * Math.sqrt(cases)).toFixed(1)
      const kind = before > now ? ' fail' : now > before ? ' pass' : ''
      const title = `before ${share(before)}, now ${share(now)}: ${plural(cases, 'case')}`
      return `<circle class="bubble${kind}" cx="${x(before).toFixed(1)}" cy="${y(now).toFixed(1)}" r="${radius}"><title>${title.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</title></circle>`
    })
  const worse = compared.filter(({ before, now }) => now < before).length
  const better = compared.filter(({ before, now }) => now > before).length
  const label = `Share of passed trials before and now: ${plural(worse, 'case')} lower, ${better} higher, ${compared.length - worse - better} equal`
  return svg(label, size + FOOT + 14, [
    line(x(0), y(0), x(1), y(0)),
    line(x(0), y(0), x(0), y(1)),
    line(x(0), y(0), x(1), y(1)),
    ...bubbles,
    text(x(0) - 20, y(0) + 4, 'end', '0 %'),
    text(x(0) - 20, y(1) + 4, 'end', '100 %'),
    text(x(0) - 20, y(0.5) + 4, 'end', 'now'),
    text(x(0), size + FOOT + 2, 'middle', '0 %'),
    text(x(0.5), size + FOOT + 2, 'middle', 'before'),
    text(x(1), size + FOOT + 2, 'middle', '100 %'),
  ])
}

const BINS = 24

/** The value below which a share of the values lies (nearest rank). */
const quantile = (values: readonly number[], of: number) =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(of * values.length) - 1)] ?? 0

function histogram(
  title: string,
  now: readonly number[],
  before: readonly number[],
  said: (value: number) => string,
): string {
  // Free answers and replays without a time are no distribution.
  const end = Math.max(quantile(now, 0.99), quantile(before, 0.99))
  if (now.length < 2 || end <= 0) return ''
  const sharesOf = (values: readonly number[]) => {
    const bins = Array.from({ length: BINS }, () => 0)
    for (const value of values) {
      const bin = Math.min(BINS - 1, Math.floor((value / end) * BINS))
      bins[bin] = (bins[bin] ?? 0) + 1 / values.length
    }
    return bins
  }
  const [fresh, old] = [sharesOf(now), sharesOf(before)]
  const top = Math.max(...fresh, ...old)
  const width = (WIDTH - LEFT - 10) / BINS
  const x = (bin: number) => Number((LEFT + bin * width).toFixed(1))
  const y = (value: number) => Number((HEIGHT - FOOT - (value / top) * (HEIGHT - FOOT - 12)).toFixed(1))
  const bars = fresh.flatMap((value, bin) =>
    value === 0
      ? []
      : [
          `<rect class="now" x="${x(bin)}" y="${y(value)}" width="${(width - 1).toFixed(1)}" height="${(HEIGHT - FOOT - y(value)).toFixed(1)}"/>`,
        ],
  )
  const steps = old.map((value, bin) => `V${y(value)}H${x(bin + 1)}`).join('')
  const outline = before.length < 2 ? '' : `<path class="was" d="M${x(0)} ${y(0)}${steps}V${y(0)}"/>`
  const told = (values: readonly number[]) =>
    `median ${said(median(values) ?? 0)}, 95th percentile ${said(quantile(values, 0.95))}`
  const note = `Filled: now, ${told(now)}.${before.length < 2 ? '' : ` Dashed: before, ${told(before)}.`}`
  const picture = svg(`${title}. ${note}`, HEIGHT, [
    ...bars,
    outline,
    line(LEFT, y(0), WIDTH - 10, y(0)),
    text(LEFT, HEIGHT - 6, 'start', said(0)),
    text(WIDTH - 10, HEIGHT - 6, 'end', `${htmlLine(said(end))} or more`),
    text(LEFT - 6, 16, 'end', `${Math.round(top * 100)} %`),
  ])
  return figure(title, picture, htmlLine(note))
}

/** Latency, time to first token (where answers were streamed) and cost of the cases, now and before. */
export function distributionFigures({ cases }: SuiteReport): string[] {
  const list = (of: (found: CaseReport) => number | null | undefined) => cases.flatMap((found) => of(found) ?? [])
  const latency = histogram(
    'Median latency of the cases',
    list(({ latency_ms }) => latency_ms),
    list(({ detail }) => detail?.before_latency_ms),
    duration,
  )
  const cost = histogram(
    'Mean cost of the cases',
    list(({ cost_usd }) => cost_usd),
    list(({ detail }) => detail?.before_cost_usd),
    dollars,
  )
  const first = histogram(
    'Median time to first token of the cases',
    list(({ first_token_ms }) => first_token_ms),
    list(({ before_first_token_ms }) => before_first_token_ms),
    duration,
  )
  return [latency, first, cost].filter((one) => one !== '')
}

/** The pass rate of the last accepted baselines and of this run; empty where nothing was ever replaced. */
export function historyFigure({ baseline, verdict, run }: SuiteReport): string {
  const accepted = baseline?.history ?? []
  const now = passRate(verdict)
  if (accepted.length === 0 || now === null) return ''
  const dots = [
    ...accepted.map(({ at, pass_rate }) => ({ at, rate: pass_rate })),
    { at: run.started_at, rate: now.now },
  ]
  const low = Math.max(0, Math.floor(Math.min(...dots.map(({ rate }) => rate)) * 20 - 1) / 20)
  const x = (nth: number) => Number((LEFT + 10 + (nth * (WIDTH - LEFT - 30)) / (dots.length - 1)).toFixed(1))
  const y = (rate: number) => Number((12 + ((1 - rate) / Math.max(1 - low, 0.05)) * (HEIGHT - FOOT - 20)).toFixed(1))
  const path = dots
    .slice(0, -1)
    .map(({ rate }, nth) => `${nth === 0 ? 'M' : 'L'}${x(nth)} ${y(rate)}`)
    .join('')
  const circles = dots.map(({ at, rate }, nth) => {
    const last = nth === dots.length - 1
    const title = safeAttribute(`${last ? 'this run, ' : ''}${moment(oneLine(at, 40))}: ${share(rate)}`, 120)
    return `<circle class="${last ? 'open' : 'point'}" cx="${x(nth)}" cy="${y(rate)}" r="4"><title>${title}</title></circle>`
  })
  const day = (at: string) => htmlLine(at.slice(0, 10), 20)
  const label = `Pass rate of ${plural(accepted.length, 'accepted baseline')} and of this run: ${dots.map(({ rate }) => share(rate)).join(', ')}`
  const picture = svg(label, HEIGHT, [
    line(LEFT, y(low), WIDTH - 10, y(low)),
    line(LEFT, y(1), WIDTH - 10, y(1)),
    `<path class="line" d="${path}"/>`,
    ...circles,
    text(LEFT - 6, y(1) + 4, 'end', '100 %'),
    text(LEFT - 6, y(low) + 4, 'end', share(low)),
    text(LEFT, HEIGHT - 4, 'start', day(dots[0]?.at ?? '')),
    text(WIDTH - 10, HEIGHT - 4, 'end', 'this run'),
  ])
  const rows = accepted
    .toReversed()
    .map(
      ({ at, pass_rate, cases }) =>
        `<tr><td>${htmlLine(moment(oneLine(at, 40)))}</td><td>${share(pass_rate).replace('<', '&lt;').replace('>', '&gt;')}</td><td>${cases}</td></tr>`,
    )
  const numbers = `<details><summary>${plural(accepted.length, 'acceptance')} in numbers</summary>${table('Accepted baselines', ['accepted', 'pass rate', 'cases'], rows)}</details>`
  return `${figure('Accepted baselines', picture, 'Pass rate at each acceptance; hollow: this run.').replace(/<\/div>$/, '')}${numbers}</div>`
}
