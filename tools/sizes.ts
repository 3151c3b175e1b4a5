/** Files stay short enough to hold in mind; a longer one needs a decision that says why. */
import { files, textOf } from './tree.ts'

const LINES = 400

/** Paths that a decision allows to be longer: a line `Longer: path` in docs/decisions. */
function allowed(): Set<string> {
  const decisions = files(/^docs\/decisions\/.*\.md$/).map(textOf)
  return new Set(
    decisions.flatMap((text) => Array.from(text.matchAll(/^- Longer: `([^`]+)`/gm), ([, path = '']) => path)),
  )
}

export async function tooLong(): Promise<string[]> {
  const exceptions = allowed()
  // A picture is as long as what it shows.
  const pictures = ['engine/schema.sql', 'web/src/contract.d.ts']
  const written = files(/\.(ts|tsx|js|mjs|sql|py|css)$/).filter((path) => !pictures.includes(path))
  return written.flatMap((path) => {
    const lines = textOf(path).split('\n').length - 1
    return lines <= LINES || exceptions.has(path) ? [] : [`${path} has ${lines} lines; ${LINES} are allowed`]
  })
}
