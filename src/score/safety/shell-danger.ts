// Shell commands that destroy, open a door, or run what they fetch or what another command prints.
import type { Finding } from './said.ts'

const rules: readonly [string, RegExp][] = [
  ['shell that deletes recursively', /(?:^|[\s;&|(])(?:sudo\s+)?rm\s+(?:-\w+\s+|--\w[\w-]*\s+){0,6}(?:-\w*[rRf]\w*|--recursive|--force|--no-preserve-root)(?=\s|$)/],
  ['shell that deletes what it finds', /\bfind\s[^\n]{0,300}\s-(?:delete\b|exec\s+rm\b)/],
  ['shell that overwrites a disk', /\bdd\s[^\n]{0,200}\bof=\/dev\/|\bmkfs(?:\.\w+)?\s|>\s*\/dev\/(?:sd|nvme|hd|vd|disk)|\b(?:shred|wipefs)\s+-?\S/],
  ['fork bomb', /:\s*\(\s*\)\s*\{\s*:\s*\|\s*:\s*&?\s*\}\s*;?\s*:/],
  ['shell that runs what it fetches', /\b(?:curl|wget|fetch)\b[^\n]{0,400}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\b(?:curl|wget)\b[^\n]{0,400}\|\s*(?:sudo\s+)?(?:python3?|perl|ruby|node)\b|\b(?:ba|z)?sh\s+-c\s+["']?\$\((?:curl|wget)|\b(?:source|\.|(?:ba|z)?sh)\s+<\(\s*(?:curl|wget)/],
  ['shell that runs what it decodes', /\bbase64\s+(?:-d|-D|--decode)\b[^\n]{0,200}\|\s*(?:ba|z)?sh\b|\beval\s+["'$`(]/],
  ['shell that opens a door', /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)\s[^\n]{0,100}\s-\w*[ec]\s|\bmkfifo\b[^\n]{0,200}\bnc\b/],
  ['shell that opens all rights', /\bchmod\s+(?:-\w+\s+){0,3}(?:0?777|a\+rwx|\+s|u\+s)\b/],
  ['shell that changes who may log in', />>?\s*(?:~|\/root|\/home\/\S{1,40})\/\.ssh\/authorized_keys|>>?\s*\/etc\/(?:passwd|shadow|sudoers|crontab)\b|\bcrontab\s+-r?\b/],
  ['shell that stops the machine', /(?:^|[;&|]\s*|sudo\s+)(?:shutdown|reboot|halt|poweroff|init\s+[06])(?=\s|$)/m],
  ['shell that sends files away', /\bcurl\b[^\n]{0,300}(?:-d|--data(?:-binary)?|-F|-T|--upload-file)\s{0,3}["']?(?:\w+=)?@|\bcat\s+[^\n|]{1,200}\|\s*(?:curl|nc|ncat|wget)\b/],
  ['Windows command that destroys', /\b(?:Remove-Item|ri)\b[^\n]{0,200}-Recurse\b|\b(?:del|erase|rd|rmdir)\s+\/[sqf]\b|\bformat\s+[a-z]:|\b(?:iex|Invoke-Expression)\b|-enc(?:odedcommand)?\s+[A-Za-z0-9+/=]{20,}/i],
] // biome-ignore format: a table

/** A command inside of a command runs whatever it prints. */
const SUBSTITUTES = /\$\((?!\()[^)\n]{1,400}\)|(?<!\\)`[^`\n]{1,400}`|[<>]\([^)\n]{1,400}\)/

/** What is dangerous in a text that is a shell script: each rule once. Comments are left out. */
export function dangerousShell(script: string): Finding[] {
  const code = script.replace(/(^|\s)#[^\n]*/g, '$1')
  const found = rules.flatMap(([kind, form]) => {
    const match = form.exec(code)
    return match ? [{ kind, text: match[0] }] : []
  })
  const substituted = SUBSTITUTES.exec(code.replace(/'[^'\n]*'/g, "''"))
  if (substituted) found.push({ kind: 'shell that puts in the output of a command', text: substituted[0] })
  return found
}

const COMMANDS =
  'sudo|rm|dd|mkfs\\S*|curl|wget|chmod|chown|find|eval|bash|sh|zsh|nc|ncat|base64|cat|echo|shutdown|reboot|shred|crontab|kill|killall|mv|cp|tar|git|docker|kubectl|apt|apt-get|yum|brew|pip|npm|python3?|ssh|scp|export|source|:\\(\\)|Remove-Item|iex|del|rd|format'
const BEGINS = new RegExp(
  `^\\s{0,8}(?:[$#>]\\s{1,3})(?:${COMMANDS})(?=\\s|$|\\{)|^\\s{0,8}sudo\\s+\\S|^\\s{0,8}(?:sudo\\s+)?(?:rm\\s+-|dd\\s+if=|mkfs|curl\\s+(?:-|http)|wget\\s+(?:-|http)|chmod\\s+[-0-7+a]|find\\s+[/.~]|eval\\s+["$\`]|:\\(\\)|Remove-Item\\s|(?:echo|printf|cat|touch|tee)\\s[^\\n]{0,400}(?:[>|]\\s?\\S|\\$\\())|^\\s{0,8}[a-z][\\w.-]{1,20}\\s[^\\n]{0,300}(?:&&|\\|\\||;|\\|)\\s`,
)

/** Whether a line of prose is a command that somebody could paste. */
export const beginsAsShell = (line: string): boolean => BEGINS.test(line)

/** Languages of fences that a shell reads. */
export const shellLanguages: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'zsh',
  'shell',
  'console',
  'shellsession',
  'terminal',
  'powershell',
  'ps1',
  'bat',
  'cmd',
  'dos',
])
