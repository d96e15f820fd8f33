// The part of the syntax tree of Handlebars that prompts are made of (the package's own types cannot be resolved).

export type Statement = {
  type: string
  loc: { start: { line: number } }
  /** Text. */
  value?: unknown
  path?: Expression
  name?: Expression
  params?: Expression[]
  hash?: { pairs: { key: string; value: Expression }[] }
  program?: Program
  inverse?: Program | null
}
export type Program = { body: Statement[]; blockParams?: string[] | null }
export type Expression = {
  type: string
  value?: unknown
  original?: string | number | boolean | null
  data?: boolean
  depth?: number
  parts?: unknown[]
}
