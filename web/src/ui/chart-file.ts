/** A chart as a file: its numbers as CSV, its picture as SVG or PNG with the colours of the theme in it. */

export type Cell = string | number | null

/** RFC 4180, with what a spreadsheet would take for a formula made harmless. */
export function csvOf({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly Cell[])[] }): string {
  return [columns, ...rows].map((row) => `${row.map(cellOf).join(',')}\r\n`).join('')
}

function cellOf(value: Cell): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = NUMBER.test(value) || !FORMULA.test(value) ? value : `'${value}`
  return /[",\r\n]|^[\s\uFEFF]|[\s\uFEFF]$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

// As the server's own files have it: also after blanks that a spreadsheet trims, and as wide as another script writes it.
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const FORMULA = /^(?:[\t\r\n]|[\s\p{Cf}\0]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/u

export function save(name: string, type: string, content: string | Blob): void {
  const blob =
    typeof content === 'string' ? new Blob([type === 'text/csv' ? `\uFEFF${content}` : content], { type }) : content
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

const KEPT = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-weight',
  'text-anchor',
] as const

/** Stands for itself: no class, no variable, and a ground of its own. */
export function svgOf(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const from = [svg, ...svg.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  for (const [i, element] of to.entries()) {
    const seen = from[i]
    if (seen === undefined) continue
    const style = getComputedStyle(seen)
    for (const name of KEPT) {
      const value = style.getPropertyValue(name)
      if (value !== '' && value !== 'auto') element.setAttribute(name, plain(value))
    }
    element.removeAttribute('class')
    element.removeAttribute('style')
    if (element.tagName === 'a') element.removeAttribute('href')
  }
  const { width, height } = svg.getBoundingClientRect()
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', String(Math.round(width)))
  copy.setAttribute('height', String(Math.round(height)))
  copy.setAttribute('font-family', 'system-ui, sans-serif')
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  ground.setAttribute('width', '100%')
  ground.setAttribute('height', '100%')
  ground.setAttribute('fill', getComputedStyle(document.documentElement).getPropertyValue('--box').trim())
  copy.prepend(ground)
  return new XMLSerializer().serializeToString(copy)
}

/** `color(srgb 0.1 0.2 0.3)`, which few programs read, as `rgb(26 51 77)`. */
function plain(value: string): string {
  const [, r, g, b] = /^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)/.exec(value) ?? []
  if (r === undefined || g === undefined || b === undefined) return value
  return `rgb(${[r, g, b].map((one) => Math.round(255 * Number(one))).join(', ')})`
}

const SHARPNESS = 2

export async function toPng(svg: SVGSVGElement): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([svgOf(svg)], { type: 'image/svg+xml' }))
  try {
    const picture = new Image()
    picture.src = address
    await picture.decode()
    const canvas = document.createElement('canvas')
    canvas.width = picture.width * SHARPNESS
    canvas.height = picture.height * SHARPNESS
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob === null ? reject(new Error('no picture')) : resolve(blob)))
    })
  } finally {
    URL.revokeObjectURL(address)
  }
}
