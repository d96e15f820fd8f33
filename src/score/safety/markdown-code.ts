// Which parts of a Markdown text are code: fenced blocks with their language, inline code, and the prose around them.

export type CodePart = { language: string; code: string }

/**
 * Fences of CommonMark (three or more backticks or tildes, closed by as many or by the end) and inline code of one line.
 * Prose keeps its line breaks; code is cut out of it. Linear.
 */
export function partsOf(text: string): { prose: string; blocks: CodePart[]; inline: string[] } {
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
  const inline: string[] = []
  const rest = prose.join('\n').replace(/`([^`\n]{1,2000})`/g, (_, code: string) => {
    inline.push(code)
    return ' '
  })
  return { prose: rest, blocks, inline }
}
