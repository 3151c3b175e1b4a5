/**
 * `npm run package`: the package that others install, as a tarball in `dist/`.
 *
 * Node reads no TypeScript below `node_modules`, so engine and server are emitted
 * as JavaScript with their types, side by side as they are here: what one file
 * says about the place of another stays true.  Only the engine's name, which is no
 * package of its own elsewhere, becomes the way to its files.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { files, root } from './tree.ts'

const dist = join(root, 'dist')
const made = join(dist, 'package')

/** What is taken as it is: SQL, programs in other languages, what the first start shows. */
const TAKEN =
  /^(engine\/(sql|migrations)\/|server\/src\/.*\.(sql|json)$|server\/(workers|skills)\/(?!tests\/)|examples\/[^/]+\/definition\.yaml$|LICENSE$|README\.md$|CHANGELOG\.md$)/
/** And what is built, of which git knows nothing. */
const CONSOLE = 'web/dist'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly exports: Record<string, string>
}

const manifestOf = (place: string) => JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8')) as Manifest

/** `./src/index.ts` as the package has it, below `place`. */
function emitted(exports: Manifest['exports'], place: string): Record<string, { types: string; default: string }> {
  return Object.fromEntries(
    Object.entries(exports).map(([door, path]) => {
      const base = `./${join(place, path.replace(/\.ts$/, ''))}`
      return [door, { types: `${base}.d.ts`, default: `${base}.js` }]
    }),
  )
}

/** Files of the server import the engine by name; here they get its files. */
function findEngine({ name, exports }: Manifest): void {
  for (const file of globSync('server/**/*.{js,d.ts}', { cwd: made })) {
    const text = readFileSync(join(made, file), 'utf8')
    const found = text.replaceAll(/(?<=['"])(@millrace\/engine)((?:\/[\w/-]+)?)(?=['"])/g, (_, __, door: string) => {
      const path = exports[`.${door}`]
      if (path === undefined) throw new Error(`${file}: ${name} has no door ${door}`)
      return relative(dirname(file), join('engine', path)).replace(/\.ts$/, '.js')
    })
    if (found !== text) writeFileSync(join(made, file), found)
  }
}

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, ['web/build.ts'], { cwd: root, stdio: 'inherit' })
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.package.json'], { cwd: root, stdio: 'inherit' })

renameSync(join(dist, 'emitted'), made)
for (const path of files(TAKEN)) cpSync(join(root, path), join(made, path))
cpSync(join(root, CONSOLE), join(made, CONSOLE), { recursive: true })

const [house, engine, server] = [manifestOf('.'), manifestOf('engine'), manifestOf('server')]
findEngine(engine)
const { '@millrace/engine': _, ...own } = server.dependencies
// The declarations speak of these libraries' types.
const { '@types/node': node, '@types/pg': pg } = house.devDependencies ?? {}
const manifest = {
  name: server.name,
  version: server.version,
  description:
    'Runs AI work that must not be lost: runs of tasks, claimed by workers, kept in PostgreSQL, watched live.',
  license: 'MIT',
  type: 'module',
  engines: { node: '>=24' },
  bin: { millrace: 'server/bin/millrace.js' },
  exports: emitted(server.exports, 'server'),
  dependencies: { ...engine.dependencies, ...own, '@types/node': node, '@types/pg': pg },
  optionalDependencies: house.optionalDependencies,
}
writeFileSync(join(made, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)

const [{ filename, size, unpackedSize }] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--pack-destination', dist], {
    cwd: made,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
) as [{ filename: string; size: number; unpackedSize: number }]
const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`
process.stdout.write(`dist/${filename}: ${kilobytes(size)}, ${kilobytes(unpackedSize)} unpacked\n`)
