// Colours of a terminal as plain functions; without colour they give back what they get.
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  inverse: [7, 27],
} as const

type Style = keyof typeof codes
export type Paint = { [style in Style]: (text: string) => string }

const ESC = String.fromCharCode(27)

/** One function a style. `color` false: each returns its text unchanged. Styles may be put inside each other. */
export function paint(color: boolean): Paint {
  const style = (name: Style) => (text: string) => {
    const [on, off] = codes[name]
    return color && text !== '' ? `${ESC}[${on}m${text}${ESC}[${off}m` : text
  }
  return {
    bold: style('bold'),
    dim: style('dim'),
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    cyan: style('cyan'),
    inverse: style('inverse'),
  }
}
