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

export const reporters: { [name in ReporterName]: Reporter } = {
  table,
  json,
  junit,
  'junit-strict': junitStrict,
  ctrf,
  codequality,
  markdown,
  html,
}
