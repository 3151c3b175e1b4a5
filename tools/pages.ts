/** The pages for people: every link in them leads somewhere, and `docs/README.md` leads to every page. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { files, root, textOf } from './tree.ts'

export const PAGES = files(/^(README|ARCHITECTURE|CONTRIBUTING|CHANGELOG|(docs|examples|bench)\/.*)\.md$/)
const INDEX = 'docs/README.md'

/** Text without what stands in code, where brackets mean something else. */
const prose = (text: string) => text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '')

/** As GitHub names headings. */
function anchorsOf(text: string): Set<string> {
  const headings = Array.from(
    text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#{1,6} (.*)$/gm),
    ([, heading = '']) => heading,
  )
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

export function brokenLinks(page: string, text: string): string[] {
  return Array.from(prose(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .flatMap((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(root + file)) return [`${page}: ${target} is not there`]
      if (anchor === undefined || statSync(root + file).isDirectory()) return []
      return anchorsOf(textOf(file)).has(anchor) ? [] : [`${page}: ${file} has no heading #${anchor}`]
    })
}

export async function lostPages(): Promise<string[]> {
  const index = textOf(INDEX)
  const unlisted = PAGES.filter((page) => page.startsWith('docs/') && page !== INDEX)
    .filter((page) => !page.startsWith('docs/decisions/') && !index.includes(`](${page.slice('docs/'.length)})`))
    .map((page) => `${INDEX} does not lead to ${page}`)
  return [...PAGES.flatMap((page) => brokenLinks(page, textOf(page))), ...unlisted]
}
