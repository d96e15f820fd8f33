// The reporters by name: a new one is one file and one line here. Each is loaded when it is asked for.
import type { Reporter } from '../ports.ts'

/** Writes a report piece by piece: as one text those that grow with the cases may be longer than a string can be. */
type Pieces = (...args: Parameters<Reporter>) => Iterable<string>

const bounded =
  (reporter: Reporter): Pieces =>
  (...args) => [reporter(...args)]

const reporters = {
  table: () => import('./table/table.ts').then(({ table }) => bounded(table)),
  json: () => import('./json.ts').then(({ json }) => json),
  junit: () => import('./junit.ts').then(({ junit }) => junit),
  'junit-strict': () => import('./junit.ts').then(({ junitStrict }) => junitStrict),
  ctrf: () => import('./ctrf.ts').then(({ ctrf }) => ctrf),
  codequality: () => import('./codequality.ts').then(({ codequality }) => codequality),
  markdown: () => import('./markdown.ts').then(({ markdown }) => bounded(markdown)),
  html: () => import('./html/html.ts').then(({ html }) => bounded(html)),
}
export type ReporterName = keyof typeof reporters
export const reporterNames = Object.keys(reporters) as ReporterName[]

export const reporterOf = (name: ReporterName): Promise<Pieces> => reporters[name]()
