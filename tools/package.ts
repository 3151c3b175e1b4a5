/**
 * `npm run package`: the package that others install, as a tarball in `dist/`.
 *
 * Node reads no TypeScript below `node_modules`, so engine and server are emitted
 * as JavaScript with their types, side by side as they are here: what one file
 * says about the place of another stays true.  The engine goes along in the
 * package's own `node_modules`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { files, root } from './tree.ts'

const dist = join(root, 'dist')
const made = join(dist, 'package')
const ENGINE = 'node_modules/@millrace/engine'

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

function write(path: string, manifest: object): void {
  writeFileSync(join(made, path, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

rmSync(dist, { recursive: true, force: true })
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.package.json'], { cwd: root, stdio: 'inherit' })

mkdirSync(join(made, dirname(ENGINE)), { recursive: true })
renameSync(join(dist, 'emitted/engine'), join(made, ENGINE))
renameSync(join(dist, 'emitted/server'), join(made, 'server'))
rmSync(join(dist, 'emitted'), { recursive: true })
for (const path of files(TAKEN)) {
  cpSync(join(root, path), join(made, path.startsWith('engine/') ? path.replace('engine', ENGINE) : path))
}
if (existsSync(join(root, CONSOLE))) cpSync(join(root, CONSOLE), join(made, CONSOLE), { recursive: true })

const [house, engine, server] = [manifestOf('.'), manifestOf('engine'), manifestOf('server')]
const { '@millrace/engine': bundled = engine.version, ...own } = server.dependencies
const { './testing': _, ...doors } = engine.exports
// The declarations speak of these libraries' types.
const { '@types/node': node, '@types/pg': pg } = house.devDependencies ?? {}
const shared = { version: server.version, license: 'MIT', type: 'module', engines: { node: '>=24' } }
write(ENGINE, { name: engine.name, ...shared, exports: emitted(doors, '.'), dependencies: engine.dependencies })
write('.', {
  name: server.name,
  ...shared,
  description:
    'Runs AI work that must not be lost: runs of tasks, claimed by workers, kept in PostgreSQL, watched live.',
  bin: { millrace: 'server/bin/millrace.js' },
  exports: emitted(server.exports, 'server'),
  dependencies: { ...engine.dependencies, ...own, '@types/node': node, '@types/pg': pg, [engine.name]: bundled },
  bundleDependencies: [engine.name],
  optionalDependencies: house.optionalDependencies,
})

const [{ filename, size, unpackedSize }] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--pack-destination', dist], {
    cwd: made,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
) as [{ filename: string; size: number; unpackedSize: number }]
const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`
process.stdout.write(`dist/${filename}: ${kilobytes(size)}, ${kilobytes(unpackedSize)} unpacked\n`)
