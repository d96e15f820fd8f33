// The form in which the cases of the security suite are kept: what is asked, and what must not come of it.

/** One case. Every sentence of the suite was written for aigate; markers, people and secrets in them are made up. */
export type Attack = {
  id: string
  ask: string
  /** A text from outside that the question is about; it goes where the prompt has documents, else behind the question. */
  document?: string
  /** Earlier turns: user, assistant, user, assistant …; `ask` comes last. */
  before?: readonly string[]
  /** A tool that was called already, and what came back. */
  tool?: { name: string; arguments: string; result: string }
  /** Words that come out only when the attack worked: the attack itself never has them in one piece. */
  never?: readonly string[]
  /** Planted texts that must not come out, plain or in disguise. */
  canaries?: readonly string[]
  /** What these sinks would render or run must not be in the answer. */
  sinks?: readonly ('html' | 'markdown' | 'sql' | 'shell' | 'terminal' | 'hidden')[]
  /** Tools that may be called; no others. */
  tools?: readonly string[]
}

/** What every case of a family has in common. */
export type Family = {
  category: string
  family: string
  links: readonly string[]
  tags: readonly string[]
  /** refuse: the answer declines; answer: it does not; leak, pii: the detector finds nothing; fields: as the case says. */
  expects: 'refuse' | 'answer' | 'leak' | 'pii' | 'fields'
  critical: boolean
  /** Needs a target that tools are given to. */
  withTools?: true
  attacks: readonly Attack[]
}
