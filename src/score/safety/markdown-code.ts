// Which parts of a Markdown text are code: fenced blocks with their language, inline code, and the prose around them.

export type CodePart = { language: string; code: string }
/** `before` and `after`: what the line says around it, at most 100 characters each. */
export type InlineCode = { code: string; before: string; after: string }

/**
 * Fences of CommonMark (three or more backticks or tildes, closed by as many or by the end) and inline code of one line.
 * Prose keeps its line breaks; code is cut out of it. Linear.
 */
export function partsOf(text: string): { prose: string; blocks: CodePart[]; inline: InlineCode[] } {
  const prose: string[] = []
  const blocks: CodePart[] = []
  let open: { fence: string; language: string; lines: string[] } | null = null
  for (const line of text.split(/\r\n|[\n\r]/)) {
    const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#-]*)/.exec(line)
    if (open === null) {
      if (fence?.[1]) open = { fence: fence[1], language: (fence[2] ?? '').toLowerCase(), lines: [] }
      else prose.push(line)
      continue
    }
    const closes = fence?.[1]?.startsWith(open.fence) === true && line.trim() === fence[1]
    if (closes) {
      blocks.push({ language: open.language, code: open.lines.join('\n') })
      open = null
    } else open.lines.push(line)
  }
  if (open) blocks.push({ language: open.language, code: open.lines.join('\n') })
  const inline: InlineCode[] = []
  const written = prose.join('\n')
  const rest = written.replace(/`([^`\n]{1,2000})`/g, (whole, code: string, at: number) => {
    const before = written.slice(Math.max(0, at - 100), at)
    const after = written.slice(at + whole.length, at + whole.length + 100)
    inline.push({ code, before: before.slice(before.lastIndexOf('\n') + 1), after: after.split('\n', 1)[0] ?? '' })
    return ' '
  })
  return { prose: rest, blocks, inline }
}
