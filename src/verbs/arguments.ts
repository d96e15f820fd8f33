// The options that several verbs share, and how the words after an option become values.
import { type Command, Option } from 'commander'
import { AigateError } from '../errors.ts'

/** What may be spent, in place of the budget in aigate.yaml. */
export function limited(command: Command): Command {
  return command
    .option('--max-cost <usd>', 'stop before more dollars are spent', parseDollars)
    .option('--max-calls <n>', 'stop before more calls are made', parseAmount)
    .option('--max-tokens <n>', 'stop before more tokens are used', parseAmount)
    .option('--max-duration <duration>', 'stop before it takes longer: 90s, 10m', parseDuration)
}

/** The options of every verb that asks models. */
export function asking(command: Command): Command {
  return limited(command)
    .option('--config <file>', 'configuration file (default: aigate.yaml here or above)')
    .option('--tag <tag...>', 'only cases with one of these tags')
    .option('--case <id...>', 'only these cases')
    .option('--model <name>', 'another model of the registry')
    .option('--prompt <name@version>', 'another version of the prompt')
    .option('--seed <n>', 'order of the calls and jitter', parseSeed)
    .option('--record', 'ask for real, and keep the answers as recordings')
    .option('--offline', 'answers from the recordings only')
    .option('--out <folder>', 'where the run is saved (default: .aigate/runs)')
}

export const reporterOption = () =>
  new Option(
    '--reporter <list>',
    'table, json, junit, junit-strict, ctrf, codequality, markdown, html; each with :file to write it',
  ).default('table')

/** How far back traffic is read: a week unless written. */
export function sinceOption(description: string): Option {
  return new Option('--since <duration>', description).argParser(parseDuration).default(7 * 86_400_000, '7d')
}

export function parseRate(text: string): number {
  const value = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new AigateError('usage', { problem: `"${text}" is no rate between 0 and 1.`, mend: 'Write --threshold 0.85.' })
}

export function parseDollars(text: string): number {
  const value = Number(text.replace(/^\$/, ''))
  if (/^\$?\d*\.?\d+$/.test(text) && value >= 0) return value
  throw new AigateError('usage', { problem: `"${text}" is no amount of dollars.`, mend: 'Write --max-cost 0.50.' })
}

export function parseAmount(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value
  throw new AigateError('usage', { problem: `"${text}" is no whole number from 1 on.`, mend: 'Write --max-calls 500.' })
}

export function parsePassScore(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new AigateError('usage', { problem: `"${text}" is no score between 0 and 1.`, mend: 'Write --pass-score 0.7.' })
}

export function parsePort(text: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value <= 65_535) return value
  throw new AigateError('usage', { problem: `"${text}" is no port.`, mend: 'Write --port 8844.' })
}

export function parseCount(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 1 to 1000.`, mend: 'Write --trials 3.' })
}

export function parseDraws(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 20 && value <= 100_000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 20 to 100000.`, mend: 'Write --draws 500.' })
}

export function parseRuns(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 10 && value <= 100_000) return value
  throw new AigateError('usage', { problem: `"${text}" is no count from 10 to 100000.`, mend: 'Write --runs 200.' })
}

export function parseSeed(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value
  throw new AigateError('usage', { problem: `"${text}" is no whole number.`, mend: 'Write --seed 7.' })
}

export function parseDuration(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const value = Number(amount) * (units[unit] ?? 0)
  if (value > 0) return value
  throw new AigateError('usage', { problem: `"${text}" is no duration.`, mend: 'Write 30s, 5m, 2h or 7d.' })
}

export function parseRatio(text: string): number {
  const value = Number(text)
  if (value > 1 && value <= 100) return value
  throw new AigateError('usage', { problem: `"${text}" is no ratio above 1.`, mend: 'Write --ratio 2.' })
}
