// The reporters by name: a new one is one file and one line here.
import type { Reporter } from '../ports.ts'
import { html } from './html.ts'
import { json } from './json.ts'
import { junit } from './junit.ts'
import { markdown } from './markdown.ts'
import { table } from './table.ts'

export const reporterNames = ['table', 'json', 'junit', 'markdown', 'html'] as const
export type ReporterName = (typeof reporterNames)[number]

export const reporters: { [name in ReporterName]: Reporter } = { table, json, junit, markdown, html }
