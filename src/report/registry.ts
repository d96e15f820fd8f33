// The reporters by name: a new one is one file and one line here.
import type { Reporter } from '../ports.ts'
import { codequality } from './codequality.ts'
import { ctrf } from './ctrf.ts'
import { html } from './html/html.ts'
import { json } from './json.ts'
import { junit, junitStrict } from './junit.ts'
import { markdown } from './markdown.ts'
import { table } from './table/table.ts'

export const reporterNames = [
  'table',
  'json',
  'junit',
  'junit-strict',
  'ctrf',
  'codequality',
  'markdown',
  'html',
] as const
export type ReporterName = (typeof reporterNames)[number]

/** Reports that grow with the cases, piece by piece: as one text they may be longer than a string can be. */
const growing = { json, junit, 'junit-strict': junitStrict, ctrf, codequality }
const isGrowing = (name: ReporterName): name is keyof typeof growing => Object.hasOwn(growing, name)
const bounded = { table, markdown, html }

/** What a report is written from, one piece after the other. */
export const piecesOf = (name: ReporterName, ...[report, options]: Parameters<Reporter>): Iterable<string> =>
  isGrowing(name) ? growing[name](report) : [bounded[name](report, options)]
