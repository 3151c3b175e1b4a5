/** What charts say, whatever they show. */
export const words = {
  chart: (title: string) => `${title}: show the chart`,
  table: (title: string) => `${title}: show the numbers`,
  download: (title: string) => `${title}: download`,
  csv: 'Numbers (CSV)',
  svg: 'Picture (SVG)',
  png: 'Picture (PNG)',
  none: '—',
  of: (n: string) => `n ${n}`,
}
