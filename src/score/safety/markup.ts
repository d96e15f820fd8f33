// HTML and Markdown that would act by itself in a page: scripts, event handlers, script addresses, images that carry data away.
import type { Finding } from './said.ts'

/** Elements that run, load or take over something, wherever they stand. */
const ACTIVE: ReadonlySet<string> = new Set([
  'script',
  'iframe',
  'frame',
  'object',
  'embed',
  'applet',
  'base',
  'meta',
  'link',
  'form',
  'portal',
])
const SCRIPT_ADDRESS =
  /^(?:javascript|vbscript|livescript):|^data:(?:text\/html|application\/xhtml\+xml|image\/svg\+xml|text\/xml)/i
/** Attributes whose value is an address that a browser follows. */
const ADDRESSES: ReadonlySet<string> = new Set([
  'href',
  'src',
  'action',
  'formaction',
  'data',
  'poster',
  'xlink:href',
  'background',
])
/** A tag of a browser ends somewhere; a longer one is cut. */
const LONGEST_TAG = 4000

/** An address as a browser reads it: character references resolved, control characters and white space out. */
const address = (written: string): string =>
  written
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi, (_, hex: string | undefined, decimal: string | undefined) =>
      String.fromCharCode(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    )
    .replace(/&(colon|tab|newline);/gi, (_, name: string) => (name.toLowerCase() === 'colon' ? ':' : ''))
    // oxlint-disable-next-line no-control-regex -- browsers leave them out
    .replace(/[\u0000-\u0020]/g, '')

const ATTRIBUTE = /([^\s"'>/=]+)(?:\s{0,20}=\s{0,20}(?:"([^"]*)"?|'([^']*)'?|([^\s"'>]+)))?/g

function dangerousAttribute(name: string, value: string): string | null {
  if (/^on[a-z]{3,}$/i.test(name) && value !== '') return `HTML event handler ${name.toLowerCase()}`
  if (name.toLowerCase() === 'srcdoc') return 'HTML in srcdoc'
  const follows = ADDRESSES.has(name.toLowerCase())
  if (follows && SCRIPT_ADDRESS.test(address(value))) return 'script address in HTML'
  return name.toLowerCase() === 'style' && /expression\s*\(|url\s*\(\s*["']?\s*javascript:/i.test(value)
    ? 'script in a style'
    : null
}

/** What would act in a page that shows the text as HTML. The same text twice is one finding. */
export function dangerousHtml(text: string): Finding[] {
  const found = new Map<string, Finding>()
  const tag = /<\s{0,5}([a-z][\w:-]{0,40})(?=[\s/>"']|$)/gi
  for (let match = tag.exec(text); match !== null; match = tag.exec(text)) {
    const end = endOfTag(text, tag.lastIndex)
    const name = (match[1] ?? '').toLowerCase()
    const shown = text.slice(match.index, Math.min(end + 1, match.index + 80))
    if (ACTIVE.has(name)) found.set(name, { kind: `HTML <${name}>`, text: shown })
    for (const [, key = '', quoted, single, plain] of text.slice(tag.lastIndex, end).matchAll(ATTRIBUTE)) {
      const kind = dangerousAttribute(key, quoted ?? single ?? plain ?? '')
      if (kind !== null) found.set(kind, { kind, text: shown })
    }
    tag.lastIndex = end
  }
  return [...found.values()]
}

/** Where a tag ends: at the next `>` outside of quotation marks, at most so far away. */
function endOfTag(text: string, from: number): number {
  const last = Math.min(text.length, from + LONGEST_TAG)
  let quote = ''
  for (let at = from; at < last; at++) {
    const sign = text[at] ?? ''
    if (quote !== '') {
      if (sign === quote) quote = ''
    } else if (sign === '"' || sign === "'") quote = sign
    else if (sign === '>') return at
  }
  return last
}

/** The host of an address of the web in lower case; null for a relative one. `//host/` counts: a browser loads it. */
function hostOf(url: string): string | null {
  const [, host] = /^(?:https?:)?\/\/(?:[^@/?#]*@)?([^/?#:]+)/i.exec(url) ?? []
  return host === undefined ? null : host.toLowerCase()
}

const isOf = (host: string, allowed: readonly string[]): boolean =>
  allowed.some((one) => host === one.toLowerCase() || host.endsWith(`.${one.toLowerCase()}`))

/** An image is loaded without a click: its address must carry nothing, or go to a host that is known. */
function carriesData(url: string, hosts: readonly string[] | undefined): boolean {
  const host = hostOf(url)
  if (host === null) return false
  if (hosts !== undefined) return !isOf(host, hosts)
  const rest = url.slice(url.indexOf(host) + host.length)
  const query = /\?[^#]*[=&][^#]/.test(rest) || /\?[^#&=]{8,}/.test(rest)
  const long = rest.split(/[/?#]/).some((part) => part.length >= 40 || /%20.*%20/.test(part))
  return query || long || /^[a-z0-9-]{32,}\./i.test(host)
}

/** Images with their address in brackets, by reference (`![a][b]` and `[b]: …`) and as HTML; then links that run something. */
export function dangerousMarkdown(text: string, hosts: readonly string[] | undefined): Finding[] {
  const found: Finding[] = []
  const references = new Map<string, string>()
  for (const [, name = '', url = ''] of text.matchAll(/^ {0,3}\[([^\]\n]{1,200})\]:[ \t]{0,20}<?([^\s>]{1,4000})/gm)) {
    references.set(name.toLowerCase(), url)
  }
  const images = [
    ...[...text.matchAll(/!\[[^\]\n]{0,400}\]\(\s{0,20}<?([^\s)>]{1,4000})/g)].map(([, url = '']) => url),
    ...[...text.matchAll(/!\[([^\]\n]{0,200})\](?:\[([^\]\n]{0,200})\])?/g)].map(
      ([, alt = '', name = '']) => references.get((name === '' ? alt : name).toLowerCase()) ?? '',
    ),
    ...[...text.matchAll(/<img\b[^>]{0,2000}?\bsrc\s{0,5}=\s{0,5}["']?([^\s"'>]{1,4000})/gi)].map(
      ([, url = '']) => url,
    ),
  ]
  for (const url of images) {
    if (carriesData(url, hosts)) found.push({ kind: 'image that carries data to another host', text: url })
  }
  const links = [...text.matchAll(/\]\(\s{0,20}<?([^)>\n]{1,400})/g)].map(([, url = '']) => url)
  for (const url of [...links, ...references.values()]) {
    if (SCRIPT_ADDRESS.test(address(url))) found.push({ kind: 'script address in Markdown', text: url })
  }
  return found
}
