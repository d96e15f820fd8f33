// The one script of the HTML report: search, filters, sorting, opening of cases and the choice of light or dark.

/** Without it every case stands open and nothing is lost. It must hold neither `<` nor `&` (see STYLE), and writes text only. */
export const SCRIPT = `'use strict';
document.documentElement.classList.add('js')
document.addEventListener('DOMContentLoaded', () => {
  const root = document.documentElement
  const theme = document.querySelector('.theme select')
  theme.addEventListener('change', () => {
    if (theme.value === '') delete root.dataset.theme
    else root.dataset.theme = theme.value
  })
  const buttonIn = (cell) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...cell.childNodes)
    cell.append(button)
    return button
  }
  for (const box of document.querySelectorAll('.cases')) {
    const table = box.querySelector('table')
    const search = box.querySelector('input')
    const [outcome, category] = box.querySelectorAll('select')
    const status = box.querySelector('[role=status]')
    const everything = box.querySelector('.controls button')
    const all = [...table.tBodies]
    const rank = new Map(all.map((body, at) => [body, at]))
    const texts = new Map()
    const textOf = (body) => {
      if (!texts.has(body)) texts.set(body, body.textContent.toLowerCase())
      return texts.get(body)
    }
    const cell = (body, column) => body.rows[0].cells[column].textContent
    const open = (body, opened) => {
      const button = body.querySelector('button')
      if (button === null) return
      body.classList.toggle('open', opened)
      button.setAttribute('aria-expanded', String(opened))
    }
    const filter = () => {
      const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean)
      let shown = 0
      for (const body of all) {
        const state = ' ' + cell(body, 0).replace(/[()]/g, ' ') + ' '
        const fits = [
          outcome.value === '' || state.includes(' ' + outcome.value + ' '),
          category.value === '' || cell(body, 2) === category.value,
          words.every((word) => textOf(body).includes(word)),
        ].every(Boolean)
        body.hidden = !fits
        if (fits) shown += 1
      }
      status.textContent = shown + ' of ' + all.length + ' cases shown'
    }
    for (const control of [search, outcome, category]) control.addEventListener('input', filter)
    for (const body of all) if (body.rows.length > 1) buttonIn(body.rows[0].cells[1]).setAttribute('aria-expanded', 'false')
    table.addEventListener('click', ({ target }) => {
      const row = target.closest('tbody tr:first-child')
      if (row !== null) open(row.parentNode, !row.parentNode.classList.contains('open'))
    })
    everything.addEventListener('click', () => {
      const opened = everything.getAttribute('aria-pressed') !== 'true'
      everything.setAttribute('aria-pressed', String(opened))
      for (const body of all) open(body, opened)
    })
    const value = (body, column) => {
      if (column === 0) return rank.get(body)
      const text = cell(body, column)
      if (column === 1 || column === 2) return text
      const found = /([-+]?[\\d.]+)(?:\\/([\\d.]+))?/.exec(text)
      return found === null ? null : Number(found[1]) / Number(found[2] || 1)
    }
    const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b, undefined, { numeric: true }) : a - b)
    const heads = [...table.tHead.rows[0].cells]
    heads.forEach((head, column) => {
      head.setAttribute('aria-sort', column === 0 ? 'ascending' : 'none')
      buttonIn(head).addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') === 'ascending' ? -1 : 1
        for (const other of heads) other.setAttribute('aria-sort', other !== head ? 'none' : up === 1 ? 'ascending' : 'descending')
        const keyed = all.map((body) => [body, value(body, column)])
        keyed.sort(([one, a], [two, b]) => {
          if (a === null || b === null) return Number(a === null) - Number(b === null)
          return compare(a, b) * up || rank.get(one) - rank.get(two)
        })
        table.append(...keyed.map(([body]) => body))
      })
    })
    filter()
  }
})
`
