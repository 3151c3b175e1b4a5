/**
 * How much JavaScript a browser loads of the console, as it comes over the wire: at
 * most so much until Home is there, and at most so much more for each further page.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { root, textOf } from './tree.ts'

/** Bytes, compressed. */
const FIRST = 170_000
const FURTHER = 60_000

interface Chunk {
  readonly file: string
  readonly isEntry?: boolean
  readonly isDynamicEntry?: boolean
  readonly imports?: readonly string[]
  readonly dynamicImports?: readonly string[]
}
export type Manifest = Readonly<Record<string, Chunk>>

const HOME = 'src/home/home.tsx'

/** A sentence for each route that is too large. */
export function tooLarge(manifest: Manifest, sizeOf: (file: string) => number): string[] {
  const entry = Object.keys(manifest).find((name) => manifest[name]?.isEntry === true)
  if (entry === undefined || manifest[HOME] === undefined) return ['the console’s build has no entry, or no Home']
  const first = closure(manifest, [entry, HOME])
  const sum = (names: Iterable<string>) => {
    let bytes = 0
    for (const name of names) bytes += sizeOf(manifest[name]?.file ?? '')
    return bytes
  }
  const say = (name: string, bytes: number, most: number) =>
    bytes <= most ? [] : [`${name} loads ${kB(bytes)} of JavaScript; ${kB(most)} are allowed`]
  const further = Object.keys(manifest).filter((name) => manifest[name]?.isDynamicEntry === true && !first.has(name))
  return [
    ...say('the first route', sum(first), FIRST),
    ...further.flatMap((name) =>
      say(name, sum([...closure(manifest, [name])].filter((one) => !first.has(one))), FURTHER),
    ),
  ]
}

/** Everything that is loaded with some chunks. */
function closure(manifest: Manifest, names: readonly string[]): Set<string> {
  const all = new Set(names)
  for (const name of all) for (const one of manifest[name]?.imports ?? []) all.add(one)
  return all
}

const kB = (bytes: number) => `${Math.ceil(bytes / 1_000)} kB`

export async function consoleSizes(): Promise<string[]> {
  execFileSync(process.execPath, ['web/build.ts'], { cwd: root, stdio: 'pipe' })
  const manifest = JSON.parse(textOf('web/dist/manifest.json')) as Manifest
  return tooLarge(manifest, (file) => {
    const path = `${root}web/dist/${file}`
    return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size
  })
}
