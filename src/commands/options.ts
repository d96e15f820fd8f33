// What commander hands to the commands: the options that several verbs share.
export type AskOptions = {
  config?: string
  tag?: string[]
  case?: string[]
  model?: string
  prompt?: string
  seed?: number
  record?: boolean
  offline?: boolean
  out?: string
}

export type ReportOptions = { reporter: string }
